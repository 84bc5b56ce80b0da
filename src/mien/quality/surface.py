"""Whether something covers the face, and the wall behind it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.align.similarity import apply
from mien.align.view import ALIGNED_SIDE
from mien.face import Floats
from mien.quality.sample import Mask, Sample, lab_of, polygon

NAN: Final = float("nan")
FEWEST_PIXELS: Final = 50

RIGHT_EYE_AND_BROW: Final = (70, 63, 105, 66, 107, 55, 133, 145, 33, 46)
LEFT_EYE_AND_BROW: Final = (300, 293, 334, 296, 336, 285, 362, 374, 263, 276)
LIPS: Final = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)
# A pixel has the face's colour up to this distance in a*, b*, and this share of its lightness lost to shade. Closer
# limits took beards and dark skin for covers more often than other faces (docs/quality.md).
SKIN_COLOUR_RADIUS: Final = 24.0
SKIN_SHADE: Final = 0.75
BACKDROP_SIDE: Final = 96
SKIN_REFERENCE: Final = (1, 2, 4, 5, 6, 197, 195, 50, 101, 118, 117, 280, 330, 347, 346)


def uncovered(sample: Sample) -> float:
    """Share, in %, of the face's skin that has the colour of its nose and upper cheeks.

    Masks, hands with gloves, scarves and bars differ in colour; what has the colour of skin is not noticed. Eyes,
    brows and lips are left out.
    """
    if sample.mesh is None:
        return NAN
    points = sample.points
    at = np.clip(points[list(SKIN_REFERENCE)].astype(int), 0, ALIGNED_SIDE - 1)
    reference = np.median(sample.lab[at[:, 1], at[:, 0]], axis=0)
    off = sample.lab - reference
    like = (off[:, :, 1] ** 2 + off[:, :, 2] ** 2 < SKIN_COLOUR_RADIUS**2) & (off[:, :, 0] > -SKIN_SHADE * reference[0])
    skin = sample.face & ~_features(points)
    count = int(np.count_nonzero(skin))
    return 100 * np.count_nonzero(like & skin) / count if count >= FEWEST_PIXELS else NAN


def _features(points: Floats) -> Mask:
    """(112, 112): eyes with their brows, and lips."""
    mask = polygon(points[list(LIPS)])
    for eye in (RIGHT_EYE_AND_BROW, LEFT_EYE_AND_BROW):
        mask = mask | polygon(np.asarray(cv2.convexHull(points[list(eye)])[:, 0], np.float32))
    return mask


def background_unevenness(sample: Sample) -> float:
    """Spread of the colour behind the head, in CIE Lab units: the root mean square distance to its mean.

    Looked at: beside and above the head, down to the mouth, as far as twice the head's length around it. Nan where
    less than a twentieth of that lies within the picture.
    """
    if sample.mesh is None:
        return NAN
    head = sample.head
    centre, length = head.mean(axis=0), float(np.linalg.norm(head[3] - head[0]))
    scale = BACKDROP_SIDE / (2 * length)
    matrix = np.column_stack([np.eye(2) * scale, BACKDROP_SIDE / 2 - scale * centre])
    crop = lab_of(sample.view.warp(matrix, BACKDROP_SIDE, BACKDROP_SIDE))
    photo = sample.view.photo
    grid = (np.arange(BACKDROP_SIDE) + 0.5 - BACKDROP_SIDE / 2) / scale
    x, y = np.meshgrid(grid + centre[0], grid + centre[1])
    seen = (x > 0) & (x < photo.width) & (y > 0) & (y < photo.height)
    above_mouth = y < centre[1] + length / 4
    keep = seen & above_mouth & ~polygon(_around(apply(matrix, head)), BACKDROP_SIDE)
    if keep.mean() < 0.05:
        return NAN
    return float(np.sqrt(((crop[keep] - crop[keep].mean(axis=0)) ** 2).sum(axis=1).mean()))


def _around(corners: Floats) -> Floats:
    """The head's rectangle, a quarter wider for hair and ears."""
    centre = corners.mean(axis=0)
    return np.asarray(centre + (corners - centre) * 1.4, np.float32)
