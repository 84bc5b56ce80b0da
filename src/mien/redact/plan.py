"""From sights to covers: gaps are covered too, and a while before the first and after the last."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.detect.rows import Rows
from mien.face import Floats
from mien.redact.gaps import End, Scenes, centre, firm, gaps_of, handovers, joined
from mien.redact.link import Sight, Stretch
from mien.redact.policy import RedactPolicy

# Of the time before and after, what a face gets that may be none.
FLEETING: Final = 0.3
# By how much of its side a cover grows on each side, for each second without a sight.
GROWTH: Final = 0.35
# Speed is measured over so long, and believed up to so many sides a second.
SPEED_SECONDS: Final = 0.2
TOP_SPEED: Final = 3.0
# A key of a span: box, five points, score, bearing.
POINTS, SCORE, BEARING = slice(4, 14), 14, slice(15, 20)
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """What is covered in one frame.

    box: (4,) x, y, width, height in px, without the margin. points: (5, 2) px, None where the face was not seen.
    bearing: (5,) as `mien.redact.bearing` has it, None likewise. score: 0..1, the detector's belief, of what
    was filled in that of the nearest sights.
    """

    box: Floats
    points: Floats | None = None
    bearing: Floats | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A cover over a time: keys (K, 20) at times (K,) in seconds, in between as straight lines have it.

    seen: the keys are sights of a face, not filled in.
    """

    times: Numbers
    keys: Rows
    seen: bool = False

    def at(self, time_seconds: float) -> Cover:
        """The cover at a moment within."""
        after = min(bisect_right(self.times, time_seconds), len(self.times) - 1)
        before = max(0, after - 1)
        length = self.times[after] - self.times[before]
        share = 0.0 if length <= 0 else float(np.clip((time_seconds - self.times[before]) / length, 0, 1))
        row = self.keys[before] * np.float32(1 - share) + self.keys[after] * np.float32(share)
        if not self.seen:
            return Cover(row[:4], score=float(row[SCORE]))
        return Cover(row[:4], row[POINTS].reshape(5, 2), row[BEARING], float(row[SCORE]))


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Sights of one stretch that follow each other and are covered.

    before, after: its neighbours that stay bare; None where the piece begins, or ends, its stretch.
    """

    stretch: Stretch
    sights: Sequence[Sight]
    before: Sight | None
    after: Sight | None


def pieces(stretch: Stretch, bare: Sequence[bool]) -> list[Piece]:
    """The covered pieces of a stretch; bare: for each of its sights."""
    found, start = [], None
    for index in range(len(bare) + 1):
        covered = index < len(bare) and not bare[index]
        if covered and start is None:
            start = index
        elif not covered and start is not None:
            sights = stretch.sights
            before, after = sights[start - 1] if start else None, sights[index] if index < len(bare) else None
            found.append(Piece(stretch, sights[start:index], before, after))
            start = None
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A stretch, and for each of its sights whether it stays bare."""

    stretch: Stretch
    bare: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """spans: all that is covered, sorted by their beginnings. tracks: sets of stretches that are one face, it seems."""

    spans: list[Span]
    tracks: list[frozenset[int]]


def plan_of(judged: Sequence[Judged], cuts: Sequence[float], policy: RedactPolicy) -> Plan:
    """What is covered, and when. cuts: times of the first frames of scenes, over which nothing reaches."""
    scenes = Scenes(cuts)
    covered = [piece for one in judged for piece in pieces(one.stretch, one.bare)]
    spans = [_seen(piece) for piece in covered]
    ends = [End(one.stretch.sights[-1], one.stretch, not one.bare[-1]) for one in judged]
    starts = [End(one.stretch.sights[0], one.stretch, not one.bare[0]) for one in judged]
    going_on = handovers(ends, starts, scenes)
    gone, came = {end.stretch.number for end, _ in going_on}, {start.stretch.number for _, start in going_on}
    for piece in covered:
        spans += _lingering(piece, scenes, policy, (piece.stretch.number in came, piece.stretch.number in gone))
    gaps = going_on + gaps_of(ends, starts, scenes, policy.bridge_seconds)
    spans += [_bridge(end.sight, start.sight) for end, start in gaps if end.covered or start.covered]
    return Plan(sorted(spans, key=lambda span: float(span.times[0])), joined((one.stretch for one in judged), gaps))


def _seen(piece: Piece) -> Span:
    """With the frames up to its bare neighbours, in which the face was missed."""
    keys = [(one.time_seconds, one.row) for one in piece.sights]
    if piece.before:
        keys.insert(0, (float(np.nextafter(piece.before.time_seconds, np.inf)), piece.before.row))
    if piece.after:
        keys.append((float(np.nextafter(piece.after.time_seconds, -np.inf)), piece.after.row))
    return Span(np.array([time for time, _ in keys]), np.stack([row for _, row in keys]), True)


def _lingering(piece: Piece, scenes: Scenes, policy: RedactPolicy, goes_on: tuple[bool, bool]) -> Iterator[Span]:
    """After its last sight and before its first, growing towards where it may have gone to and come from.

    goes_on: before it and after it, in other stretches: then there is nothing to wait for.
    """
    seconds = policy.linger_seconds * (1.0 if firm(piece.stretch) else FLEETING)
    if piece.after is None and not goes_on[1]:
        yield from _grown(piece.sights[::-1], seconds, scenes)
    if piece.before is None and not goes_on[0]:
        yield from _grown(piece.sights, -seconds, scenes)


def _grown(sights: Sequence[Sight], seconds: float, scenes: Scenes) -> Iterator[Span]:
    """From the first of `sights` on for `seconds`, negative ones back in time."""
    start = sights[0]
    earliest, latest = scenes.of(start.time_seconds)
    end = start.time_seconds + seconds
    end = max(end, earliest) if seconds < 0 else min(end, np.nextafter(latest, -np.inf))
    length = end - start.time_seconds
    if not length:
        return
    box = start.row[:4]
    way = np.clip(_speed(sights) * length, -TOP_SPEED * box[2:] * abs(length), TOP_SPEED * box[2:] * abs(length))
    low, high = np.minimum(box[:2], box[:2] + way), np.maximum(box[:2] + box[2:], box[:2] + box[2:] + way)
    grow = GROWTH * abs(length) * box[2:]
    far = start.row.copy()
    far[:4] = np.concatenate([low - grow, high - low + 2 * grow])
    times, keys = np.array([np.nextafter(start.time_seconds, end), end]), np.stack([start.row, far])
    order = np.argsort(times)
    yield Span(times[order], keys[order])


def _speed(sights: Sequence[Sight]) -> Floats:
    """(2,) px a second at the first of `sights`, which may run backwards in time; 0 where there is but one."""
    near = [one for one in sights[:30] if abs(one.time_seconds - sights[0].time_seconds) <= SPEED_SECONDS]
    passed = near[-1].time_seconds - near[0].time_seconds
    if not passed:
        return np.zeros(2, np.float32)
    way = centre(near[-1].row) - centre(near[0].row)
    return np.asarray(way / np.float32(passed), np.float32)


def _bridge(end: Sight, start: Sight) -> Span:
    """Between two sights, without them; widest in the middle, where least is known."""
    passed = start.time_seconds - end.time_seconds
    middle = (end.row + start.row) / 2
    grow = GROWTH * passed / 2 * middle[2:4]
    middle[:4] = np.concatenate([middle[:2] - grow, middle[2:4] + 2 * grow])
    first, last = np.nextafter(end.time_seconds, np.inf), np.nextafter(start.time_seconds, -np.inf)
    times = np.array([first, end.time_seconds + passed / 2, last])
    return Span(times, np.stack([end.row, middle, start.row]))


class Covers:
    """The covers of frame after frame, asked for in the order of time."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._waiting = iter(spans)
        self._next = next(self._waiting, None)
        self._open: list[Span] = []

    def at(self, time_seconds: float) -> list[Cover]:
        """What is covered at this moment, the surest last."""
        while self._next is not None and self._next.times[0] <= time_seconds:
            self._open.append(self._next)
            self._next = next(self._waiting, None)
        self._open = [span for span in self._open if span.times[-1] >= time_seconds]
        return sorted((span.at(time_seconds) for span in self._open), key=lambda cover: cover.score)
