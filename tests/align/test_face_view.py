"""What a crop shows where the photo ends."""

from __future__ import annotations

import numpy as np

from mien.align.view import FaceView
from mien.face import Box, Detection
from mien.image import open_photo

POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def view_of(pixels: np.ndarray) -> FaceView:
    return FaceView(open_photo(pixels), Detection(Box(0, 0, 100, 100), 0.9, POINTS))


def moved(x: float, scale: float = 1.0) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, 0]], np.float64)


def test_outside_the_photo_it_is_black() -> None:
    crop = view_of(np.full((100, 100, 3), 200, np.uint8)).warp(moved(20), 100, 100)
    assert (crop[:, :19] == 0).all() and (crop[:, 21:] == 200).all()


def test_extended_it_is_as_the_edge_is() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:, :2] = (10, 120, 230)
    crop = view_of(pixels).warp(moved(20), 100, 100, extended=True)
    assert (crop[:, :20] == (10, 120, 230)).all() and (crop[:, 25:] == 0).all()


def test_extended_holds_where_the_photo_is_shrunk_first() -> None:
    crop = view_of(np.full((400, 400, 3), 90, np.uint8)).warp(moved(10, 0.1), 60, 60, extended=True)
    assert (np.abs(crop.astype(int) - 90) <= 1).all()
