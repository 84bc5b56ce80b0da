"""Where and how large the face and its head stand in the picture."""

from __future__ import annotations

import numpy as np

from mien.align.similarity import apply, invert
from mien.face import Floats
from mien.quality.sample import Sample

NAN = float("nan")
GRID = 12


def inter_eye_distance(sample: Sample) -> float:
    """Px of the full photo between the centres of the eyes.

    With a mesh taken in three dimensions, so that a turned head does not count as a small one (OFIQ divides by the
    cosine of yaw to the same end).
    """
    right, left = sample.eye_centres
    return float(np.linalg.norm(left - right))


def face_in_picture(sample: Sample) -> float:
    """Share, in %, of the mesh's points that lie within the picture; without a mesh, of the template's oval."""
    if sample.mesh is None:
        return 100 * sample.share_in_photo(apply(invert(sample.view.alignment), sample.hull))
    return 100 * sample.share_in_photo(sample.mesh.points[:, :2])


def head_in_picture(sample: Sample) -> float:
    """Share, in %, of the rectangle from crown to chin and ear to ear that lies within the picture."""
    if sample.mesh is None:
        return NAN
    top_right, top_left, _, bottom_right = sample.head
    steps = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    across, down = steps[:, None, None] * (top_left - top_right), steps[None, :, None] * (bottom_right - top_right)
    return 100 * sample.share_in_photo((top_right + across + down).reshape(-1, 2))


def head_length(sample: Sample) -> float:
    """Crown to chin in % of the picture's height."""
    return NAN if sample.mesh is None else 100 * _side(sample.head[[0, 3]]) / sample.view.photo.height


def head_width(sample: Sample) -> float:
    """Ear to ear in % of the picture's width."""
    return NAN if sample.mesh is None else 100 * _side(sample.head[[0, 1]]) / sample.view.photo.width


def head_centre_x(sample: Sample) -> float:
    """Middle between the eyes, in % of the picture's width from its left edge."""
    return float(100 * sample.eye_centres[:, 0].mean() / sample.view.photo.width)


def head_centre_y(sample: Sample) -> float:
    """Middle between the eyes, in % of the picture's height from its top."""
    return float(100 * sample.eye_centres[:, 1].mean() / sample.view.photo.height)


def _side(ends: Floats) -> float:
    return float(np.linalg.norm(ends[1] - ends[0]))
