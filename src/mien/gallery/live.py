"""What a search needs of a gallery, in memory, kept up with its records: index, corrections, look-alikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np

from mien.decide.calibration import Calibration
from mien.face import Floats
from mien.gallery.errors import PersonUnknown
from mien.gallery.fpir import OpenSet, OwnPeople
from mien.gallery.identify import leave_one_out
from mien.gallery.search.index import Index
from mien.gallery.store.content import labels_of
from mien.gallery.store.records import Records, StoredVectors

# People who are left out in turn. 3,000 count a rate of 1 %; more tell it hardly better.
MOST_LEFT_OUT: Final = 3000
# Searching for them may take this many comparisons, about two seconds of one core.
MOST_COMPARISONS: Final = 5e8
# They are asked anew when the gallery has grown or shrunk by this share since.
ASK_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The gallery at one moment: the index follows later changes, the rest does not.

    open_set: None where there is no calibration. negatives: by person id, (K, D) float32.
    """

    index: Index
    open_set: OpenSet | None
    negatives: Mapping[str, Floats]
    n_people: int


class LiveIndex:
    """Follows the records of one gallery, also where other processes change them. Safe in every thread."""

    def __init__(self, records: Records, calibration: Calibration | None) -> None:
        self._records = records
        self._calibration = calibration
        self._lock = Lock()
        self._seq = -1
        self._index = Index(records.info.dim)
        self._negatives: dict[str, Floats] = {}
        self._sample = _Sample()
        self._own: OwnPeople | None = None
        self._own_at = 0

    def __call__(self) -> Live:
        """The gallery as it is now: everything that was acknowledged before the call is in it."""
        with self._lock:
            self._follow()
            n_people = self._index.n_people
            return Live(self._index, self._open_set(n_people), dict(self._negatives), n_people)

    def forget(self) -> None:
        """Let go of who was removed; an index that nobody has asked yet holds nobody."""
        with self._lock:
            if self._seq >= 0:
                self._follow()

    def _follow(self) -> None:
        newest = self._records.seq()
        if newest == self._seq:
            return
        changes = self._records.changes(self._seq) if self._seq >= 0 else []
        if self._seq < 0 or any(change.person_id is None for change in changes):
            self._build(newest)
            return
        for change in changes:
            assert change.person_id is not None
            self._read(change.person_id)
            self._seq = change.seq
        self._seq = max(self._seq, newest)

    def _build(self, seq: int) -> None:
        """From the beginning. Changes made meanwhile have numbers over `seq`, and are followed the next time."""
        index, sample = Index(self._records.info.dim), _Sample()
        for batch in self._records.scan():
            index.put_many(batch.person_ids, batch.labels, batch.counts, batch.template_ids, batch.vectors)
            sample.add(batch)
        negatives: dict[str, list[Floats]] = {}
        for one in self._records.negatives():
            negatives.setdefault(one.person_id, []).append(one.vector)
        self._negatives = {person: np.stack(rows) for person, rows in negatives.items()}
        self._index, self._sample, self._seq, self._own_at = index, sample, seq, 0

    def _read(self, person: str) -> None:
        """One person anew, who may be gone."""
        self._negatives.pop(person, None)
        self._sample.people.pop(person, None)
        try:
            profile = self._records.person(person).profile
            templates = self._records.templates(person)
            negatives = [one.vector for one in self._records.negatives(person)]
        except PersonUnknown:
            self._index.discard(person)
            return
        vectors = np.array([one.vector for one in templates], np.float32).reshape(len(templates), self._index.dim)
        ids = np.array([one.id for one in templates], np.int64)
        self._index.put(person, ids, vectors, labels_of(profile))
        if len(vectors):
            self._sample.put(person, vectors)
        if negatives:
            self._negatives[person] = np.stack(negatives)

    def _open_set(self, n_people: int) -> OpenSet | None:
        if self._calibration is None:
            return None
        each = len(self._index) / n_people if n_people else 1.0
        if abs(n_people - self._own_at) > ASK_AGAIN * self._own_at:
            most = int(MOST_COMPARISONS / max(1, len(self._index)) / max(1.0, each))
            people = self._sample.first(min(MOST_LEFT_OUT, most))
            self._own, self._own_at = leave_one_out(self._index, people, n_people), n_people
        return OpenSet(self._calibration, n_people, each, self._own)


class _Sample:
    """People to be left out in turn: those with the lowest ids, which are random."""

    def __init__(self) -> None:
        self.people: dict[str, Floats] = {}

    def add(self, batch: StoredVectors) -> None:
        """Those of a batch that belong to the sample."""
        ends = np.cumsum(batch.counts)
        line = max(self.people, default="") if len(self.people) >= MOST_LEFT_OUT else None
        for person, count, end in zip(batch.person_ids, batch.counts.tolist(), ends.tolist(), strict=True):
            if count and (line is None or person < line):
                self.people[person] = batch.vectors[end - count : end].copy()
        self._cut()

    def put(self, person: str, vectors: Floats) -> None:
        """One person."""
        self.people[person] = vectors
        self._cut()

    def first(self, count: int) -> list[tuple[str, Floats]]:
        """Up to `count` of them, with their templates."""
        return sorted(self.people.items())[:count]

    def _cut(self) -> None:
        # Twice the number before it is cut, so that it is seldom sorted.
        if len(self.people) > 2 * MOST_LEFT_OUT:
            self.people = dict(sorted(self.people.items())[:MOST_LEFT_OUT])
