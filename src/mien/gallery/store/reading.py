"""Reading people: rows in, nouns out. A `Reading` is one connection, for one thread at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mien.gallery.errors import GalleryDamaged, PersonUnknown
from mien.gallery.people import Event, Negative, PastAnswer, Person, Template
from mien.gallery.store.content import (
    cut_shelf,
    decode_detail,
    decode_labels,
    decode_profile,
    id_bytes,
    id_text,
    id_texts,
    moment,
)
from mien.gallery.store.ground import Connection, Keys, Value, number
from mien.gallery.store.records import Change, StoredVectors
from mien.gallery.store.rotation import rotate_back
from mien.gallery.store.seal import Seal, Table
from mien.gallery.store.vault import Vault

_COLUMNS = "p.number, p.id, p.slot, p.key_check"
_PERSON = f"SELECT {_COLUMNS}, p.seq, p.n_templates, p.profile FROM people p"


class Owner(NamedTuple):
    """What is needed to open something that a person's key seals."""

    number: int
    id: bytes
    slot: int
    key_check: bytes


def unknown(person_id: str) -> PersonUnknown:
    """Nobody has this id."""
    return PersonUnknown(f"Nobody in the gallery has the id {person_id!r}.", "`mien gallery list` shows who is.")


class Reading:
    """Queries over one connection. Rows whose key is destroyed are passed over: those people are gone."""

    def __init__(self, connection: Connection, vault: Vault, keys: Keys) -> None:
        self.connection = connection
        self.vault = vault
        self.keys = keys

    def seal(self, owner: Owner) -> Seal | None:
        """The person's seal, or None where the key is destroyed (and the slot perhaps somebody else's by now)."""
        key = self.key(owner.slot)
        if key is None or self.vault.check(key, owner.id) != owner.key_check:
            return None
        return self.vault.seal(key, owner.id)

    def key(self, slot: int) -> bytes | None:
        """The data key in a slot."""
        return self.keys.get(slot)

    def row_of(self, person_id: str) -> Owner:
        """The row of a person, who may be beyond reading. Raises PersonUnknown."""
        rows = self.rows(f"SELECT {_COLUMNS} FROM people p WHERE id = ?", (id_bytes(person_id),))
        if not rows:
            raise unknown(person_id)
        return Owner(*rows[0])

    def owner(self, person_id: str) -> tuple[Owner, Seal]:
        """The row of a person and what opens it. Raises PersonUnknown."""
        owner = self.row_of(person_id)
        seal = self.seal(owner)
        if seal is None:
            raise unknown(person_id)
        return owner, seal

    def people(self, where: str, values: tuple[Value, ...]) -> list[Person]:
        """People by the rest of a query."""
        rows = self.rows(f"{_PERSON} {where}", values)
        return [found for row in rows if (found := self._person(Owner(*row[:4]), *row[4:]))]

    def people_page(self, after: int, limit: int) -> tuple[int, list[Person]]:
        """People whose row number is over `after`, and the last row number read (`after` at the end)."""
        rows = self.rows(f"{_PERSON} WHERE p.number > ? ORDER BY p.number LIMIT ?", (after, limit))
        found = [self._person(Owner(*row[:4]), *row[4:]) for row in rows]
        return rows[-1][0] if rows else after, [person for person in found if person]

    def person(self, person_id: str) -> Person:
        """Raises PersonUnknown."""
        found = self.people("WHERE p.id = ?", (id_bytes(person_id),))
        if not found:
            raise unknown(person_id)
        return found[0]

    def find(self, text: str) -> list[Person]:
        """By id, external id or name."""
        tags = (id_bytes(text), self.vault.external_tag(text), self.vault.name_tag(text))
        where = "WHERE p.id = ? OR p.external_tag = ? OR p.name_tag = ? ORDER BY p.number"
        return self.people(where, tags)

    def templates(self, person_id: str) -> list[Template]:
        """With vectors and crops. Raises PersonUnknown."""
        owner, seal = self.owner(person_id)
        sql = """SELECT 0, templates FROM people WHERE number = ?1
            UNION ALL SELECT template, content FROM crops WHERE person = ?1"""
        sealed: dict[int, bytes] = dict(self.rows(sql, (owner.number,)))
        if 0 not in sealed:
            raise unknown(person_id)
        shelf = self.vault.open_shelf(seal, owner.number, sealed.pop(0))
        crops = {row: seal.open(Table.CROP, row, content) for row, content in sealed.items()}
        missing = [one.id for one, has in zip(shelf.templates, shelf.has_crop, strict=True) if has != (one.id in crops)]
        if missing:
            raise GalleryDamaged(f"The crops of templates {missing} of person {person_id} do not fit the templates.")
        return self.vault.with_vectors(shelf, crops)

    def negatives(self, person_id: str | None) -> list[Negative]:
        """Of one person, or of all."""
        where = "" if person_id is None else "WHERE p.id = ?"
        sql = f"""SELECT {_COLUMNS}, n.number, n.content FROM negatives n JOIN people p ON p.number = n.person {where}
            ORDER BY n.number"""
        found = []
        for *owner, row, content in self.rows(sql, () if person_id is None else (id_bytes(person_id),)):
            seal = self.seal(Owner(*owner))
            if seal:
                vector, (at, by) = self.vault.open_probe(seal.open(Table.NEGATIVE, row, content))
                found.append(Negative(row, id_text(owner[1]), vector, moment(at), by))
        return found

    def answers(self) -> list[PastAnswer]:
        """The oldest first."""
        sql = f"""SELECT {_COLUMNS}, a.person, a.number, a.content FROM answers a
            LEFT JOIN people p ON p.number = a.person ORDER BY a.number"""
        found = []
        for *owner, person, row, content in self.rows(sql):
            seal = self.vault.ledger if person is None else self.seal(Owner(*owner)) if owner[0] is not None else None
            if seal:
                vector, (at, score) = self.vault.open_probe(seal.open(Table.ANSWER, row, content))
                whom = None if person is None else id_text(owner[1])
                found.append(PastAnswer(row, moment(at), vector, whom, score))
        return found

    def history(self, person_id: str | None) -> list[Event]:
        """The oldest first."""
        where = "" if person_id is None else "WHERE h.person = ?"
        sql = f"""SELECT {_COLUMNS}, h.seq, h.at, h.kind, h.person, h.detail FROM history h
            LEFT JOIN people p ON p.id = h.person {where} ORDER BY h.seq"""
        found = []
        for *owner, seq, at, kind, whom, sealed in self.rows(sql, () if person_id is None else (id_bytes(person_id),)):
            seal = self.vault.ledger if whom is None else self.seal(Owner(*owner)) if owner[0] is not None else None
            detail = decode_detail(seal.open(Table.EVENT, seq, sealed)) if seal and sealed is not None else {}
            found.append(Event(seq, self.vault.time(at), kind, None if whom is None else id_text(whom), detail))
        return found

    def seq(self) -> int:
        """Number of the last change."""
        return self.counter("seq")

    def counter(self, name: str) -> int:
        """One of the gallery's counters."""
        return number(self.connection, "SELECT value FROM counters WHERE name = ?", (name,))

    def is_behind(self) -> bool:
        """Whether keys were destroyed that these records do not know of, or are still to be destroyed."""
        return (
            self.counter("epoch") != self.keys.epoch()
            or number(self.connection, "SELECT count(*) FROM doomed_slots") > 0
        )

    def changes(self, after: int) -> list[Change]:
        """As `Records.changes`."""
        last = self.seq()
        if after == last:
            return []
        whole = number(self.connection, "SELECT count(*) FROM history WHERE seq > ? AND kind = 'restore'", (after,))
        if whole or after > last:
            return [Change(last, None)]
        sql = """SELECT max(seq), person FROM history WHERE seq > ? AND person IS NOT NULL
            GROUP BY person ORDER BY max(seq)"""
        return [Change(seq, id_text(person)) for seq, person in self.rows(sql, (after,))]

    def vectors(self, after: int, limit: int) -> tuple[int, StoredVectors]:
        """A batch of people whose row number is over `after`, and the last row number read (`after` at the end)."""
        sql = f"SELECT {_COLUMNS}, p.templates FROM people p WHERE p.number > ? ORDER BY p.number LIMIT ?"
        rows = self.rows(sql, (after, limit))
        keys = self.keys.get_many([row[2] for row in rows])
        pieces = [(key, row[1], row[0], row[4]) for row, key in zip(rows, keys, strict=True)]
        opened = Seal.open_many(self.vault.gallery, Table.TEMPLATES, pieces)
        found = [
            (row[1], *cut_shelf(content, self.vault.dim))
            for row, first in zip(rows, opened, strict=True)
            if (content := first or self._look_again(Owner(*row[:4]), row[4]))
        ]
        people, labels, ids, vectors, _ = zip(*found, strict=True) if found else ((), (), (), (), ())
        known = {label: decode_labels(label) for label in set(labels)}
        stored = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, self.vault.dim)
        return rows[-1][0] if rows else after, StoredVectors(
            id_texts(people),
            tuple(known[label] for label in labels),
            np.array([len(one) // 8 for one in ids], dtype=np.int64),
            np.frombuffer(b"".join(ids), dtype="<i8").astype(np.int64, copy=False),
            rotate_back(stored, self.vault.rotation),
        )

    def _look_again(self, owner: Owner, sealed: bytes) -> bytes | None:
        """None for a person who is gone. Raises GalleryDamaged where it is the templates that do not open."""
        seal = self.seal(owner)
        return None if seal is None else seal.open(Table.TEMPLATES, owner.number, sealed)

    def _person(self, owner: Owner, seq: int, n_templates: int, profile: bytes) -> Person | None:
        seal = self.seal(owner)
        if seal is None:
            return None
        said, created_at = decode_profile(seal.open(Table.PROFILE, owner.number, profile))
        return Person(id_text(owner.id), said, created_at, n_templates, seq)

    def rows(self, sql: str, values: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(sql, values).fetchall()
