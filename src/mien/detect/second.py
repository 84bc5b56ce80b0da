"""The second look: every candidate is looked at again, alone, at a comfortable size, and in the mirror.

It places the five points better than the first look did (the mean of all looks is taken, weighed by their scores),
lifts faces that the first look missed by a little, and casts doubt on things that are faces at one size only.
"""

from __future__ import annotations

import numpy as np

from mien.align.view import FaceView
from mien.detect.likeness import FaceLikeness
from mien.detect.rows import Rows, detection, overlaps
from mien.detect.yunet import YuNet
from mien.face import Floats, Pixels
from mien.image import Photo
from mien.settings import Settings

FACE_PX = 64
CANVAS_PX = 128
# A candidate of the second look is the same thing where its box agrees this well.
SAME = 0.3
# Candidates of at least the first score, or the second on average at the second look, are taken without further doubt.
SURE = 0.9
SURE_AGAIN = 0.8
# In the mirror right is left.
MIRRORED_POINTS = [1, 0, 2, 4, 3]


class SecondLook:
    """Confirms and refines candidates; the same for every level of the search."""

    def __init__(self, network: YuNet, settings: Settings) -> None:
        self._network = network
        self._likeness = FaceLikeness(settings)

    def __call__(self, photo: Photo, rows: Rows, min_score: float) -> Rows:
        """Those of `rows` (N, 15), in px of `photo`, that are faces, with better points.

        A row's score becomes the mean of the second look where that is higher.
        """
        kept = [better for row in rows if (better := self._again(photo, row, min_score)) is not None]
        return np.stack(kept) if kept else rows[:0]

    def _again(self, photo: Photo, row: Rows, min_score: float) -> Rows | None:
        pixels = FaceView(photo, detection(row)).context(CANVAS_PX / FACE_PX, CANVAS_PX)
        looks = [self._look(pixels, row), _mirrored(self._look(pixels[:, ::-1], row))]
        again = sum(float(look[14]) for look in looks) / len(looks)
        better = row.copy()
        better[14] = max(row[14], again)
        if better[14] < min_score:
            return None
        points = [row[4:14], *(_to_photo(look, row) for look in looks)]
        better[4:14] = np.average(points, axis=0, weights=[row[14], *(look[14] for look in looks)])
        if row[14] >= SURE or again >= SURE_AGAIN or self._likeness(photo, better):
            return better
        return None

    def _look(self, pixels: Pixels, row: Rows) -> Rows:
        """The best candidate (15,) in the crop that agrees with `row`, in px of the crop; zeros without one."""
        rows = self._network.candidates(pixels, 0.0)
        size = row[2:4] * (FACE_PX / row[2:4].max())
        rows = rows[overlaps(rows, np.concatenate([(CANVAS_PX - size) / 2, size])) >= SAME]
        best: Rows = rows[rows[:, 14].argmax()] if len(rows) else np.zeros(15, np.float32)
        return best


def _mirrored(look: Rows) -> Rows:
    """A look at the mirrored crop, its points as in the crop itself."""
    points = look[4:14].reshape(5, 2)[MIRRORED_POINTS]
    points[:, 0] = CANVAS_PX - points[:, 0]
    return np.concatenate([look[:4], points.reshape(-1), look[14:]])


def _to_photo(look: Rows, row: Rows) -> Floats:
    """(10,) the look's points, from px of the crop around `row` to px of the photo."""
    scale = row[2:4].max() / FACE_PX
    corner = row[:2] + row[2:4] / 2 - scale * CANVAS_PX / 2
    return np.asarray(look[4:14] * scale + np.tile(corner, 5), np.float32)
