"""Which end of a stretch goes with which later beginning: where a face was lost and found again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.detect.rows import Rows
from mien.face import Floats
from mien.redact.link import GAP_SECONDS, Sight, Stretch

# A weaker face that was seen in fewer frames may be none.
FIRM_SCORE: Final = 0.6
FIRM_SIGHTS: Final = 3
# Two ends of a gap belong together when the sizes of their faces are within this ratio, and the way between them is no
# longer than so many sides and so many more for each second.
LIKE_SIZE: Final = 2.0
REACH: Final = 1.5
REACH_PER_SECOND: Final = 3.0
# A face goes on in another stretch where that begins at once, and no more than so many sides away.
AT_ONCE: Final = 1.0


class Scenes:
    """The scene that a moment belongs to."""

    def __init__(self, cuts: Iterable[float]) -> None:
        """cuts: times of the first frames of scenes."""
        self._cuts = sorted(cuts)

    def of(self, time_seconds: float) -> tuple[float, float]:
        """From its first frame's time on, up to (and without) the next one's."""
        at = bisect_right(self._cuts, time_seconds)
        start = self._cuts[at - 1] if at else -np.inf
        return start, self._cuts[at] if at < len(self._cuts) else np.inf


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """The last sight of a stretch, or its first; covered or bare."""

    sight: Sight
    stretch: Stretch
    covered: bool


def gaps_of(ends: Sequence[End], starts: Sequence[End], scenes: Scenes, seconds: float) -> list[tuple[End, End]]:
    """Each end with the beginning that suits it best, and each beginning with the end that does, `seconds` apart."""
    chosen: set[tuple[int, int]] = set()
    best: dict[int, tuple[float, int]] = {}
    for at, costs in _pairs(ends, starts, scenes, seconds):
        if costs:
            chosen.add((at, min(costs)[1]))
        for cost, to in costs:
            best[to] = min(best.get(to, (np.inf, -1)), (cost, at))
    chosen |= {(at, to) for to, (_, at) in best.items()}
    return [(ends[at], starts[to]) for at, to in sorted(chosen)]


def handovers(ends: Sequence[End], starts: Sequence[End], scenes: Scenes) -> list[tuple[End, End]]:
    """Ends of covered stretches with the covered ones in which their faces go on at once, each with one of its own.

    A firm face never goes on in one that may be none. Where faces that cross are mistaken for each other, both are
    accounted for all the same.
    """
    costs = sorted(
        (cost, at, to)
        for at, some in _pairs(ends, starts, scenes, GAP_SECONDS)
        for cost, to in some
        if ends[at].covered and starts[to].covered and (not firm(ends[at].stretch) or firm(starts[to].stretch))
    )
    pairs: dict[int, int] = {}
    for _, at, to in costs:
        near = _way(ends[at].sight, starts[to].sight) <= AT_ONCE
        if near and at not in pairs and to not in pairs.values():
            pairs[at] = to
    return [(ends[at], starts[to]) for at, to in sorted(pairs.items())]


def joined(stretches: Iterable[Stretch], links: Iterable[tuple[End, End]]) -> list[frozenset[int]]:
    """Numbers of stretches, by what links them."""
    group = {one.number: {one.number} for one in stretches}
    for end, start in links:
        first, second = group[end.stretch.number], group[start.stretch.number]
        if first is not second:
            first |= second
            group |= dict.fromkeys(second, first)
    return list({frozenset(numbers) for numbers in group.values()})


def firm(stretch: Stretch) -> bool:
    """Whether a face was seen well enough, or often enough, to be one."""
    return len(stretch.sights) >= FIRM_SIGHTS or max(float(one.row[14]) for one in stretch.sights) >= FIRM_SCORE


def centre(row: Rows) -> Floats:
    """(2,) the middle of a row's box."""
    return np.asarray(row[:2] + row[2:4] / 2, np.float32)


def _pairs(
    ends: Sequence[End], starts: Sequence[End], scenes: Scenes, seconds: float
) -> Iterator[tuple[int, list[tuple[float, int]]]]:
    """For each end, what each later beginning within `seconds` costs that may be the same face."""
    order = sorted(range(len(starts)), key=lambda to: starts[to].sight.time_seconds)
    times = [starts[to].sight.time_seconds for to in order]
    for at, end in enumerate(ends):
        now = end.sight.time_seconds
        near = order[bisect_right(times, now) : bisect_right(times, now + seconds)]
        yield at, [(cost, to) for to in near if (cost := _apart(end.sight, starts[to].sight, scenes)) is not None]


def _apart(end: Sight, start: Sight, scenes: Scenes) -> float | None:
    """How unlike one face an end and a later beginning are; None where they cannot be."""
    if scenes.of(end.time_seconds) != scenes.of(start.time_seconds):
        return None
    sizes = end.row[2:4].prod(), start.row[2:4].prod()
    if max(sizes) > LIKE_SIZE**2 * min(sizes):
        return None
    way, passed = _way(end, start), start.time_seconds - end.time_seconds
    return way + passed if way <= REACH + REACH_PER_SECOND * passed else None


def _way(end: Sight, start: Sight) -> float:
    """How far apart they are, in sides of the larger one."""
    side = max(np.sqrt(end.row[2:4].prod()), np.sqrt(start.row[2:4].prod()))
    return float(np.abs(centre(end.row) - centre(start.row)).max() / side)
