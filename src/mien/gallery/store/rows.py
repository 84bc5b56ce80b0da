"""What every change of a gallery is made of: counters, slots, events, shelves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from mien.gallery.errors import PersonUnknown
from mien.gallery.people import Template
from mien.gallery.store.content import Shelf, encode_detail
from mien.gallery.store.ground import Home, Value, scalar
from mien.gallery.store.reading import Owner, Reading
from mien.gallery.store.receipt import Receipt
from mien.gallery.store.seal import Seal, Table

COUNTERS = ("seq", "number", "slots", "epoch")
INSERT_EVENT = "INSERT INTO history VALUES (?, ?, ?, ?, ?)"


class RowWriting(Reading):
    """One open transaction. New keys wait in `fresh` until `finish` writes them, just before the commit."""

    def __init__(self, reading: Reading, home: Home) -> None:
        super().__init__(reading.connection, reading.vault, reading.keys)
        self.home = home
        counted = dict(self.rows("SELECT name, value FROM counters"))
        self.counters: dict[str, int] = {name: counted[name] for name in COUNTERS}
        self.fresh: dict[int, bytes] = {}
        self.receipts: list[Receipt] = []
        self._has_free_slots = True

    def key(self, slot: int) -> bytes | None:
        """The data key in a slot, also where this transaction is about to write it."""
        return self.fresh.get(slot) or super().key(slot)

    def finish(self) -> None:
        """Drop answers past their days, make receipts and keys durable; what is left to do is the commit."""
        if days := self.vault.info.policy.keep_answers_days:
            oldest = self.vault.micros(datetime.now(UTC) - timedelta(days=days))
            self.connection.execute("DELETE FROM answers WHERE at < ?", (oldest,))
        with self.home.translated():
            self.home.conclude(self.connection, self.receipts, self.counters["seq"])
            if self.fresh:
                self.keys.put(self.fresh)
        values = [(value, name) for name, value in self.counters.items()]
        self.connection.executemany("UPDATE counters SET value = ? WHERE name = ?", values)

    def next(self, counter: str) -> int:
        """Count one up."""
        self.counters[counter] += 1
        return self.counters[counter]

    def free_slot(self) -> int:
        """A slot that nobody uses."""
        # Asked until there is none: in a batch of thousands that is one question.
        free = scalar(self.connection, "SELECT slot FROM free_slots LIMIT 1") if self._has_free_slots else None
        if isinstance(free, int):
            self.connection.execute("DELETE FROM free_slots WHERE slot = ?", (free,))
            return free
        self._has_free_slots = False
        return self.next("slots") - 1

    def event(self, kind: str, person: bytes | None, seal: Seal | None, detail: Mapping[str, str]) -> int:
        """Write a line of history; its number. Without a seal the detail is not kept."""
        content = encode_detail(detail) if detail else b""
        self.connection.execute(INSERT_EVENT, self.event_row(kind, person, seal, content, datetime.now(UTC)))
        return self.counters["seq"]

    def event_row(
        self, kind: str, person: bytes | None, seal: Seal | None, detail: bytes, at: datetime
    ) -> tuple[Value, ...]:
        """The values of a line of history, under the next number. detail: encoded; empty for none."""
        seq = self.next("seq")
        sealed = seal.close(Table.EVENT, seq, detail) if seal and detail else None
        return seq, self.vault.micros(at), kind, person, sealed

    def note(self, kind: str, detail: Mapping[str, str]) -> None:
        """Write a line of history about the gallery itself."""
        self.event(kind, None, self.vault.ledger, detail)

    def changed(self, kind: str, owner: Owner, seal: Seal, detail: Mapping[str, str]) -> None:
        """Write a line of history about a person, who has changed."""
        seq = self.event(kind, owner.id, seal, detail)
        self.connection.execute("UPDATE people SET seq = ? WHERE number = ?", (seq, owner.number))

    def shelf(self, owner: Owner, seal: Seal) -> Shelf:
        """A person's templates."""
        sealed = scalar(self.connection, "SELECT templates FROM people WHERE number = ?", (owner.number,))
        if not isinstance(sealed, bytes):
            raise PersonUnknown("The person was removed earlier in this transaction.")
        return self.vault.open_shelf(seal, owner.number, sealed)

    def put_shelf(self, owner: Owner, seal: Seal, shelf: Shelf) -> None:
        """Replace a person's templates."""
        sealed = self.vault.close_shelf(seal, owner.number, shelf)
        values = (sealed, len(shelf.templates), owner.number)
        self.connection.execute("UPDATE people SET templates = ?, n_templates = ? WHERE number = ?", values)

    def extend(self, shelf: Shelf, more: Shelf) -> None:
        """Put the templates of another shelf after a shelf's own."""
        shelf.templates = shelf.templates + more.templates
        shelf.has_crop = shelf.has_crop + more.has_crop
        shelf.stored = np.concatenate([shelf.stored, more.stored])

    def numbered(self, templates: Sequence[Template]) -> list[Template]:
        """Templates with the ids that they are stored under."""
        # Faster than `dataclasses.replace`, which counts in a batch of thousands.
        return [
            Template(one.vector, one.quality, one.source, one.added_at, one.crop, self.next("number"))
            for one in templates
        ]

    def put_crops(self, row: int, seal: Seal, templates: Sequence[Template]) -> None:
        """Store the crops of numbered templates, where the policy keeps crops."""
        if not self.vault.info.policy.keep_crops:
            return
        crops = [(one.id, row, seal.close(Table.CROP, one.id, one.crop)) for one in templates if one.crop is not None]
        if crops:
            self.connection.executemany("INSERT INTO crops VALUES (?, ?, ?)", crops)
