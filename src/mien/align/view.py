"""FaceView: the one argument of every per-face stage."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from mien.align.similarity import ARCFACE_112, Matrix, fit_similarity, scale_of
from mien.face import Box, Detection, Pixels
from mien.image import Photo

ALIGNED_SIDE = 112


class FaceView:
    """One detected face within its photo, with crops made when first asked for.

    Crops come from the smallest decode of the photo that holds the detail they need. Not shared between threads.
    """

    def __init__(self, photo: Photo, detection: Detection) -> None:
        self.photo = photo
        self.detection = detection

    @cached_property
    def alignment(self) -> Matrix:
        """(2, 3): full image to the 112 x 112 ArcFace crop."""
        return fit_similarity(self.detection.landmarks, ARCFACE_112)

    @cached_property
    def aligned(self) -> Pixels:
        """(112, 112, 3) uint8 RGB: the face in the ArcFace template."""
        return self.warp(self.alignment, ALIGNED_SIDE, ALIGNED_SIDE)

    def context(self, margin: float, size: int) -> Pixels:
        """(size, size, 3) uint8 RGB: the upright square around the box, `margin` times its longer side."""
        box: Box = self.detection.box
        side = max(box.width, box.height) * margin
        scale = size / side
        shift = size / 2 - scale * np.array([box.x + box.width / 2, box.y + box.height / 2])
        return self.warp(np.column_stack([np.eye(2) * scale, shift]), size, size)

    def warp(self, matrix: Matrix, width: int, height: int, extended: bool = False) -> Pixels:
        """(height, width, 3) uint8 RGB: the photo under `matrix` (full image to crop).

        Outside the photo it is black, or, where `extended`, as the photo's edge is.
        """
        wanted = scale_of(matrix)
        picture = self.photo.pixels(min(1.0, max(wanted, 1e-3)))
        pixels, sx, sy = picture.pixels, picture.scale_x, picture.scale_y
        linear = matrix[:, :2] / [sx, sy]
        shift = matrix[:, 2]
        if scale_of(linear) < 0.5:
            pixels, linear, shift = _shrink(pixels, linear, shift, (width, height))
        # cv2 counts pixel centres as integers: half a pixel on both sides.
        centred = shift + linear @ [0.5, 0.5] - 0.5
        border = cv2.BORDER_REPLICATE if extended else cv2.BORDER_CONSTANT
        placed = np.column_stack([linear, centred])
        return np.asarray(cv2.warpAffine(pixels, placed, (width, height), borderMode=border), np.uint8)


def _shrink(pixels: Pixels, linear: Matrix, shift: Matrix, size: tuple[int, int]) -> tuple[Pixels, Matrix, Matrix]:
    """Average the needed region down first: bilinear sampling at less than half size would alias."""
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size]) - shift
    region = corners @ np.linalg.inv(linear).T
    height, width = pixels.shape[:2]
    x0, y0 = np.clip(np.floor(region.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(region.max(axis=0)).astype(int), [x0 + 1, y0 + 1], [width, height])
    scale = scale_of(linear)
    target = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    small = cv2.resize(pixels[y0:y1, x0:x1], target, interpolation=cv2.INTER_AREA)
    ratio = np.array([(x1 - x0) / target[0], (y1 - y0) / target[1]])
    return np.asarray(small, np.uint8), linear * ratio, shift + linear @ [x0, y0]
