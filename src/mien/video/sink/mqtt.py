"""Events to an MQTT broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from mien.errors import ExtraMissing, SinkError
from mien.video.frame import SourceInfo
from mien.video.sink.messages import Messages
from mien.video.sink.outbox import WAITING, NotNow

PORTS = {"mqtt": 1883, "mqtts": 8883}
CONNECT_SECONDS = 10.0
DRAIN_SECONDS = 10.0
AT_LEAST_ONCE = 1


class MqttLink:
    """A connection to a broker that comes back by itself; messages go to `TOPIC/events` with QoS 1.

    `TOPIC/status` holds, retained, `online` while it stands and `offline` after it; the broker itself says `offline`
    where the process dies. `publish` is for one thread.
    """

    def __init__(self, url: str, topic: str = "mien") -> None:
        """url: mqtt://user:password@host:port, or mqtts:// for TLS with the system's certificates.

        Raises SinkError for another address or a topic with wildcards, ExtraMissing without paho-mqtt.
        """
        self._address = _address(url)
        if not topic.strip("/") or set("+#\0") & set(topic):
            raise SinkError(f"{topic!r} is no topic.", "Name one without + and #, such as mien/door.")
        self._topic = topic.strip("/")
        self.name = f"the broker {self._address.hostname}:{self._port}"
        self._paho = _paho()
        self._client: Any = None
        self._state = threading.Condition()
        self._answer: Any = None
        self._acknowledged: set[int] = set()
        self._fault = "It does not answer."

    def open(self) -> None:
        """Begin to connect; returns at once."""
        self._client = self._connecting()
        self._client.loop_start()

    def wait(self, seconds: float) -> None:
        """Raises NotNow where the broker has not taken the connection by then, or refuses it."""
        with self._state:
            answered = self._state.wait_for(lambda: self._answer is not None, seconds)
        if not answered or self._answer.is_failure:
            raise NotNow(f"It says: {self._answer}." if answered else self._fault)

    def publish(self, message: bytes, stopping: Callable[[], bool]) -> None:
        """Returns when the broker has it; paho itself sends it again after a lost connection.

        Raises NotNow where the connection is lost, or `stopping` says so first.
        """
        client = self._client
        if client is None or not client.is_connected():
            raise NotNow("The connection is lost.")
        with self._state:
            self._acknowledged.clear()
        # Not within the lock: paho calls `_on_publish` while it holds a lock of its own, which `publish` wants.
        mid = client.publish(f"{self._topic}/events", message, AT_LEAST_ONCE).mid
        while not stopping():
            with self._state:
                if self._state.wait_for(lambda: mid in self._acknowledged, 0.2):
                    return
        raise NotNow("The broker did not acknowledge in time.")

    def close(self) -> None:
        """Says `offline` and disconnects."""
        client, self._client = self._client, None
        if client is None:
            return
        if client.is_connected():
            sent = client.publish(f"{self._topic}/status", "offline", AT_LEAST_ONCE, retain=True).mid
            with self._state:
                self._state.wait_for(lambda: sent in self._acknowledged, 1.0)
        client.disconnect()
        client.loop_stop()

    @property
    def _port(self) -> int:
        return self._address.port or PORTS[self._address.scheme]

    def _connecting(self) -> Any:
        client = self._paho.Client(self._paho.CallbackAPIVersion.VERSION2)
        if self._address.username:
            client.username_pw_set(unquote(self._address.username), unquote(self._address.password or ""))
        if self._address.scheme == "mqtts":
            client.tls_set()
        client.will_set(f"{self._topic}/status", "offline", AT_LEAST_ONCE, retain=True)
        client.reconnect_delay_set(1, 30)
        client.on_connect, client.on_publish = self._on_connect, self._on_publish
        client.on_connect_fail = self._on_connect_fail
        client.connect_async(self._address.hostname or "", self._port)
        return client

    def _on_connect(self, client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if not reason.is_failure:
            client.publish(f"{self._topic}/status", "online", AT_LEAST_ONCE, retain=True)
        with self._state:
            self._answer = reason
            self._state.notify_all()

    def _on_connect_fail(self, _client: object, _data: object) -> None:
        self._fault = "It cannot be reached."

    def _on_publish(self, _client: object, _data: object, mid: int, _reason: object, _properties: object) -> None:
        with self._state:
            self._acknowledged.add(mid)
            self._state.notify_all()


class Mqtt(Messages):
    """A Sink: each event as JSON over a `MqttLink`, so that it arrives at least once.

    While the broker is away events wait, up to `waiting`; the oldest go first, and a record of kind `dropped` says how
    many.
    """

    def __init__(self, url: str, topic: str = "mien", waiting: int = WAITING) -> None:
        """url, topic: as `MqttLink` has them, and raises for them."""
        super().__init__(waiting)
        self._link = MqttLink(url, topic)

    def start(self, info: SourceInfo) -> None:
        """Waits for the broker, a few seconds at most. Raises SinkError where it is not there or refuses."""
        self._link.open()
        try:
            self._link.wait(CONNECT_SECONDS)
        except NotNow as error:
            self.close()
            raise SinkError(
                f"{self._link.name} takes no messages. {error}", "Check address, user and password."
            ) from None
        self.begin(self._link.name, self._publish, info, DRAIN_SECONDS)

    def close(self) -> None:
        """Says `offline` and disconnects."""
        super().close()
        self._link.close()

    def _publish(self, message: bytes) -> None:
        outbox = self._outbox
        self._link.publish(message, lambda: bool(outbox and outbox.stopping))


def _address(url: str) -> SplitResult:
    """Never repeats the URL, which may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SinkError(
            "The address of the broker cannot be read.",
            "It is mqtt://user:password@host:port, or mqtts:// for TLS; a password has @ as %40, / as %2F and so on.",
        )
    return parts


def _paho() -> Any:
    try:
        return import_module("paho.mqtt.client")
    except ImportError as error:
        raise ExtraMissing("MQTT needs paho-mqtt.", "Install it with: pip install 'mien[mqtt]'") from error
