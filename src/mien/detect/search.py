"""Which scales a photo is looked at, from a glance to a search.

A glance at 320 px finds every face of at least a thirtieth of the photo's longer side. Finer levels, each twice as
long, follow only where they are needed: the glance found nothing, or faces near its limit, or `min_face_px` asks for
smaller ones. A level longer than 1280 px is searched in overlapping tiles, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.detect.doubt import confirmed
from mien.detect.policy import DetectPolicy
from mien.detect.rows import Rows, detection, moved, scaled, suppress
from mien.detect.yunet import YuNet
from mien.face import Detection, Pixels
from mien.image import Photo
from mien.settings import Settings

GLANCE_PX = 320
TILE_PX = 1280
TILE_OVERLAP_PX = 96
# YuNet finds faces from about this width on, and places their points well from the second on.
SMALLEST_PX = 10
COMFORTABLE_PX = 24
# A face that fills the frame is found when the frame is made small, with a border around it.
CLOSE_UP_PX = 160
BORDER = 0.25


class FaceDetector:
    """YuNet at the scales that a photo needs."""

    def __init__(self, settings: Settings, policy: DetectPolicy | None = None) -> None:
        self.policy = policy or DetectPolicy()
        self._network = YuNet(settings)

    def __call__(self, photo: Photo) -> list[Detection]:
        """Faces in `photo`, the largest first; coordinates in px of the full upright photo."""
        longest = max(photo.width, photo.height)
        rows = self._confirmed(photo, self._level(photo, GLANCE_PX / longest))
        if not len(rows):
            rows = self._confirmed(photo, self._close_up(photo))
        for scale in self._finer(longest):
            if not self._worth(rows, scale / 2):
                break
            finer = self._confirmed(photo, self._level(photo, scale))
            rows = suppress(np.concatenate([rows, finer]), self.policy.overlap)
        return sorted((detection(row) for row in rows), key=lambda one: -one.box.width * one.box.height)

    def _confirmed(self, photo: Photo, rows: Rows) -> Rows:
        """The rows that are sure, or stand a second look."""
        return rows[[confirmed(self._network, photo, row, self.policy.min_score) for row in rows]]

    def _finer(self, longest: int) -> Iterator[float]:
        """Scales beyond the glance, each double the last, as far as `min_face_px` can need them."""
        smallest = self.policy.min_face_px or 16
        scale = GLANCE_PX / longest
        while scale * smallest < SMALLEST_PX:
            scale *= 2
            yield scale

    def _worth(self, rows: Rows, last_scale: float) -> bool:
        """Whether a finer level may show more: always if asked for by size, else on signs of small faces."""
        if self.policy.min_face_px is not None or not len(rows):
            return True
        return bool(rows[:, 2].min() * last_scale < COMFORTABLE_PX)

    def _level(self, photo: Photo, scale: float) -> Rows:
        """Candidates at `scale`, after suppression, in px of the full photo."""
        picture = photo.pixels(min(1.0, scale))
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        pixels = _resize(picture.pixels, size)
        found = []
        for x, y, tile in _tiles(pixels):
            rows = moved(self._network.candidates(tile, self.policy.min_score), x, y)
            found.append(rows[_whole(rows, (x, y, x + tile.shape[1], y + tile.shape[0]), size)])
        rows = suppress(np.concatenate(found), self.policy.overlap)
        return scaled(rows, photo.width / size[0], photo.height / size[1])

    def _close_up(self, photo: Photo) -> Rows:
        """Candidates where the whole photo is made small and given a border."""
        scale = CLOSE_UP_PX / max(photo.width, photo.height)
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        border = round(CLOSE_UP_PX * BORDER)
        pixels = _resize(photo.pixels(min(1.0, scale)).pixels, size)
        framed = np.asarray(cv2.copyMakeBorder(pixels, *[border] * 4, cv2.BORDER_CONSTANT), np.uint8)
        rows = suppress(self._network.candidates(framed, self.policy.min_score), self.policy.overlap)
        return scaled(moved(rows, -border, -border), photo.width / size[0], photo.height / size[1])


def _resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """To (width, height): averaging downwards, so that nothing aliases; bilinear upwards."""
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    shrinks = size[0] < pixels.shape[1]
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)


def _tiles(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Overlapping tiles of at most `TILE_PX`, all about equal, with their left and top."""
    height, width = pixels.shape[:2]
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            yield left, top, pixels[top:bottom, left:right]


def _whole(rows: Rows, tile: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) False where a box is cut by a side of its tile inside the picture: the next tile, or the last level, has it."""
    left, top, right, bottom = tile
    x, y, width, height = rows[:, :4].T
    sides = (x > left) | (left == 0), (y > top) | (top == 0)
    ends = (x + width < right) | (right == size[0]), (y + height < bottom) | (bottom == size[1])
    return np.asarray(np.all([*sides, *ends], axis=0), np.bool_)


def _spans(length: int) -> Iterator[tuple[int, int]]:
    if length <= TILE_PX:
        yield 0, length
        return
    count = -(-(length - TILE_OVERLAP_PX) // (TILE_PX - TILE_OVERLAP_PX))
    step = (length - TILE_OVERLAP_PX) / count
    for index in range(count):
        yield round(index * step), min(length, round((index + 1) * step) + TILE_OVERLAP_PX)
