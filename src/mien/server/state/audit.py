"""Who looked up or changed what, when and why: entries that nobody changes unseen.

Each entry carries an HMAC over itself and the entry before it, by a key that comes from the gallery's master key. The
newest one is also noted in a second file, so that entries taken off the end are missed. Whoever holds the master key
can forge both: a note of `head` kept elsewhere finds that, too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

import apsw

from mien.gallery.errors import GalleryDamaged
from mien.gallery.store.database import translated
from mien.record import Record
from mien.server.caller import Caller
from mien.server.state.database import SECOND, Row, State, open_file

HEAD_FILE: Final = "audit-head.db"
COLUMNS: Final = "seq, at, tenant, kind, actor, name, action, subject, why, detail, mac"
START: Final = bytes(32)
AT_ONCE: Final = 1000
AGAIN_SECONDS: Final = 60
# So far back in the log it is looked for the same; what comes more densely is written more often.
BACK: Final = 1000
Plain = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Entry(Record):
    """One line. kind, actor, name: of the caller. subject: the id of what it was done to; ids only, no names."""

    seq: int
    at: datetime
    tenant: str
    kind: str
    actor: str
    name: str
    action: str
    subject: str | None
    why: str
    detail: Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries. action, subject: how they begin. Times in microseconds since 1970.

    before: only entries with a lower number.
    """

    tenant: str | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Head(Record):
    """The newest entry: what to note down elsewhere, as SEQ:HASH."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """faults: a sentence for each thing that is wrong, so that empty is good. entries: how many were checked."""

    head: Head
    entries: int
    faults: tuple[str, ...] = field(default=())


class AuditLog:
    """Append-only, over all processes that share the state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._key = state.key("audit log")
        self._lock = Lock()
        self._head_file: apsw.Connection | None = None

    def write(
        self,
        caller: Caller,
        action: str,
        subject: str | None = None,
        why: str = "",
        detail: Mapping[str, Plain] | None = None,
    ) -> None:
        """Add an entry; durable when it returns, or with the transaction of `State.write` that it is called in."""
        with self._state.write() as writing:
            seq, before = _last(writing)
            values = (seq + 1, self._state.now(), caller.tenant, caller.kind, caller.id, caller.name, action)
            row = (*values, subject, why, _text(detail))
            mac = self._mac(before, row)
            writing.execute(f"INSERT INTO audit ({COLUMNS}) VALUES ({', '.join('?' * 11)})", (*row, mac))
            self._state.once_kept(lambda: self._note(seq + 1, mac))

    def write_once(
        self,
        caller: Caller,
        action: str,
        subject: str | None = None,
        detail: Mapping[str, Plain] | None = None,
        *,
        same_detail: bool = False,
    ) -> None:
        """As `write`, but for what a page shows again and again: none within a minute of the same one.

        The same: caller, action and subject, and detail where that is said. Over all processes; the first one is
        written at once.
        """
        like = _text(detail) if same_detail else None
        # Most times there is one, and nobody need wait for the file.
        if self._written(caller, action, subject, like):
            return
        with self._state.write():
            if not self._written(caller, action, subject, like):
                self.write(caller, action, subject, detail=detail)

    def entries(self, wanted: Wanted | None = None, most: int = 50) -> list[Entry]:
        """The newest first."""
        where, values = _conditions(wanted or Wanted())
        sql = f"SELECT {COLUMNS} FROM audit WHERE {where} ORDER BY seq DESC LIMIT ?"
        return [_entry(row) for row in self._state.read(sql, (*values, most))]

    def head(self) -> Head:
        """The newest entry; number 0 where there is none."""
        seq, mac = self._state.row("SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1") or self._cut()
        return Head(seq, mac.hex())

    def verify(self, noted: Head | None = None) -> Verdict:
        """Check every entry against the chain, the second file, and a head that was noted down before."""
        seq, before = self._cut()
        known = {seq: before}
        heads = [head for head in (self._second(), noted) if head is not None]
        faults, count, last = list(self._faults_of_cuts()), 0, seq
        for row in self._all():
            if row[0] != last + 1:
                faults.append(f"Entries {last + 1} to {row[0] - 1} are missing.")
            if not hmac.compare_digest(row[10], self._mac(before, row[:10])):
                faults.append(f"Entry {row[0]} is not as it was written, or not after the entry that it was after.")
            last, before, count = row[0], row[10], count + 1
            if any(head.seq == last for head in heads):
                known[last] = before
        faults += [text for head in heads if (text := _fault_of(head, seq, last, known))]
        return Verdict(Head(last, before.hex()), count, tuple(faults[:100]))

    def cut(self, before: int) -> int:
        """Remove entries from before a time, behind a signed marker; how many went."""
        with self._state.write() as writing:
            sql = "SELECT seq, mac FROM audit WHERE seq < (SELECT coalesce(min(seq), ?2) FROM audit WHERE at >= ?1)"
            found = writing.execute(f"{sql} ORDER BY seq DESC LIMIT 1", (before, 1 << 62)).fetchone()
            if found is None:
                return 0
            seq, mac = found
            now = self._state.now()
            writing.execute("INSERT INTO audit_cuts VALUES (?, ?, ?, ?)", (seq, now, mac, self._sign(seq, now, mac)))
            writing.execute("DELETE FROM audit WHERE seq <= ?", (seq,))
            return writing.changes()

    def _written(self, caller: Caller, action: str, subject: str | None, detail: str | None) -> bool:
        """Within the last minute; of any detail where that is None.

        Entries of the future, where a clock was put back, do not count.
        """
        now = self._state.now()
        same = "tenant = ? AND kind = ? AND actor = ? AND action = ? AND subject IS ? AND detail = coalesce(?, detail)"
        sql = f"SELECT 1 FROM audit WHERE seq > (SELECT max(seq) FROM audit) - {BACK} AND {same} AND at BETWEEN ? AND ?"
        about = (caller.tenant, caller.kind, caller.id, action, subject, detail)
        values = (*about, now - AGAIN_SECONDS * SECOND + 1, now)
        return self._state.row(sql, values) is not None

    def _mac(self, before: bytes, row: Row) -> bytes:
        text = json.dumps(row, ensure_ascii=False)
        return hmac.digest(self._key, before + text.encode(), hashlib.sha256)

    def _sign(self, seq: int, at: int, mac: bytes) -> bytes:
        return hmac.digest(self._key, f"cut {seq} {at} ".encode() + mac, hashlib.sha256)

    def _cut(self) -> tuple[int, bytes]:
        found = self._state.row("SELECT seq, mac FROM audit_cuts ORDER BY seq DESC LIMIT 1")
        return (found[0], found[1]) if found else (0, START)

    def _faults_of_cuts(self) -> Iterator[str]:
        for seq, at, mac, sign in self._state.read("SELECT seq, at, mac, sign FROM audit_cuts"):
            if not hmac.compare_digest(sign, self._sign(seq, at, mac)):
                yield f"The marker of the cut at entry {seq} is forged."

    def _all(self) -> Iterator[Row]:
        """A page at a time, so that verifying does not hold the log in memory."""
        last = -1
        while rows := self._state.read(
            f"SELECT {COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", (last, AT_ONCE)
        ):
            yield from rows
            last = rows[-1][0]

    def _note(self, seq: int, mac: bytes) -> None:
        """In a file whose commits wait for no disk: after a power cut it may be behind, never ahead."""
        # What is kept is kept: another process in the way, or a full disk, only leaves the note behind.
        with self._lock, suppress(apsw.Error):
            self._opened().execute("UPDATE head SET seq = ?1, mac = ?2 WHERE seq < ?1", (seq, mac))

    def _second(self) -> Head | None:
        if not (self._state.folder / HEAD_FILE).exists():
            return Head(1, "") if self._state.row("SELECT 1 FROM audit") else None
        try:
            with self._lock, translated(self._state.folder):
                found = self._opened().execute("SELECT seq, mac FROM head WHERE seq > 0").fetchone()
        except GalleryDamaged:
            # Whoever can write the disk can do that, too.
            return Head(1, "")
        return Head(found[0], found[1].hex()) if found else None

    def _opened(self) -> apsw.Connection:
        if self._head_file is None:
            second = open_file(self._state.folder / HEAD_FILE, self._state.key("head of the audit log"))
            second.pragma("synchronous", "NORMAL")
            second.execute("CREATE TABLE IF NOT EXISTS head (seq INTEGER NOT NULL, mac BLOB NOT NULL) STRICT")
            second.execute("INSERT INTO head SELECT 0, x'' WHERE NOT EXISTS (SELECT 1 FROM head)")
            self._head_file = second
        return self._head_file


def _last(writing: apsw.Connection) -> tuple[int, bytes]:
    for table in ("audit", "audit_cuts"):
        if found := writing.execute(f"SELECT seq, mac FROM {table} ORDER BY seq DESC LIMIT 1").fetchone():
            return found[0], found[1]
    return 0, START


def _text(detail: Mapping[str, Plain] | None) -> str:
    return json.dumps(detail or {}, sort_keys=True, ensure_ascii=False)


def _conditions(wanted: Wanted) -> tuple[str, list[Any]]:
    terms = {
        "tenant = ?": wanted.tenant,
        "actor = ?": wanted.actor,
        "instr(action, ?) = 1": wanted.action,
        "instr(subject, ?) = 1": wanted.subject,
        "at >= ?": wanted.since,
        "at < ?": wanted.until,
        "seq < ?": wanted.before,
    }
    asked = {term: value for term, value in terms.items() if value is not None}
    return " AND ".join(asked) or "TRUE", list(asked.values())


def _entry(row: Row) -> Entry:
    seq, at, tenant, kind, actor, name, action, subject, why, detail, _ = row
    when = datetime.fromtimestamp(at / SECOND, UTC)
    return Entry(seq, when, tenant, kind, actor, name, action, subject, why, json.loads(detail))


def _fault_of(head: Head, first: int, last: int, known: Mapping[int, bytes]) -> str | None:
    """What a head that was noted down says against the log, which has the entries after `first`, up to `last`."""
    if not head.hash:
        return f"{HEAD_FILE} is gone, or is not as it was written."
    if head.seq > last:
        return f"Entries {last + 1} to {head.seq} are missing from the end."
    if head.seq in known and known[head.seq].hex() != head.hash:
        return f"Entry {head.seq} is not the one that was noted down."
    return None
