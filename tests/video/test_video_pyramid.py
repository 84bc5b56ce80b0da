"""Smaller copies of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.image import DEFAULT
from mien.video.pyramid import frame_photo


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (596, 336), (641, 359), (90, 7), (3, 2)])
@pytest.mark.parametrize("scale", [0.5, 0.25, 0.125])
def test_a_copy_is_the_mean_of_what_becomes_one_pixel(width: int, height: int, scale: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    made = frame_photo(pixels, DEFAULT).pixels(scale)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    whole = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    assert made.pixels.shape == whole.shape
    assert np.array_equal(made.pixels, whole)
    assert (made.scale_x, made.scale_y) == (size[0] / width, size[1] / height)
