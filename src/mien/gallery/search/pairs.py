"""Probes and rows that may belong together, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.planes import Doubles
from mien.gallery.search.roster import Int32s

_SETTLE_AT: Final = 1024
_FEW: Final = 128


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


class Pool:
    """Pairs that may still be among the best.

    floor: (P,) what k people are known to reach: the k-th highest lower bound, of people and not of rows.
    """

    def __init__(self, n_probes: int, k: int) -> None:
        self.k = k
        self.floor = np.full(n_probes, -np.inf)
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
