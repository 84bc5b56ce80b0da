"""Which scales a photo is looked at, from a glance to a search.

A glance at 320 px finds faces from about a fifteenth of the photo's longer side on. Finer levels, each twice as long,
follow only where they are needed: the last level found nothing, or faces near its limit, or `min_face_px` asks for
smaller ones. A level longer than 1280 px is searched in tiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mien.detect.policy import DetectPolicy
from mien.detect.rows import Rows, covered, detection, mirrored, moved, scaled, suppress
from mien.detect.second import SecondLook, fills_frame
from mien.detect.tiles import regions, whole
from mien.detect.yunet import YuNet
from mien.face import Box, Detection, Pixels
from mien.image import Photo
from mien.settings import Settings

GLANCE_PX = 320
# Where nothing has `min_score`, what falls short by no more than this gets its chance at the second look.
SLACK = 0.2
# Widths at the network (docs/detect.md has the recall at each): below the first it finds next to nothing, from the
# second on nearly every face.
FAINT_PX = 10
RELIABLE_PX = 20
# A face smaller than this is a sign that there may be still smaller ones.
SMALL_PX = 24
# What is looked for where `min_face_px` does not say.
DEFAULT_FACE_PX = 16
# Nothing makes a face of fewer.
LEAST_FACE_PX = 8
# A face that fills the frame is found when the frame is made small, with a border around it.
CLOSE_UPS_PX = (160, 112)
BORDER = 0.25


class FaceDetector:
    """YuNet at the scales that a photo needs."""

    def __init__(self, settings: Settings, policy: DetectPolicy | None = None) -> None:
        self.policy = policy or DetectPolicy()
        self._network = YuNet(settings)
        self._second_look = SecondLook(settings, self.policy)
        self._candidate_score = max(0.0, self.policy.min_score - SLACK)

    def __call__(self, photo: Photo) -> list[Detection]:
        """Faces in `photo`, the largest first; coordinates in px of the full upright photo."""
        scale = GLANCE_PX / max(photo.width, photo.height)
        faces = self._add(photo, np.zeros((0, 15), np.float32), self._level(photo, scale))
        if not len(faces):
            faces = self._add(photo, faces, self._close_up(photo))
        while self._worth(faces, scale):
            scale *= 2
            faces = self._add(photo, faces, self._level(photo, scale))
        return sorted((detection(row) for row in faces), key=lambda one: -one.box.width * one.box.height)

    def follow(self, photo: Photo, longest_px: int, known: Sequence[Box]) -> list[Detection]:
        """Faces at one level alone, where the photo's longer side has `longest_px`: for the next frame of a video.

        known: where faces were a moment ago, in px of the full photo. What overlaps one of them needs no second look,
        and is believed down to the score of a doubtful candidate.
        """
        candidates = self._level(photo, longest_px / max(photo.width, photo.height))
        boxes = np.array([[one.x, one.y, one.width, one.height] for one in known], np.float32).reshape(-1, 4)
        old = np.array([covered(boxes, row[:4], self.policy.overlap) for row in candidates], bool)
        new = candidates[~old & (candidates[:, 14] >= self.policy.min_score)]
        faces = np.concatenate([candidates[old], self._second_look(photo, new)])
        return sorted((detection(row) for row in faces), key=lambda one: -one.box.width * one.box.height)

    def _add(self, photo: Photo, faces: Rows, candidates: Rows) -> Rows:
        """`faces` and those of `candidates` that are new and stand a second look; weak ones only for want of any."""
        new = candidates[~np.array([covered(faces, row[:4], self.policy.overlap) for row in candidates], bool)]
        firm = new[:, 14] >= self.policy.min_score
        faces = np.concatenate([faces, self._second_look(photo, new[firm])])
        return faces if len(faces) else self._second_look(photo, new[~firm])

    def _worth(self, rows: Rows, scale: float) -> bool:
        """Whether a level finer than `scale` may show more: as far as asked for, else on signs of small faces."""
        smallest = scale * max(self.policy.min_face_px or DEFAULT_FACE_PX, LEAST_FACE_PX)
        if smallest >= RELIABLE_PX:
            return False
        if self.policy.min_face_px is not None:
            return True
        if not len(rows):
            return smallest < FAINT_PX
        return bool(rows[:, 2].min() * scale < SMALL_PX)

    def _level(self, photo: Photo, scale: float) -> Rows:
        """Candidates at `scale`, after suppression, in px of the full photo."""
        pixels = photo.pixels(min(1.0, scale)).pixels
        height, width = pixels.shape[:2]
        found = []
        for region in regions(width, height, scale * photo.width / width):
            left, top, right, bottom = region
            tile = _resize(pixels[top:bottom, left:right], scale * photo.width / width)
            rows = self._network.candidates(tile, self._candidate_score)
            rows = scaled(rows, (right - left) / tile.shape[1], (bottom - top) / tile.shape[0])
            rows = moved(rows, left, top)
            found.append(rows[whole(rows, region, width, height)])
        rows = suppress(np.concatenate(found), self.policy.overlap)
        return scaled(rows, photo.width / width, photo.height / height)

    def _close_up(self, photo: Photo) -> Rows:
        """Candidates where the whole photo is made small and given a border, as it is and in the mirror."""
        found = []
        for longest in CLOSE_UPS_PX:
            scale = longest / max(photo.width, photo.height)
            pixels = photo.pixels(min(1.0, scale)).pixels
            small = _resize(pixels, scale * photo.width / pixels.shape[1])
            border = round(longest * BORDER)
            framed = np.asarray(
                cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_CONSTANT), np.uint8
            )
            looks = [
                self._network.candidates(framed, self._candidate_score),
                mirrored(self._network.candidates(framed[:, ::-1], self._candidate_score), framed.shape[1]),
            ]
            rows = moved(np.concatenate(looks), -border, -border)
            found.append(scaled(rows, photo.width / small.shape[1], photo.height / small.shape[0]))
        rows = suppress(np.concatenate(found), self.policy.overlap)
        close: Rows = rows[fills_frame(rows, photo)]
        return close


def _resize(pixels: Pixels, scale: float) -> Pixels:
    """By `scale`, to whole px: averaging downwards, so that nothing aliases; bilinear upwards."""
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return pixels
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
