"""Everybody on record in order of enrolment, kept up as the index is: a page of people costs no reading of all."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from mien.gallery.errors import PersonUnknown
from mien.gallery.people import Person
from mien.gallery.store.records import Records


class Roll:
    """Follows the records of one gallery, also where other processes change them. Thread-safe."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = Lock()
        self._seq = -1
        self._people: dict[str, Person] = {}
        self._sorted: dict[str, tuple[Person, ...]] = {}

    def __call__(self, tenant: str) -> tuple[Person, ...]:
        """A tenant's people as they are now, in order of enrolment."""
        with self._lock:
            self._follow()
            if tenant not in self._sorted:
                own = (person for person in self._people.values() if person.profile.tenant == tenant)
                self._sorted[tenant] = tuple(sorted(own, key=place_of))
            return self._sorted[tenant]

    def _follow(self) -> None:
        newest = self._records.seq()
        if newest == self._seq:
            return
        changes = self._records.changes(self._seq) if self._seq >= 0 else []
        if self._seq < 0 or any(change.person_id is None for change in changes):
            self._people = {person.id: person for person in self._records.people()}
            self._seq, self._sorted = newest, {}
            return
        for change in changes:
            assert change.person_id is not None
            self._touch(change.person_id)
            self._seq = change.seq
        self._seq = max(self._seq, newest)

    def _touch(self, person_id: str) -> None:
        """One person anew, who may be gone, and the lists of those whose they were and are."""
        was = self._people.pop(person_id, None)
        try:
            now = self._people[person_id] = self._records.person(person_id)
        except PersonUnknown:
            now = None
        for one in (was, now):
            if one is not None:
                self._sorted.pop(one.profile.tenant, None)


def place_of(person: Person) -> tuple[str, str]:
    """What people are sorted by: nobody's changes as long as they are on record."""
    return person.created_at.isoformat(timespec="microseconds"), person.id


def containing(text: str) -> Callable[[Person], bool]:
    """Whether a person's name or external id has this text in it, without regard to case."""
    wanted = text.casefold()

    def has(person: Person) -> bool:
        return any(wanted in said.casefold() for said in (person.profile.name, person.profile.external_id or ""))

    return has
