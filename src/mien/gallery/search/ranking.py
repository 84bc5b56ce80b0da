"""The search itself: scan, then rank exactly what the bound cannot rule out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from mien.gallery.search.chunks import Chunk
from mien.gallery.search.direct import Later
from mien.gallery.search.hit import Hit
from mien.gallery.search.labels import Filter, LabelView
from mien.gallery.search.leaving import Leaving
from mien.gallery.search.pairs import Pairs
from mien.gallery.search.planes import Doubles, Probes
from mien.gallery.search.roster import RosterView
from mien.gallery.search.scan import candidates

_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The whole index as it was at one moment; a reader works on one view and waits for nobody."""

    chunks: tuple[Chunk, ...]
    people: RosterView
    labels: LabelView
    leaving: Leaving
    later: Later = field(default_factory=Later)

    def search(self, probes: Probes, k: int, keep: Filter | None, threads: int = 1) -> list[list[Hit]]:
        """For each probe the k best people, the best first; equal scores by the bytes of the id."""
        passed = None if keep is None else self.labels.allowed(keep)[self.people.labels]
        if passed is not None and passed.all():
            # Picking rows takes as long as the scan itself.
            passed = None
        direct = self.later.of(self.chunks)
        if direct is not None and direct.ranks(k):
            return [direct.search(one, k, passed, self.people) for one in probes.each()]
        found = self._exact(candidates(self.chunks, probes, k, passed, threads), probes)
        return [self._ranked(pairs, scores, probes.fixed[probe : probe + 1], k) for probe, pairs, scores in found]

    def _exact(self, pairs: Pairs, probes: Probes) -> Iterator[tuple[int, Pairs, Doubles]]:
        """For each probe its pairs and their exact scores."""
        pairs = pairs.of(np.argsort(pairs.place, kind="stable"))
        scores = np.empty(len(pairs))
        edges = np.flatnonzero(np.diff(pairs.place, prepend=-1, append=-1)).tolist()
        for begin, end in pairwise(edges):
            for start in range(begin, end, _AT_ONCE):
                span = slice(start, min(end, start + _AT_ONCE))
                chunk = self.chunks[pairs.place[begin]]
                scores[span] = chunk.exact(pairs.row[span], probes.fixed[pairs.probe[span]])
        order = np.argsort(pairs.probe, kind="stable")
        cuts = np.searchsorted(pairs.probe[order], np.arange(1, len(probes.codes)))
        for probe, some in enumerate(np.split(order, cuts)):
            yield probe, pairs.of(some), scores[some]

    def _ranked(self, pairs: Pairs, scores: Doubles, fixed: Doubles, k: int) -> list[Hit]:
        order = np.lexsort((self.people.keys[pairs.owner], -scores))
        _, first = np.unique(pairs.owner[order], return_index=True)
        return [self._hit(pairs, one, fixed) for one in order[np.sort(first)[:k]].tolist()]

    def _hit(self, pairs: Pairs, at: int, fixed: Doubles) -> Hit:
        chunk = self.chunks[pairs.place[at]]
        rows = chunk.neighbours(int(pairs.row[at]))
        scores = chunk.exact(rows, fixed)
        person = self.people.text(int(pairs.owner[at]))
        return Hit(person, scores.astype(np.float32), chunk.ids[rows].astype(np.int64), float(scores.max()))
