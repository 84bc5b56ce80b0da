"""The second look: what was found with doubt is looked at again, alone, small, and in the mirror.

A face is still one at 48 px and mirrored; a dog's head, a hand or a plate mostly is not (docs/detect.md has figures).
"""

from __future__ import annotations

import numpy as np

from mien.align.view import FaceView
from mien.detect.rows import Rows, detection, overlaps
from mien.detect.yunet import YuNet
from mien.face import Pixels
from mien.image import Photo

# From this score on a second look never changed the answer for the better.
SURE = 0.9
FACE_PX = 48
CANVAS_PX = 96
# A candidate of the second look is the same thing where its box agrees this well.
SAME = 0.3


def confirmed(network: YuNet, photo: Photo, row: Rows, min_score: float) -> bool:
    """Whether the candidate `row` (15,), in px of `photo`, is sure, or has `min_score` on average at a second look."""
    if row[14] >= SURE:
        return True
    pixels = FaceView(photo, detection(row)).context(CANVAS_PX / FACE_PX, CANVAS_PX)
    size = row[2:4] * (FACE_PX / row[2:4].max())
    box = np.concatenate([(CANVAS_PX - size) / 2, size])
    scores = [_score(network, turned, box) for turned in (pixels, pixels[:, ::-1])]
    return sum(scores) / len(scores) >= min_score


def _score(network: YuNet, pixels: Pixels, box: Rows) -> float:
    """The best score of a candidate that agrees with `box` (4,); 0 without one."""
    rows = network.candidates(pixels, 0.0)
    return float(rows[overlaps(rows, box) >= SAME, 14].max(initial=0.0))
