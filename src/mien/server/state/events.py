"""What happened, in order: kept for a while, read by pages, followed by streams and outputs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mien.server.state.database import State

LOG: Final = logging.getLogger("mien.server.events")
MOST_AT_ONCE: Final = 500
OF_OUTPUTS: Final = ""
"""The tenant of whoever made the configuration; others' events go to no output."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """seq: rises, over all tenants; never given twice. at: microseconds since 1970. data: plain values."""

    seq: int
    tenant: str
    at: int
    kind: str
    data: Mapping[str, Any]


class EventLog:
    """Shared by all processes on one state. Thread-safe.

    Names of people are never in it: ids are, so that a removed person leaves no name behind.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def publish(self, tenant: str, kind: str, data: Mapping[str, Any]) -> int:
        """Durable when it returns; the number of the event."""
        return self.publish_all(tenant, [(kind, data)])

    def publish_all(self, tenant: str, events: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """All in one transaction; the number of the last one, 0 where there is none."""
        now, last = self._state.now(), 0
        with self._state.write() as connection:
            for kind, data in events:
                text = json.dumps(data, ensure_ascii=False, allow_nan=False)
                connection.execute(
                    "INSERT INTO events (tenant, at, kind, data) VALUES (?, ?, ?, ?)", (tenant, now, kind, text)
                )
                last = connection.last_insert_rowid()
        return last

    def newest(self) -> int:
        """The number of the newest event of all tenants, 0 before the first; a cheap question."""
        row = self._state.row("SELECT max(seq) FROM events")
        return int(row[0] or 0) if row else 0

    def after(self, tenant: str, seq: int, limit: int = MOST_AT_ONCE) -> list[LoggedEvent]:
        """The events of a tenant behind a number, the oldest first."""
        return self._found(
            "SELECT seq, tenant, at, kind, data FROM events WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?",
            (tenant, seq, limit),
        )

    def page(
        self, tenant: str, limit: int, *, before: int | None = None, kind: str | None = None, since: int | None = None
    ) -> list[LoggedEvent]:
        """The newest first. before: a number, excluded. since: microseconds since 1970."""
        return self._found(
            "SELECT seq, tenant, at, kind, data FROM events WHERE tenant = ?1 AND (?2 IS NULL OR seq < ?2) "
            "AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR at >= ?4) ORDER BY seq DESC LIMIT ?5",
            (tenant, before, kind, since, limit),
        )

    def of_camera(self, camera: str, limit: int = 100) -> list[LoggedEvent]:
        """The newest of one camera, the newest first."""
        return self._found(
            "SELECT seq, tenant, at, kind, data FROM events WHERE tenant = '' AND "
            "json_extract(data, '$.camera') = ? ORDER BY seq DESC LIMIT ?",
            (camera, limit),
        )

    def forget(self, tenant: str, before: int) -> int:
        """Remove a tenant's events from before a moment, in microseconds since 1970; how many went.

        Each output counts those that it has not had.
        """
        with self._state.write() as connection:
            lost = connection.execute(
                "SELECT count(*), name FROM outputs JOIN events ON seq > position "
                "WHERE tenant = ?1 AND ?1 = ?3 AND at < ?2 GROUP BY name",
                (tenant, before, OF_OUTPUTS),
            ).fetchall()
            connection.executemany("UPDATE outputs SET lost = lost + ? WHERE name = ?", lost)
            connection.execute("DELETE FROM events WHERE tenant = ? AND at < ?", (tenant, before))
            gone: int = connection.changes()
        for missed, _ in lost:
            LOG.warning("%d events were kept for long enough and went before an output had them", missed)
        return gone

    def tenants(self) -> list[str]:
        """Those who have events."""
        return [tenant for (tenant,) in self._state.read("SELECT DISTINCT tenant FROM events")]

    def _found(self, sql: str, values: tuple[str | int | None, ...]) -> list[LoggedEvent]:
        return [
            LoggedEvent(seq, tenant, at, kind, json.loads(data))
            for seq, tenant, at, kind, data in self._state.read(sql, values)
        ]
