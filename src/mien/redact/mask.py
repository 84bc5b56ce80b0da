"""Painting a cover: nothing of the face is left, or too little to tell whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np

from mien.face import Floats, Pixels
from mien.redact.cover import Cover

# Half sides of the cover over those of the box with its margin: a superellipse of exponent 4 that holds it whole.
CORNER: Final = 2**0.25
EXPONENT: Final = 4
# Cells across the face's box, which has about half of its width inside of the cover's.
MOSAIC_CELLS: Final = 5.0
BLUR_CELLS: Final = 4.0
# The blur's standard deviation, in cells.
BLUR: Final = 0.7
# Steps of one colour channel in a mosaic.
STEPS: Final = 16
INK: Final = (16, 16, 16)


def extent(cover: Cover, margin: float) -> tuple[float, float, float, float]:
    """Centre x, y and half sides x, y of a cover in px."""
    x, y, width, height = (float(value) for value in cover.box)
    reach = (1 + 2 * margin) / 2 * CORNER
    return x + width / 2, y + height / 2, max(1.0, width * reach), max(1.0, height * reach)


def inside(cover: Cover, margin: float, x: float, y: float) -> bool:
    """Whether the point (x, y) in px is covered."""
    cx, cy, rx, ry = extent(cover, margin)
    return abs((x - cx) / rx) ** EXPONENT + abs((y - cy) / ry) ** EXPONENT <= 1


class Patch:
    """The part of a picture that a cover changes. mask: (h, w) bool; empty where the cover lies outside."""

    def __init__(self, pixels: Pixels, cover: Cover, margin: float) -> None:
        cx, cy, rx, ry = extent(cover, margin)
        height, width = pixels.shape[:2]
        self.left, self.right = (int(np.clip(value, 0, width)) for value in (np.floor(cx - rx), np.ceil(cx + rx)))
        self.top, self.bottom = (int(np.clip(value, 0, height)) for value in (np.floor(cy - ry), np.ceil(cy + ry)))
        self.pixels = pixels[self.top : self.bottom, self.left : self.right]
        # The nearest point of each pixel counts: one that the cover touches is covered.
        x = np.maximum(np.abs(np.arange(self.left, self.right) + 0.5 - cx) - 0.5, 0) / rx
        y = np.maximum(np.abs(np.arange(self.top, self.bottom) + 0.5 - cy) - 0.5, 0) / ry
        self.mask = x[None] ** EXPONENT + y[:, None] ** EXPONENT <= 1

    def put(self, painted: Pixels | Sequence[int]) -> None:
        """Replace what is covered by a colour, or by what (h, w, 3) has there."""
        if isinstance(painted, np.ndarray):
            np.copyto(self.pixels, painted, where=self.mask[:, :, None])
        else:
            self.pixels[self.mask] = painted


def solid(pixels: Pixels, covers: Sequence[Cover], margin: float) -> None:
    """One dark colour, the same for everybody."""
    for cover in covers:
        Patch(pixels, cover, margin).put(INK)


def mosaic(pixels: Pixels, covers: Sequence[Cover], margin: float) -> None:
    """A few cells of one colour each, of few colours."""
    for cover, patch in _patches(pixels, covers, margin):
        small = _cells(patch.pixels, cover.box, MOSAIC_CELLS)
        step = 256 // STEPS
        coarse = np.asarray(small // step * step + step // 2, np.uint8)
        patch.put(_enlarged(coarse, patch.pixels, cv2.INTER_NEAREST))


def blur(pixels: Pixels, covers: Sequence[Cover], margin: float) -> None:
    """A few cells, blurred into each other: what was averaged within a cell no filter brings back."""
    for cover, patch in _patches(pixels, covers, margin):
        small = _cells(patch.pixels, cover.box, BLUR_CELLS)
        large = _enlarged(small, patch.pixels, cv2.INTER_LINEAR)
        sigma = BLUR * float(max(cover.box[2:])) / BLUR_CELLS
        patch.put(np.asarray(cv2.blur(large, _window(sigma, large)), np.uint8))


def _patches(pixels: Pixels, covers: Sequence[Cover], margin: float) -> Iterator[tuple[Cover, Patch]]:
    """Those that lie in the picture, each made when the one before is painted."""
    for cover in covers:
        patch = Patch(pixels, cover, margin)
        if patch.mask.size:
            yield cover, patch


def _cells(pixels: Pixels, box: Floats, cells: float) -> Pixels:
    """The patch averaged into cells of the `cells`-th part of the face's longer side."""
    side = max(1.0, float(max(box[2:])) / cells)
    size = max(1, round(pixels.shape[1] / side)), max(1, round(pixels.shape[0] / side))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(small: Pixels, like: Pixels, method: int) -> Pixels:
    return np.asarray(cv2.resize(small, (like.shape[1], like.shape[0]), interpolation=method), np.uint8)


def _window(sigma: float, pixels: Pixels) -> tuple[int, int]:
    """Sides of the box whose blur has this standard deviation, odd and no longer than the picture."""
    side = round(np.sqrt(12 * sigma * sigma + 1))
    width, height = ((min(side, length) - 1) // 2 * 2 + 1 for length in (pixels.shape[1], pixels.shape[0]))
    return max(1, width), max(1, height)
