"""The people of a gallery under new keys and a new rotation: the part of `rekey` that all databases share."""

from __future__ import annotations

import secrets
from typing import Any

from mien.face import Floats
from mien.gallery.store.content import decode_profile, encode_shelf
from mien.gallery.store.ground import Connection, Value
from mien.gallery.store.reading import Owner, Reading
from mien.gallery.store.seal import KEY_BYTES, Seal, Table
from mien.gallery.store.slots import GalleryKeys, seal_slot, slot_cipher
from mien.gallery.store.vault import Vault

PAGE = 1000
"""People worked on at once."""


class Renewing:
    """Copies all people into new records, each under a new data key, turned by a new rotation."""

    def __init__(self, old: Reading, connection: Connection, vault: Vault, keys: GalleryKeys, into: str = "") -> None:
        """into: what stands before the names of the tables that are filled, where they are not the ones read."""
        self._old = old
        self._connection = connection
        self._vault = vault
        self._cipher = slot_cipher(keys)
        self._into = into
        self._turn: Floats = old.vault.rotation.T @ vault.rotation
        self.slots: list[bytes] = []

    def run(self) -> None:
        """Copy everything; the new slots are in `slots` afterwards."""
        after = 0
        while rows := self._old.rows("SELECT * FROM people WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)):
            for row in rows:
                self._person(row)
            after = rows[-1][0]
        for row, at, sealed in self._old.rows("SELECT number, at, content FROM answers WHERE person IS NULL"):
            content = self._probe(self._old.vault.ledger, self._vault.ledger, Table.ANSWER, row, sealed)
            self._insert("answers", (row, at, None, content))
        self._history()

    def _person(self, row: tuple[Any, ...]) -> None:
        number, person, slot, check, seq, n_templates, _, _, profile, templates = row
        old = self._old.seal(Owner(number, person, slot, check))
        if old is None:
            return
        key = secrets.token_bytes(KEY_BYTES)
        new = self._vault.seal(key, person)
        said = old.open(Table.PROFILE, number, profile)
        named = decode_profile(said)[0]
        shelf = self._old.vault.open_shelf(old, number, templates)
        shelf.stored = shelf.stored @ self._turn
        values = (
            *(number, person, len(self.slots), self._vault.check(key, person), seq, n_templates),
            *(self._vault.name_tag(named.name), self._vault.external_tag(named.external_id)),
            *(new.close(Table.PROFILE, number, said), new.close(Table.TEMPLATES, number, encode_shelf(shelf))),
        )
        self._insert("people", values)
        self.slots.append(seal_slot(self._cipher, self._vault.gallery, len(self.slots), key))
        self._belongings(number, old, new)
        self._details(person, old, new)

    def _belongings(self, person: int, old: Seal, new: Seal) -> None:
        for row, sealed in self._old.rows("SELECT template, content FROM crops WHERE person = ?", (person,)):
            content = new.close(Table.CROP, row, old.open(Table.CROP, row, sealed))
            self._insert("crops", (row, person, content))
        for row, sealed in self._old.rows("SELECT number, content FROM negatives WHERE person = ?", (person,)):
            self._insert("negatives", (row, person, self._probe(old, new, Table.NEGATIVE, row, sealed)))
        for row, at, sealed in self._old.rows("SELECT number, at, content FROM answers WHERE person = ?", (person,)):
            self._insert("answers", (row, at, person, self._probe(old, new, Table.ANSWER, row, sealed)))

    def _details(self, person: bytes, old: Seal, new: Seal) -> None:
        sql = "SELECT seq, at, kind, detail FROM history WHERE person = ? AND detail IS NOT NULL"
        for seq, at, kind, sealed in self._old.rows(sql, (person,)):
            detail = new.close(Table.EVENT, seq, old.open(Table.EVENT, seq, sealed))
            self._insert("history", (seq, at, kind, person, detail))

    def _history(self) -> None:
        """What is left of it: events of the gallery, and events without a detail."""
        old, new = self._old.vault.ledger, self._vault.ledger
        for seq, at, kind, person, sealed in self._old.rows(
            "SELECT * FROM history WHERE person IS NULL OR detail IS NULL"
        ):
            detail = None if sealed is None else new.close(Table.EVENT, seq, old.open(Table.EVENT, seq, sealed))
            self._insert("history", (seq, at, kind, person, detail))

    def _probe(self, old: Seal, new: Seal, table: Table, row: int, sealed: bytes) -> bytes:
        vector, rest = self._old.vault.open_probe(old.open(table, row, sealed))
        return new.close(table, row, self._vault.close_probe(vector, rest))

    def _insert(self, table: str, values: tuple[Value, ...]) -> None:
        self._connection.execute(f"INSERT INTO {self._into}{table} VALUES ({', '.join('?' * len(values))})", values)
