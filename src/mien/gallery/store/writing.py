"""Enrolling and changing people: what `Records.write` gives."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from mien.face import Floats
from mien.gallery.people import Profile, Template
from mien.gallery.store.content import Shelf, count_detail, encode_labels, encode_profile, id_bytes, id_texts
from mien.gallery.store.forgetting import Forgetting
from mien.gallery.store.ground import Value
from mien.gallery.store.reading import Owner
from mien.gallery.store.rows import INSERT_EVENT
from mien.gallery.store.rules import check_consent, check_vectors
from mien.gallery.store.seal import ID_BYTES, KEY_BYTES, Seal, Table

_INSERT_PERSON = "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Newcomer(NamedTuple):
    """Somebody who is ready to be stored. event, row: the values of the rows that enrol the person."""

    owner: Owner
    key: bytes
    seal: Seal
    templates: Sequence[Template]
    event: tuple[Value, ...]
    row: tuple[Value, ...]


class SqlWriting(Forgetting):
    """As `Writing` has it, over either database."""

    def add_person(self, profile: Profile, templates: Sequence[Template]) -> str:
        """As `Writing.add_person`."""
        return self.add_people([(profile, templates)])[0]

    def add_people(
        self, people: Sequence[tuple[Profile, Sequence[Template]]], ids: Sequence[str] | None = None
    ) -> list[str]:
        """As `Writing.add_people`."""
        now, templates = datetime.now(UTC), [one for _, some in people for one in some]
        for profile, _ in people:
            check_consent(profile.consent, self.vault.info.policy, now)
        vectors = check_vectors([one.vector for one in templates], self.vault.info)
        shelf = self.vault.new_shelf(b"", templates, vectors)
        made, end = list[Newcomer](), 0
        raw = [secrets.token_bytes(ID_BYTES) for _ in people] if ids is None else [_raw(one) for one in ids]
        for (profile, some), person in zip(people, raw, strict=True):
            start, end = end, end + len(some)
            made.append(self._newcomer(person, profile, shelf.part(start, end), now))
        for one in made:
            self.fresh[one.owner.slot] = one.key
            self.put_crops(one.owner.number, one.seal, one.templates)
        # Statement by statement, and not person by person: that is what makes a batch fast.
        self.connection.executemany(INSERT_EVENT, [one.event for one in made])
        self.connection.executemany(_INSERT_PERSON, [one.row for one in made])
        return list(id_texts([one.owner.id for one in made]))

    def add_templates(self, person_id: str, templates: Sequence[Template]) -> None:
        """As `Writing.add_templates`."""
        owner, seal = self.owner(person_id)
        vectors = check_vectors([one.vector for one in templates], self.vault.info)
        shelf, numbered = self.shelf(owner, seal), self.numbered(templates)
        self.extend(shelf, self.vault.new_shelf(b"", numbered, vectors))
        self.put_shelf(owner, seal, shelf)
        self.put_crops(owner.number, seal, numbered)
        self.changed("add", owner, seal, {"templates": str(len(templates))})

    def drop_templates(self, person_id: str, template_ids: Sequence[int]) -> None:
        """As `Writing.drop_templates`."""
        owner, seal = self.owner(person_id)
        shelf = self.shelf(owner, seal)
        keep = [place for place, one in enumerate(shelf.templates) if one.id not in set(template_ids)]
        dropped = {one.id for one in shelf.templates} & set(template_ids)
        if not dropped:
            return
        shelf.templates = [shelf.templates[place] for place in keep]
        shelf.has_crop = [shelf.has_crop[place] for place in keep]
        shelf.stored = shelf.stored[np.array(keep, dtype=np.intp)]
        self.put_shelf(owner, seal, shelf)
        self.connection.executemany("DELETE FROM crops WHERE template = ?", [(one,) for one in dropped])
        self.changed("drop_template", owner, seal, {"templates": " ".join(map(str, sorted(dropped)))})

    def change_profile(self, person_id: str, profile: Profile, kind: str = "change") -> None:
        """As `Writing.change_profile`."""
        check_consent(profile.consent, self.vault.info.policy, datetime.now(UTC))
        owner, seal = self.owner(person_id)
        before = self.person(person_id)
        content = seal.close(Table.PROFILE, owner.number, encode_profile(profile, before.created_at))
        sql = "UPDATE people SET name_tag = ?, external_tag = ?, profile = ? WHERE number = ?"
        self.connection.execute(sql, (*self._tags(profile), content, owner.number))
        shelf = self.shelf(owner, seal)
        shelf.labels = encode_labels(profile)
        self.put_shelf(owner, seal, shelf)
        self.changed(kind, owner, seal, _difference(before.profile, profile))

    def add_negative(self, person_id: str, vector: Floats, by: str) -> None:
        """As `Writing.add_negative`."""
        owner, seal = self.owner(person_id)
        content, row = self._probe(vector, datetime.now(UTC), by), self.next("number")
        sealed = seal.close(Table.NEGATIVE, row, content)
        self.connection.execute("INSERT INTO negatives VALUES (?, ?, ?)", (row, owner.number, sealed))
        self.changed("correct", owner, seal, {"by": by})

    def drop_negative(self, person_id: str, number: int) -> None:
        """As `Writing.drop_negative`."""
        owner, seal = self.owner(person_id)
        self.connection.execute("DELETE FROM negatives WHERE number = ? AND person = ?", (number, owner.number))
        if self.connection.changes():
            self.changed("withdraw", owner, seal, {"correction": str(number)})

    def add_answer(self, vector: Floats, person_id: str | None, score: float) -> None:
        """As `Writing.add_answer`."""
        now = datetime.now(UTC)
        if not self.vault.info.policy.keep_answers_days:
            return
        owner, seal = (None, self.vault.ledger) if person_id is None else self.owner(person_id)
        content, row = self._probe(vector, now, float(score)), self.next("number")
        values = (row, self.vault.micros(now), owner and owner.number, seal.close(Table.ANSWER, row, content))
        self.connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", values)

    def _newcomer(self, person: bytes, profile: Profile, shelf: Shelf, now: datetime) -> Newcomer:
        content = encode_profile(profile, now)
        shelf.labels = encode_labels(profile)
        key = secrets.token_bytes(KEY_BYTES)
        slot, number, seal = self.free_slot(), self.next("number"), self.vault.seal(key, person)
        shelf.templates = self.numbered(shelf.templates)
        event = self.event_row("enrol", person, seal, count_detail(len(shelf.templates)), now)
        row = (
            *(number, person, slot, self.vault.check(key, person), self.counters["seq"], len(shelf.templates)),
            *self._tags(profile),
            seal.close(Table.PROFILE, number, content),
            self.vault.close_shelf(seal, number, shelf),
        )
        return Newcomer(Owner(*row[:4]), key, seal, shelf.templates, event, row)

    def _tags(self, profile: Profile) -> tuple[bytes, bytes | None]:
        return self.vault.name_tag(profile.name), self.vault.external_tag(profile.external_id)

    def _probe(self, vector: Floats, *rest: Any) -> bytes:
        return self.vault.close_probe(check_vectors([vector], self.vault.info)[0], rest)


def _raw(person_id: str) -> bytes:
    raw = id_bytes(person_id)
    if raw is None:
        raise ValueError("an id is 26 characters of base32")
    return raw


def _difference(before: Profile, after: Profile) -> dict[str, str]:
    """What changed, by field: the old value and the new one."""
    pairs = {item.name: (getattr(before, item.name), getattr(after, item.name)) for item in fields(Profile)}
    return {name: f"{_said(old)} -> {_said(new)}" for name, (old, new) in pairs.items() if old != new}


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
