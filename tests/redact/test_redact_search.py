"""Faces are found that an ordinary search leaves out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.redact.policy import RedactPolicy
from mien.redact.search import CoverSearch, Extras
from mien.settings import Settings


def centre(row: np.ndarray) -> np.ndarray:
    return row[:2] + row[2:4] / 2


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_heads_that_lie_on_their_side(
    search: CoverSearch, portrait: np.ndarray, face_row: np.ndarray, turns: int
) -> None:
    height, width = portrait.shape[:2]
    x, y = centre(face_row)
    expected = {0: (x, y), 1: (y, width - x), 3: (height - y, x)}[turns]
    found = search(np.ascontiguousarray(np.rot90(portrait, turns)))
    assert min(np.abs(centre(row) - expected).max() for row in found) < 0.2 * face_row[2]
    points = found[np.argmin([np.abs(centre(row) - expected).max() for row in found])][4:14].reshape(5, 2)
    assert np.abs(points.mean(axis=0) - expected).max() < 0.3 * face_row[2]


def test_small_ones(search: CoverSearch, portrait: np.ndarray, face_row: np.ndarray) -> None:
    scale = 18 / face_row[2]
    small = np.full((360, 640, 3), 120, np.uint8)
    part = cv2.resize(portrait, None, fx=float(scale), fy=float(scale), interpolation=cv2.INTER_AREA)
    small[200 : 200 + part.shape[0], 400 : 400 + part.shape[1]] = part
    expected = centre(face_row) * scale + (400, 200)
    assert min(np.abs(centre(row) - expected).max() for row in search(small)) < 6


def test_small_ones_that_are_smeared_are_found_at_the_finer_scale(
    weights: Settings, portrait: np.ndarray, face_row: np.ndarray
) -> None:
    scale = 10 / face_row[2]
    part = cv2.resize(portrait, None, fx=float(scale), fy=float(scale), interpolation=cv2.INTER_AREA)
    small = np.full((360, 640, 3), 120, np.uint8)
    small[200 : 200 + part.shape[0], 400 : 400 + part.shape[1]] = part
    smeared = np.asarray(cv2.filter2D(small, -1, np.full((1, 5), 1 / 5, np.float32)), np.uint8)
    expected, frames = centre(face_row) * scale + (400, 200), CoverSearch(weights, RedactPolicy(), still=False)
    plain, finer = (frames(smeared, Extras(aside=False, fine=fine)) for fine in (False, True))
    near = [sum(np.abs(centre(row) - expected).max() < 6 for row in rows) for rows in (plain, finer)]
    assert near == [0, 1]


def test_smeared_ones(search: CoverSearch, portrait: np.ndarray, face_row: np.ndarray) -> None:
    smeared = np.asarray(cv2.filter2D(portrait, -1, np.full((1, 25), 1 / 25, np.float32)), np.uint8)
    assert min(np.abs(centre(row) - centre(face_row)).max() for row in search(smeared)) < 0.3 * face_row[2]


def test_one_that_is_larger_than_its_picture(search: CoverSearch, portrait: np.ndarray, face_row: np.ndarray) -> None:
    x, y, width, height = face_row[:4].astype(int)
    part = portrait[y + height // 8 : y + height * 7 // 8, x + width // 8 : x + width * 7 // 8]
    found = search(np.asarray(cv2.resize(part, (640, 640)), np.uint8))
    assert found[:, 2].max() > 400


def test_frames_of_a_video_are_searched_like_photos(
    weights: Settings, portrait: np.ndarray, face_row: np.ndarray
) -> None:
    frames = CoverSearch(weights, RedactPolicy(), still=False)
    assert np.abs(centre(frames(portrait)[0]) - centre(face_row)).max() < 8
    assert np.abs(centre(frames(portrait, Extras(aside=False, fine=False))[0]) - centre(face_row)).max() < 8


def test_where_there_is_no_face_little_is_taken_for_one(
    search: CoverSearch, coffee: np.ndarray, cat: np.ndarray
) -> None:
    """A cup from above is round; it may be covered, the table not."""
    assert len(search(coffee)) <= 2 and len(search(cat)) <= 3
    assert len(search(np.full((300, 400, 3), 128, np.uint8))) == 0
