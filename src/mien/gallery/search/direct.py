"""A small gallery laid out for one probe at a time: one product over all rows, and few steps around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.chunks import Chunk
from mien.gallery.search.hit import Hit
from mien.gallery.search.kernels import packed, products_packed
from mien.gallery.search.planes import FIXED, STEPS, Doubles, Probes
from mien.gallery.search.roster import Int32s, RosterView
from mien.gallery.search.scan import LOWEST, ROUNDING, reached

if TYPE_CHECKING:
    from numkong import PackedMatrix

MAX_ROWS: Final = 32768
# Beyond, so many rows are certain to be ranked that the scan is not what takes the time.
_MOST_RANKED: Final = 512
# To make the layout takes as long as so many searches without it.
_WORTH: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """N rows of all chunks, people whole: 3 D + 60 bytes a row on top of the index's own.

    packed: the high planes. steps: (N,) float32, what a step of each is worth. fine: (N, D) int16, 256 * high + low.
    units: (N,) what one of these times a fixed-point probe is worth. starts, counts: (N,) where the rows of the row's
    person begin, and how many they are. most: the largest count. spread: the largest lengths of both planes, in
    scores and not in steps.
    """

    packed: PackedMatrix
    steps: NDArray[np.float32]
    fine: NDArray[np.int16]
    units: Doubles
    owners: Int32s
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    most: int
    spread: tuple[float, float]

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> Direct | None:
        """Of all who have not left; None where they are too many, or none."""
        some = [chunk for chunk in chunks if chunk.size > chunk.dead]
        if not 0 < sum(chunk.size - chunk.dead for chunk in some) <= MAX_ROWS:
            return None
        parts = [chunk.living() for chunk in some]
        counts = np.concatenate([part.counts for part in parts])
        high = np.concatenate([part.high for part in parts])
        fine = high.astype(np.int16) * np.int16(STEPS) + np.concatenate([part.low for part in parts])
        steps = np.repeat([chunk.step for chunk in some], [len(part.ids) for part in parts])
        return cls(
            packed(high),
            steps.astype(np.float32),
            fine,
            steps / (FIXED * STEPS),
            np.repeat(np.concatenate([part.owners for part in parts]), counts),
            np.concatenate([part.ids.astype(np.int64) for part in parts]),
            np.repeat(np.cumsum(counts) - counts, counts),
            np.repeat(counts, counts),
            int(counts.max()),
            (max(one.step * one.spread[0] for one in some), max(one.step * one.spread[1] for one in some)),
        )

    def ranks(self, k: int) -> bool:
        """Whether the k best people are found faster here than by a scan of the chunks."""
        return k * self.most <= _MOST_RANKED

    def search(self, probes: Probes, k: int, passed: NDArray[np.bool_] | None, people: RosterView) -> list[Hit]:
        """The k best people for the only one of `probes`, as `View.search` says; passed: whether each number may be.

        No k * most rows belong to fewer than k people. So where that many have a coarse score of at least F, k people
        reach F less the margin, and a row whose coarse score is below F less twice the margin is not among the best.
        """
        coarse = np.multiply(products_packed(self.packed, probes.codes), self.steps, dtype=np.float32)
        if passed is not None:
            coarse[~passed[self.owners]] = -np.inf
        margin = float(probes.margins(1.0, self.spread)[0]) + ROUNDING
        floor = reached(coarse, k * self.most) - 2 * margin / float(probes.steps[0])
        rows = np.flatnonzero(coarse >= np.float32(max(floor, LOWEST)))
        scores = self._exact(rows, probes.fixed[0])
        owners = self.owners[rows]
        order = np.lexsort((people.keys[owners], -scores)) if len(rows) > 1 else np.arange(len(rows))
        firsts: dict[int, int] = {}
        for at in order.tolist():
            firsts.setdefault(int(owners[at]), at)
            if len(firsts) == k:
                break
        return [
            self._hit(people.text(owner), int(rows[at]), scores[at : at + 1], probes.fixed[0])
            for owner, at in firsts.items()
        ]

    def _exact(self, rows: NDArray[np.intp] | slice, fixed: Doubles) -> Doubles:
        """As `Chunk.exact`, to the last bit."""
        scores: Doubles = np.vecdot(self.fine[rows].astype(np.float64), fixed) * self.units[rows]
        return scores

    def _hit(self, person: str, row: int, score: Doubles, fixed: Doubles) -> Hit:
        """All templates of the person whose best row this is."""
        rows = slice(start := int(self.starts[row]), start + int(self.counts[row]))
        scores = score if rows.stop - start == 1 else self._exact(rows, fixed)
        return Hit(person, scores.astype(np.float32), self.ids[rows], float(score[0]))


class Later:
    """The layout of one view, made when the view has been searched so often that it pays. Safe to use from threads."""

    __slots__ = ("_asked", "_made")

    def __init__(self) -> None:
        self._asked = 0
        self._made: Direct | None = None

    def of(self, chunks: Sequence[Chunk]) -> Direct | None:
        """The layout, or None as long as there is none; two threads that make it at once make the same."""
        if self._asked < _WORTH:
            self._asked += 1
            if self._asked == _WORTH:
                self._made = Direct.of(chunks)
        return self._made
