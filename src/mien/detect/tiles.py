"""Large pictures in overlapping tiles, so that memory stays bounded whatever the scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.detect.rows import Rows

TILE_PX = 1280
OVERLAP_PX = 96

Region = tuple[int, int, int, int]
"""Left, top, right, bottom in px of a picture; right and bottom are excluded."""


def regions(width: int, height: int, scale: float) -> Iterator[Region]:
    """Regions that cover a picture of `width` x `height` and are at most about `TILE_PX` long once scaled by `scale`.

    Neighbours share `OVERLAP_PX` scaled px, so that a face smaller than that lies whole in one of them.
    """
    for top, bottom in _spans(height, scale):
        for left, right in _spans(width, scale):
            yield left, top, right, bottom


def whole(rows: Rows, region: Region, width: int, height: int) -> NDArray[np.bool_]:
    """(N,) False where a box is cut by a side of its region that is no side of the picture `width` x `height`.

    Another tile has such a face whole, or it is large enough for the coarser level.
    """
    left, top, right, bottom = region
    x, y, w, h = rows[:, :4].T
    starts = (x > left) | (left == 0), (y > top) | (top == 0)
    ends = (x + w < right) | (right == width), (y + h < bottom) | (bottom == height)
    return np.asarray(np.all([*starts, *ends], axis=0), np.bool_)


def _spans(length: int, scale: float) -> Iterator[tuple[int, int]]:
    tile, overlap = TILE_PX / scale, OVERLAP_PX / scale
    if length <= tile:
        yield 0, length
        return
    count = int(np.ceil((length - overlap) / (tile - overlap)))
    step = (length - overlap) / count
    for index in range(count):
        yield int(index * step), min(length, int(np.ceil((index + 1) * step + overlap)))
