"""The second look: every candidate is looked at again, alone, at a comfortable size, and in the mirror.

It places the five points better than the first look did (the mean of all looks is taken, weighed by their scores),
lifts faces that the first look missed by a little, and casts doubt on things that are faces at one size only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.align.view import FaceView
from mien.detect.likeness import FaceLikeness
from mien.detect.policy import DetectPolicy
from mien.detect.rows import Rows, detection, mirrored, moved, overlaps, scaled
from mien.detect.yunet import YuNet
from mien.image import Photo
from mien.settings import Settings

# Widths of the face, and sides of the square around it. The points' errors at different sizes differ, so that their
# mean is better than each; a doubt is settled at the first size.
SIZES = ((64, 128), (96, 192))
# A candidate of the second look is the same thing where its box agrees this well.
SAME = 0.3
# Below this average the second look saw nothing; only a face that fills the frame is believed all the same.
UNSEEN = 0.1
# A close-up's face is as long as this share of the photo's shorter side, at least.
FILLS = 0.5
# Candidates of at least the first score, or the second on average at the second look, are taken without further doubt.
SURE = 0.9
SURE_AGAIN = 0.8


class SecondLook:
    """Confirms and refines candidates; the same for every level of the search."""

    def __init__(self, settings: Settings, policy: DetectPolicy) -> None:
        self.policy = policy
        self._networks = [
            YuNet(settings, (2, canvas, canvas)) for _, canvas in (SIZES if policy.thorough else SIZES[:1])
        ]
        self._likeness = FaceLikeness(settings)

    def __call__(self, photo: Photo, rows: Rows) -> Rows:
        """Those of `rows` (N, 15), in px of `photo`, that are faces, with better points.

        A row's score becomes the mean of the second look where that is higher.
        """
        kept = [better for row in rows if (better := self._again(photo, row)) is not None]
        return np.stack(kept) if kept else rows[:0]

    def _again(self, photo: Photo, row: Rows) -> Rows | None:
        sure = row[14] >= max(SURE, self.policy.min_score)
        if sure and not self.policy.thorough:
            return row
        looks = self._looks(photo, row, 0)
        again = float(looks[:, 14].mean())
        better = row.copy()
        better[14] = max(row[14], again)
        for size in range(1, len(self._networks)):
            looks = np.concatenate([looks, self._looks(photo, row, size)])
        looks = np.concatenate([looks, row[None]])
        better[4:14] = np.average(looks[:, 4:14], axis=0, weights=looks[:, 14])
        if sure or again >= max(SURE_AGAIN, self.policy.min_score):
            return better
        weak = row[14] < self.policy.min_score
        if (weak or again < UNSEEN) and not fills_frame(better[None], photo)[0]:
            return None
        return better if self._likeness(photo, better, weak=weak) else None

    def _looks(self, photo: Photo, row: Rows, size: int) -> Rows:
        """(2, 15) the face in the square of one of `SIZES` and in its mirror, in px of `photo`; score 0 if absent."""
        face, canvas = SIZES[size]
        pixels = FaceView(photo, detection(row)).context(canvas / face, canvas)
        here, there = self._networks[size].candidates_of([pixels, pixels[:, ::-1]], 0.0)
        looks = np.stack([_best(here, row, face, canvas), _best(mirrored(there, canvas), row, face, canvas)])
        scale = row[2:4].max() / face
        corner = row[:2] + row[2:4] / 2 - scale * canvas / 2
        return moved(scaled(looks, scale, scale), *corner)


def fills_frame(rows: Rows, photo: Photo) -> NDArray[np.bool_]:
    """(N,) whether a box takes so much of the photo that it can be what a close-up shows."""
    sides = np.sqrt(rows[:, 2] * rows[:, 3])
    return np.asarray(sides >= FILLS * min(photo.width, photo.height), np.bool_)


def _best(rows: Rows, row: Rows, face: int, canvas: int) -> Rows:
    """The best candidate (15,) in the square around `row` that agrees with it; zeros without one."""
    size = row[2:4] * (face / row[2:4].max())
    rows = rows[overlaps(rows, np.concatenate([(canvas - size) / 2, size])) >= SAME]
    best: Rows = rows[rows[:, 14].argmax()] if len(rows) else np.zeros(15, np.float32)
    return best
