"""The search itself: scan the high planes, keep what the bound cannot rule out, rank that exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.chunks import GONE, Chunk
from mien.gallery.search.direct import Later
from mien.gallery.search.hit import Hit
from mien.gallery.search.kernels import products
from mien.gallery.search.labels import Filter, LabelView
from mien.gallery.search.leaving import Leaving
from mien.gallery.search.planes import Doubles, Probes
from mien.gallery.search.roster import Int32s, RosterView

_SETTLE_AT: Final = 1024
_AT_ONCE: Final = 4096
_FEW: Final = 128
_ROWS_COMPARED: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The whole index as it was at one moment; a reader works on one view and waits for nobody."""

    chunks: tuple[Chunk, ...]
    people: RosterView
    labels: LabelView
    leaving: Leaving
    later: Later = field(default_factory=Later)

    def search(self, probes: Probes, k: int, keep: Filter | None) -> list[list[Hit]]:
        """For each probe the k best people, the best first; equal scores by the bytes of the id."""
        passed = None if keep is None else self.labels.allowed(keep)[self.people.labels]
        if passed is not None and passed.all():
            # Picking rows takes as long as the scan itself.
            passed = None
        direct = self.later.of(self.chunks)
        if direct is not None and direct.ranks(k):
            return [direct.search(one, k, passed, self.people) for one in probes.each()]
        pool = _Pool(probes, k)
        for place, chunk in enumerate(self.chunks):
            _scan(pool, place, chunk, passed)
        found = self._exact(pool.left(), probes)
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


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """N probes and rows that may belong together: numbers of probe, owner, chunk and row in it, (N,) each.

    low, high: (N,) between which the exact score lies.
    """

    probe: NDArray[np.intp]
    owner: Int32s
    place: NDArray[np.intp]
    row: NDArray[np.intp]
    low: Doubles
    high: Doubles

    def __len__(self) -> int:
        return len(self.row)

    def of(self, some: NDArray[np.bool_] | NDArray[np.intp]) -> Pairs:
        """Only these, by a mask or by their numbers."""
        numbers = self.probe[some], self.owner[some], self.place[some], self.row[some]
        return Pairs(*numbers, self.low[some], self.high[some])

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """All of them, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def floors(self, k: int, n_probes: int) -> Doubles:
        """(n_probes,) the k-th highest of the people's lower bounds, -inf where there are fewer people."""
        floors = np.full(n_probes, -np.inf)
        if not len(self):
            return floors
        person = (self.probe << 32) + self.owner
        order = np.argsort(person)
        starts = np.flatnonzero(np.diff(person[order], prepend=-1))
        low = np.maximum.reduceat(self.low[order], starts)
        probe = person[order][starts] >> 32
        order = np.lexsort((-low, probe))
        edges = np.searchsorted(probe, np.arange(n_probes + 1))
        enough = np.flatnonzero(np.diff(edges) >= k)
        floors[enough] = low[order][edges[enough] + k - 1]
        return floors


class _Pool:
    """Pairs that may still be among the best.

    floor: (P,) what k people are known to reach: the k-th highest lower bound, of people and not of rows.
    """

    def __init__(self, probes: Probes, k: int) -> None:
        self.probes = probes
        self.k = k
        self.floor = np.full(len(probes.codes), -np.inf)
        self._kept: list[Pairs] = []
        self._settled = 0
        self._waiting = 0

    def add(self, pairs: Pairs) -> None:
        """Take pairs in, and raise the floor whenever as many came as were kept."""
        self._kept.append(pairs)
        self._waiting += len(pairs)
        if self._waiting > max(_SETTLE_AT, self._settled):
            self.settle()

    def raise_floor(self, pairs: Pairs) -> None:
        """To what these pairs show by themselves."""
        self.floor = np.maximum(self.floor, pairs.floors(self.k, len(self.floor)))

    def settle(self) -> None:
        """Raise the floor to what is known now, and drop whatever cannot reach it."""
        pairs = Pairs.joined(self._kept)
        self.raise_floor(pairs)
        pairs = pairs.of(pairs.high >= self.floor[pairs.probe])
        self._kept, self._settled, self._waiting = [pairs], len(pairs), 0

    def left(self) -> Pairs:
        """All that must be ranked exactly; a few too many cost less than to drop them."""
        if not self._kept:
            return Pairs(*np.empty((4, 0), np.int64), *np.empty((2, 0)))
        if self._waiting > _FEW:
            self.settle()
        return Pairs.joined(self._kept)


def _scan(pool: _Pool, place: int, chunk: Chunk, passed: NDArray[np.bool_] | None) -> None:
    """Collect from one chunk. With a filter, only the rows of people who passed are multiplied at all."""
    rows = None
    high = chunk.high[: chunk.size]
    if passed is not None:
        owners = chunk.owners[: chunk.size]
        rows = np.flatnonzero(owners != GONE)
        rows = rows[passed[owners[rows]]]
        high = high[rows] if len(rows) < chunk.size else high
    if not len(high):
        return
    probes = pool.probes
    sums = products(high, probes.codes)
    scale, margin = chunk.step * probes.steps, probes.margins(chunk.step, chunk.spread)

    def pairs(at: NDArray[np.intp], probe: NDArray[np.intp]) -> Pairs:
        """Those of these sums whose people have not left."""
        row = at if rows is None else rows[at]
        owner = chunk.owners[row]
        here = owner != GONE
        at, probe, row, owner = at[here], probe[here], row[here], owner[here]
        coarse = sums[at, probe] * scale[probe]
        return Pairs(probe, owner, np.full(len(at), place), row, coarse - margin[probe], coarse + margin[probe])

    if np.isinf(pool.floor).any():
        # A first idea of the floor, without which every row of the chunk would have to be collected.
        enough = min(len(sums), 2 * pool.k + 16)
        guess = np.partition(sums, len(sums) - enough, axis=0)[len(sums) - enough]
        pool.raise_floor(pairs(*_reaching(sums, guess.astype(np.float64))))
    at, probe = _reaching(sums, np.floor((pool.floor - margin) / scale))
    if len(at):
        pool.add(pairs(at, probe))


def _reaching(sums: NDArray[Any], limit: Doubles) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the (N, P) sums of at least limit (P,), which are whole numbers or -inf."""
    bounds = np.clip(limit, -(2.0**30), 2.0**30).astype(sums.dtype)
    n, width = sums.shape
    if width == 1:
        rows = np.flatnonzero(sums[:, 0] >= bounds[0])
        return rows, np.zeros_like(rows)
    reached = np.empty(sums.shape, np.bool_)
    # Several rows at a time: a comparison of one short row after the other takes as long as the product.
    together = min(n, _ROWS_COMPARED)
    whole = n - n % together
    wide = reached[:whole].reshape(-1, together * width)
    np.greater_equal(sums[:whole].reshape(wide.shape), np.tile(bounds, together), out=wide)
    np.greater_equal(sums[whole:], bounds, out=reached[whole:])
    return np.divmod(np.flatnonzero(reached), width)
