"""Rows of the index in pieces of a few thousand: what a reader has seen of one never changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.planes import Doubles, Int8s, joined, reserved, spreads, step_of
from mien.gallery.search.roster import Int32s

ROWS: Final = 16384
GONE: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """People to be written at one level, whole: owners (P,) their numbers, counts (P,) rows of each, the rows in order.

    high, low: (N, D) int8. ids: (N,) template ids.
    """

    owners: Int32s
    counts: NDArray[np.int64]
    high: Int8s
    low: Int8s
    ids: NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Up to `capacity` rows of one level, of which `size` are written; a person's rows are neighbours.

    A writer appends behind `size`, where nobody who has this object looks, and makes a new object; it marks rows as
    GONE in a copy of `owners`. spread: as `planes.spreads`, of all rows ever written.
    """

    level: int
    high: Int8s
    low: Int8s
    owners: Int32s
    ids: NDArray[np.integer]
    size: int = 0
    dead: int = 0
    spread: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def empty(cls, level: int, capacity: int, dim: int) -> Chunk:
        """Room for `capacity` rows; template ids take four bytes until one needs eight."""
        planes = reserved((capacity, dim), np.int8), reserved((capacity, dim), np.int8)
        return cls(level, *planes, reserved((capacity,), np.int32), reserved((capacity,), np.uint32))

    @property
    def room(self) -> int:
        """Rows that can still be written."""
        return len(self.owners) - self.size

    @property
    def step(self) -> float:
        """What one step of the high plane is worth."""
        return step_of(self.level)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, unwritten rows included."""
        return self.high.nbytes + self.low.nbytes + self.owners.nbytes + self.ids.nbytes

    def appended(self, rows: Rows) -> Chunk:
        """With these rows behind the others; there must be room for them."""
        size = self.size + len(rows.ids)
        ids = self.ids
        if ids.dtype != np.int64 and (rows.ids.min() < 0 or rows.ids.max() > np.iinfo(np.uint32).max):
            ids = ids.astype(np.int64)
        span = slice(self.size, size)
        self.high[span], self.low[span], ids[span] = rows.high, rows.low, rows.ids
        self.owners[span] = np.repeat(rows.owners, rows.counts)
        new = spreads(rows.high, rows.low)
        spread = max(self.spread[0], new[0]), max(self.spread[1], new[1])
        return replace(self, ids=ids, size=size, spread=spread)

    def without(self, rows: NDArray[np.intp]) -> Chunk:
        """With the rows of a person marked as gone."""
        owners = self.owners.copy()
        owners[rows] = GONE
        return replace(self, owners=owners, dead=self.dead + len(rows))

    def rows_of(self, owner: int) -> NDArray[np.intp]:
        """Where the rows of a person are, in the order in which they were put."""
        return np.flatnonzero(self.owners[: self.size] == owner)

    def neighbours(self, row: int) -> NDArray[np.intp]:
        """Where the rows of the person are whose row this is."""
        owner, first, last = self.owners[row], row, row + 1
        while first > 0 and self.owners[first - 1] == owner:
            first -= 1
        while last < self.size and self.owners[last] == owner:
            last += 1
        return np.arange(first, last)

    def living(self) -> Rows:
        """The rows that are not gone."""
        rows = np.flatnonzero(self.owners[: self.size] != GONE)
        owners = self.owners[rows]
        starts = np.flatnonzero(np.diff(owners, prepend=GONE))
        counts = np.diff(starts, append=len(rows)).astype(np.int64)
        return Rows(owners[starts], counts, self.high[rows], self.low[rows], self.ids[rows])

    def exact(self, rows: NDArray[np.intp], fixed: Doubles) -> Doubles:
        """(R,) scores of rows to the stored precision: each with its own of (R, D) fixed-point probes, or all with one.

        Sums of whole numbers below 2 ** 53: the same to the last bit in whatever order and company they are computed.
        """
        whole = np.einsum("ij,ij->i", joined(self.high[rows], self.low[rows]), fixed)
        scores: Doubles = whole * (self.step / 2.0**38)
        return scores
