"""Events to web servers and brokers: each at least once, in order, also over a restart."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from mien.errors import SinkError
from mien.record import plain
from mien.server.events import Named, shown
from mien.server.state.database import SECOND, State
from mien.server.state.events import OF_OUTPUTS, EventLog, LoggedEvent
from mien.server.state.leases import LEASE_SECONDS, Lease
from mien.video.sink import outbox
from mien.video.sink.mqtt import CONNECT_SECONDS, MqttLink
from mien.video.sink.outbox import NotNow, Refused
from mien.video.sink.records import json_bytes
from mien.video.sink.webhook import WebhookPost
from mien.video.source.address import shown as address_shown

LOG: Final = logging.getLogger("mien.server.outputs")
POLL_SECONDS: Final = 0.3
SCHEMA: Final = "mien.event/1"


class Way(Protocol):
    """To one server or broker; for one thread."""

    def send(self, body: bytes, delivery: str, stopping: Callable[[], bool]) -> None:
        """Returns once the other side has it; raises NotNow or Refused. delivery: the same for each try."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class WebhookWay:
    """A `Way` to a web server."""

    def __init__(self, address: str, secret: str | None) -> None:
        self._post = WebhookPost(address, secret)

    def send(self, body: bytes, delivery: str, stopping: Callable[[], bool]) -> None:
        """As `Way.send`."""
        self._post(body, delivery)

    def close(self) -> None:
        """Nothing stays open."""


class MqttWay:
    """A `Way` to a broker; connects with the first message."""

    def __init__(self, address: str) -> None:
        self._link = MqttLink(address, urlsplit(address).path.strip("/") or "mien")
        self._open = False

    def send(self, body: bytes, delivery: str, stopping: Callable[[], bool]) -> None:
        """As `Way.send`."""
        if not self._open:
            self._link.open()
            self._open = True
            self._link.wait(CONNECT_SECONDS)
        until = time.monotonic() + LEASE_SECONDS
        self._link.publish(body, lambda: stopping() or time.monotonic() > until)

    def close(self) -> None:
        """Says `offline`."""
        self._link.close()
        self._open = False


def way_to(address: str, secret: str | None) -> Way:
    """Raises SinkError for an address that is no https:// or mqtt://, ExtraMissing without paho-mqtt."""
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        return WebhookWay(address, secret)
    if scheme in ("mqtt", "mqtts"):
        return MqttWay(address)
    raise SinkError(
        f"Events do not go to {address_shown(address)!r}.", "Name https://hook.example/path or mqtt://HOST."
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where an output is. waiting: events that it has not got yet. trouble: why not, for people.

    lost: events that went, as `event_days` says, before it had them.
    """

    address: str
    delivered: int
    refused: int
    waiting: int
    lost: int
    delivered_at: int | None
    trouble: str


class Output:
    """One address. Of several processes one delivers; the position is on record, so that any may go on."""

    def __init__(self, address: str, way: Way, state: State, log: EventLog, named: Named) -> None:
        self.address = address
        self._way, self._state, self._log, self._named = way, state, log, named
        self.name = hashlib.sha256(address.encode()).hexdigest()[:32]
        self._lease = Lease(state, f"output {self.name}")
        self._change = Condition()
        self._closing = False
        self._thread: Thread | None = None
        # A first start sends nothing of what was before.
        with state.write() as connection:
            connection.execute(
                "INSERT INTO outputs (name, label, position) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (self.name, str(uuid.uuid4()), log.newest()),
            )

    def start(self) -> None:
        """Begin to deliver."""
        self._thread = Thread(target=self._run, name="mien-output", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """What is not delivered is so after the next start."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._lease.let_go()

    @property
    def delivery(self) -> Delivery:
        """How far it is."""
        row = self._state.row(
            "SELECT position, delivered, refused, lost, delivered_at, trouble FROM outputs WHERE name = ?",
            (self.name,),
        )
        position, delivered, refused, lost, at, trouble = row or (0, 0, 0, 0, None, "")
        left = self._state.row("SELECT count(*) FROM events WHERE tenant = ? AND seq > ?", (OF_OUTPUTS, position))
        return Delivery(address_shown(self.address), delivered, refused, left[0] if left else 0, lost, at, trouble)

    def _run(self) -> None:
        with ExitStack() as stack:
            stack.callback(self._way.close)
            while not self._closing:
                try:
                    busy = self._lease.hold() and self._step()
                except Exception:
                    # The state is locked, or the disk full: it may be over in a moment.
                    LOG.exception("Output %s", address_shown(self.address))
                    busy = False
                if not busy:
                    self._rest(POLL_SECONDS)

    def _step(self) -> bool:
        """Deliver some; whether there may be more."""
        row = self._state.row("SELECT position, label FROM outputs WHERE name = ?", (self.name,))
        if row is None:
            return False
        events = self._log.after(OF_OUTPUTS, row[0], 50)
        held = time.monotonic()
        for event in events:
            if time.monotonic() - held > LEASE_SECONDS / 3:
                return True  # renew the lease first
            if not self._deliver(event, row[1]):
                return False
        return bool(events)

    def _deliver(self, event: LoggedEvent, label: str) -> bool:
        """Until the other side has it, or refuses it for good; False where this process must stop trying."""
        body = json_bytes({"schema": SCHEMA} | shown(event, self._named))
        delivery, pause = str(uuid.uuid5(uuid.UUID(label), str(event.seq))), outbox.FIRST_PAUSE_SECONDS
        while not self._closing:
            try:
                self._way.send(body, delivery, lambda: self._closing)
            except NotNow as error:
                self._note("trouble = ?", (str(error),))
                if not self._wait(pause):
                    return False
                pause = min(2 * pause, outbox.LONGEST_PAUSE_SECONDS)
            except Refused as error:
                self._note("position = ?, refused = refused + 1, trouble = ?", (event.seq, str(error)))
                return True
            else:
                now = self._state.now()
                said = "position = ?, delivered = delivered + 1, trouble = '', delivered_at = ?"
                self._note(said, (event.seq, now))
                return True
        return False

    def _wait(self, seconds: float) -> bool:
        """A pause in which the lease is kept; False where it is lost."""
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            if not self._lease.hold():
                return False
            self._rest(min(left, LEASE_SECONDS / 3))
        return self._lease.hold()

    def _note(self, changes: str, values: tuple[str | int, ...]) -> None:
        with self._state.write() as connection:
            connection.execute(f"UPDATE outputs SET {changes} WHERE name = ?", (*values, self.name))

    def _rest(self, seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._closing, seconds)


class Outputs:
    """All addresses of the configuration."""

    def __init__(
        self, addresses: tuple[str, ...], secret: str | None, state: State, log: EventLog, named: Named
    ) -> None:
        """Raises SinkError for an address that cannot be read, and ExtraMissing, before anything is sent."""
        ways = [(address, way_to(address, secret)) for address in addresses]
        self._outputs = [Output(address, way, state, log, named) for address, way in ways]
        names = json.dumps([output.name for output in self._outputs])
        with state.write() as connection:
            # Nothing goes there any more: no event would be lost to it.
            connection.execute("DELETE FROM outputs WHERE name NOT IN (SELECT value FROM json_each(?))", (names,))

    def start(self) -> None:
        """Begin to deliver."""
        for output in self._outputs:
            output.start()

    def close(self) -> None:
        """May take as long as one answer does."""
        for output in self._outputs:
            output.close()

    @property
    def deliveries(self) -> list[Delivery]:
        """How far each is, in the order of the configuration."""
        return [output.delivery for output in self._outputs]


def delivery_fields(delivery: Delivery) -> Mapping[str, Any]:
    """For people and programs outside; without passwords."""
    at = delivery.delivered_at
    return {
        "address": delivery.address,
        "delivered": delivery.delivered,
        "refused": delivery.refused,
        "waiting": delivery.waiting,
        "lost": delivery.lost,
        "delivered_at": plain(datetime.fromtimestamp(at / SECOND, UTC)) if at is not None else None,
        "trouble": delivery.trouble,
    }
