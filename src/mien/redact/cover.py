"""What is covered at a moment, and over a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.detect.rows import Rows
from mien.face import Floats

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
