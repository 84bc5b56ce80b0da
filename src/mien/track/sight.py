"""What one frame's detections tell by themselves: which overlap, and which are worth a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Box, Detection, Floats

Look = Callable[[int], Floats | None]
"""The embedding, (D,) float32 of unit length, of the detection with this index in the frame's list; None where it
could not be embedded. Costs about 15 ms a call."""

Numbers = NDArray[np.float64]

# Of the smaller of two boxes, this share within the other: they may be one face found twice.
DOUBLE_SHARE: Final = 0.4
# With more of it under another face, an embedding may be the other's.
ALONE_SHARE: Final = 0.1
# The nose's distance from the middle of the eyes, sideways, over the eyes' distance: beyond, it is nearly a profile.
MOST_TURNED: Final = 0.4
# The eyes' distance over the box's width.
LEAST_EYES: Final = 0.25


class Sight:
    """The detections of one frame; asks `look` for each of them at most once."""

    def __init__(self, detections: Sequence[Detection], look: Look, min_look_px: float) -> None:
        self.detections = detections
        self._look, self._min_px = look, min_look_px
        self._found: dict[int, Floats | None] = {}
        boxes = corners_of([one.box for one in detections])
        self._shares = _shares(boxes, boxes)
        np.fill_diagonal(self._shares, 0)

    def embedding(self, index: int) -> Floats | None:
        """What `look` says of a detection."""
        if index not in self._found:
            self._found[index] = self._look(index)
        return self._found[index]

    def doubles(self, index: int) -> list[int]:
        """The detections that may be the same face as this one."""
        return [int(other) for other in np.flatnonzero(self._shares[index] >= DOUBLE_SHARE)]

    def alone(self, index: int) -> bool:
        """Whether nothing else that was found covers the face or is covered by it."""
        return not len(self._shares) or float(self._shares[index].max()) <= ALONE_SHARE

    def clear(self, index: int) -> bool:
        """Whether the face is large enough and looks at the camera well enough for its embedding to mean something."""
        box, points = self.detections[index].box, np.asarray(self.detections[index].landmarks, np.float64)
        if min(box.width, box.height) < self._min_px:
            return False
        eyes = points[1] - points[0]
        apart = float(np.hypot(*eyes))
        if apart < LEAST_EYES * box.width:
            return False
        return abs(float((points[2] - (points[0] + points[1]) / 2) @ eyes)) <= MOST_TURNED * apart**2


def corners_of(boxes: Sequence[Box]) -> Numbers:
    """(N, 4): left, top, right, bottom in px."""
    rows = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    return np.array(rows, np.float64).reshape(-1, 4)


def overlaps(first: Numbers, second: Numbers) -> Numbers:
    """(N, M) intersections over union of corners (N, 4) and (M, 4)."""
    inside = _inside(first, second)
    areas = _areas(first)[:, None] + _areas(second)[None] - inside
    return np.asarray(inside / np.maximum(areas, 1e-9))


def _shares(first: Numbers, second: Numbers) -> Numbers:
    """(N, M) intersections over the smaller one's area."""
    smaller = np.minimum(_areas(first)[:, None], _areas(second)[None])
    return np.asarray(_inside(first, second) / np.maximum(smaller, 1e-9))


def _inside(first: Numbers, second: Numbers) -> Numbers:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _areas(corners: Numbers) -> Numbers:
    return np.asarray((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))
