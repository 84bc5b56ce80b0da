"""The tracks of a run: open ones, and ended ones that may come back."""

from __future__ import annotations

from collections.abc import Iterable

from mien.track.body import Body, Person
from mien.track.policy import TrackPolicy


class People:
    """Gives out numbers, ends tracks and remembers them, up to a limit."""

    def __init__(self, policy: TrackPolicy) -> None:
        self._policy = policy
        self._open: dict[int, Person] = {}
        self._ended: dict[int, Person] = {}
        self._next = 1

    @property
    def open(self) -> list[Person]:
        """Those that have not ended, by number."""
        return sorted(self._open.values(), key=lambda one: one.track)

    @property
    def ended(self) -> list[Person]:
        """Those that are remembered, the one that ended first at the front."""
        return list(self._ended.values())

    def absent(self, bodies: Iterable[Body]) -> list[Person]:
        """The open ones whose face was not found in this frame."""
        present = {body.person.track for body in bodies if body.person and body.seen_now}
        return [one for one in self.open if one.track not in present]

    def add(self, body: Body) -> Person:
        """A new track for a body."""
        person = Person(self._next, body.last_seconds, body.detection, body.motion)
        self._open[self._next] = person
        self._next += 1
        return person

    def reopen(self, person: Person) -> None:
        """An ended one has come back."""
        person.ended = False
        self._open[person.track] = self._ended.pop(person.track)

    def scatter(self) -> None:
        """From now on nobody is where motion says."""
        for person in self._open.values():
            person.motion = None

    def expire(self, time_seconds: float, patience_seconds: float) -> tuple[int, ...]:
        """End those who have been away for too long, and forget those who ended long ago."""
        late = [one for one in self.open if time_seconds - one.last_seconds > patience_seconds]
        for person in late:
            self._end(person)
        oldest = time_seconds - self._policy.return_seconds
        too_many = len(self._ended) - self._policy.remember
        for place, person in enumerate(self.ended):
            if place < too_many or person.last_seconds < oldest:
                del self._ended[person.track]
        return tuple(one.track for one in late)

    def end_all(self) -> tuple[int, ...]:
        """End whoever is open."""
        tracks = tuple(sorted(self._open))
        for track in tracks:
            self._end(self._open[track])
        return tracks

    def _end(self, person: Person) -> None:
        person.ended, person.motion = True, None
        del self._open[person.track]
        # Nobody could ever know it again.
        if person.likeness is not None:
            self._ended[person.track] = person
