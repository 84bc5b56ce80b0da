"""How far each eye is open and where it looks, from the iris network's lids and irises and the head's rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.align.similarity import Matrix, centred_square
from mien.face import Floats

RIGHT_CORNERS: Final = (33, 133)
LEFT_CORNERS: Final = (263, 362)
"""Outer and inner corner of each eye among the mesh's 468 points."""

CROP_PER_EYE_WIDTH: Final = 2.3
CONTOUR_CORNERS: Final = (0, 8)
LOWER_LID: Final = slice(3, 6)
UPPER_LID: Final = slice(11, 14)

# Of an adult eye: the ball's radius to the iris's plane, and how far the ball's centre lies behind the line between the
# corners, each over the width between the corners (about 10, 7 and 30 mm).
IRIS_RADIUS: Final = 0.36
CENTRE_DEPTH: Final = 0.22
# Where the iris of a frontal face rests against the middle between its corners, in the same unit, towards the nose and
# down: the median of 143 LFW and FairFace photos within 10 degrees of yaw, most of them looking into the lens.
REST_X: Final = -0.039
REST_Y: Final = -0.052


@dataclass(frozen=True, slots=True, eq=False)
class EyeOutline:
    """One eye in px of the full image.

    contour: (71, 2) float32: 0..8 the lower lid from the outer to the inner corner, 9..15 the upper lid in the same
    direction without the corners, then rings outwards to the brow. iris: (5, 2) float32: centre, then four on the rim.
    """

    contour: Floats
    iris: Floats


def eye_crop(corners: Floats, mirrored: bool, size: int) -> Matrix:
    """(2, 3): full image to a `size` x `size` crop, 2.3 times as wide as the eye and turned with it.

    corners: (2, 2) px, outer and inner; mirrored: the outer corner has the larger x, as in the left eye.
    """
    line = corners[0] - corners[1] if mirrored else corners[1] - corners[0]
    x, y = (float(value) for value in corners.mean(axis=0))
    side = CROP_PER_EYE_WIDTH * max(float(np.abs(line).max()), 1.0)
    return centred_square((x, y), side, float(np.degrees(np.arctan2(line[1], line[0]))), size)


def openness(outline: EyeOutline) -> float:
    """Gap between the lids (mean over the middle third) over the width between the corners; 0 is shut."""
    contour = outline.contour
    gap = np.linalg.norm(contour[UPPER_LID] - contour[LOWER_LID], axis=1).mean()
    return float(gap / max(_width(outline), 1e-6))


def _width(outline: EyeOutline) -> float:
    return float(np.linalg.norm(outline.contour[CONTOUR_CORNERS[0]] - outline.contour[CONTOUR_CORNERS[1]]))


def gaze_degrees(
    points: Floats, right: EyeOutline, left: EyeOutline, rotation: NDArray[np.float64]
) -> tuple[float, float]:
    """Yaw and pitch of both eyes' mean line of sight against the head, in degrees, with the signs of `HeadPose`.

    points: (468, 3) px; rotation: (3, 3), head to camera. An eye is a ball that turns behind the line between its
    corners; the iris's centre says how far. The eye that shows more of itself counts for more. Shut eyes have no gaze:
    ask for openness first.
    """
    width = float(np.mean([np.linalg.norm(points[a] - points[b]) for a, b in (RIGHT_CORNERS, LEFT_CORNERS)]))
    sights = np.stack([_line_of_sight(right, width, rotation, 1), _line_of_sight(left, width, rotation, -1)])
    seen = np.square([_width(right), _width(left)])
    x, y, z = rotation.T @ (seen @ sights)
    return float(np.degrees(np.arctan2(-x, -z))), float(np.degrees(np.arctan2(y, np.hypot(x, z))))


def _line_of_sight(eye: EyeOutline, width: float, rotation: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Unit vector in camera axes; `side` is 1 for the right eye, whose nose lies at larger x, and -1 for the left."""
    rest = rotation @ [side * REST_X, REST_Y, CENTRE_DEPTH]
    centre = eye.contour[list(CONTOUR_CORNERS)].mean(axis=0) + width * rest[:2]
    x, y = (eye.iris[0] - centre) / (width * IRIS_RADIUS)
    off = max(float(np.hypot(x, y)), 1.0)
    return np.array([x / off, y / off, -np.sqrt(max(0.0, 1 - (x * x + y * y) / off**2))])
