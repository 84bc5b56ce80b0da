"""Candidates as rows of one array, and what every detector does with them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.face import Box, Detection, Floats

Rows = NDArray[np.float32]
"""(N, 15) float32 candidates: box x, y, width, height, five points x, y, score in 0..1; in px."""

# A face holds a smaller one of which more than this share lies in its box.
MOST = 0.7
# In the mirror right is left.
MIRRORED_POINTS = [1, 0, 2, 4, 3]


def suppress(rows: Rows, overlap: float) -> Rows:
    """Greedy non-maximum suppression at an intersection over union of `overlap`; the best first."""
    if not len(rows):
        return rows
    keep = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, overlap)
    kept: Rows = rows[np.asarray(keep, int).reshape(-1)]
    return kept


def shared(rows: Rows, box: Floats) -> Floats:
    """(N,) px that each candidate's box shares with `box` (4,): x, y, width, height."""
    low = np.maximum(rows[:, :2], box[:2])
    high = np.minimum(rows[:, :2] + rows[:, 2:4], box[:2] + box[2:4])
    return np.asarray((high - low).clip(0).prod(axis=1), np.float32)


def overlaps(rows: Rows, box: Floats) -> Floats:
    """(N,) intersection over union of each candidate's box with `box` (4,)."""
    inside = shared(rows, box)
    return np.asarray(inside / (rows[:, 2:4].prod(axis=1) + box[2:4].prod() - inside), np.float32)


def covered(rows: Rows, box: Floats, overlap: float) -> bool:
    """Whether one of `rows` overlaps `box` (4,) by more than `overlap`, or holds most of it: an eye seen as a face."""
    if not len(rows):
        return False
    most = shared(rows, box).max() > MOST * box[2:4].prod()
    return bool(most or overlaps(rows, box).max() > overlap)


def moved(rows: Rows, x: float, y: float) -> Rows:
    """A copy, shifted by x and y px."""
    rows = rows.copy()
    rows[:, [0, 4, 6, 8, 10, 12]] += x
    rows[:, [1, 5, 7, 9, 11, 13]] += y
    return rows


def scaled(rows: Rows, x: float, y: float) -> Rows:
    """A copy, stretched by x and y about the origin."""
    rows = rows.copy()
    rows[:, [0, 2, 4, 6, 8, 10, 12]] *= x
    rows[:, [1, 3, 5, 7, 9, 11, 13]] *= y
    return rows


def mirrored(rows: Rows, width: float) -> Rows:
    """What was found in the mirror image of a picture `width` px wide, as in the picture itself."""
    points = rows[:, 4:14].reshape(-1, 5, 2)[:, MIRRORED_POINTS]
    points[:, :, 0] = width - points[:, :, 0]
    left = width - rows[:, :1] - rows[:, 2:3]
    return np.concatenate([left, rows[:, 1:4], points.reshape(-1, 10), rows[:, 14:]], axis=1)


def detection(row: Rows) -> Detection:
    """One row (15,) as a Detection."""
    landmarks = row[4:14].reshape(5, 2).astype(np.float32)
    landmarks.setflags(write=False)
    return Detection(Box(*(float(value) for value in row[:4])), min(1.0, float(row[14])), landmarks)
