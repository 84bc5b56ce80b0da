"""Random changes of faces: by the generator alone, within their bounds, and none where the recipe says none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.train.augment import augmented
from mien.train.recipe import AugmentRecipe

NONE = AugmentRecipe(flip=0.0)
ALL = AugmentRecipe(0.5, 20.0, 0.1, 0.1, 0.3, 0.2, 0.5, 0.5)


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (6, 48, 48), np.uint8)


def test_nothing_asked_nothing_changed(faces: np.ndarray) -> None:
    out = augmented(faces, NONE, 48, np.random.default_rng(0))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, faces)


def test_the_same_generator_gives_the_same(faces: np.ndarray) -> None:
    first, again, other = (augmented(faces, ALL, 48, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2)).all()


@settings(max_examples=25, deadline=None)
@given(side=st.integers(24, 60), size=st.integers(24, 80), seed=st.integers(0, 2**32))
def test_shapes_and_range(side: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = augmented(rng.integers(0, 256, (2, side, side), np.uint8), ALL, size, rng)
    assert out.shape == (2, size, size) and out.dtype == np.float32
    assert out.min() >= 0 and out.max() <= 255


def test_a_certain_flip_is_the_mirror_image(faces: np.ndarray) -> None:
    out = augmented(faces, replace(NONE, flip=1.0), 48, np.random.default_rng(0))
    np.testing.assert_array_equal(out, faces[:, :, ::-1])


@pytest.mark.parametrize("seed", range(20))
def test_erasing_covers_one_rectangle_of_one_grey(seed: int) -> None:
    face = np.arange(48 * 48, dtype=np.int64).reshape(1, 48, 48) % 251
    out = augmented(face.astype(np.uint8), replace(NONE, erase=1.0), 48, np.random.default_rng(seed))[0]
    changed = out != face[0]
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    box = out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert len(np.unique(box)) == 1
    assert 0.01 < box.size / 48**2 < 0.21


def test_low_resolution_loses_detail_and_keeps_the_light(faces: np.ndarray) -> None:
    out = augmented(faces, replace(NONE, low_resolution=1.0), 48, np.random.default_rng(0))
    detail = [np.abs(np.diff(one.astype(float))).mean() for one in (faces, out)]
    assert detail[1] < 0.9 * detail[0]
    assert out.mean() == pytest.approx(faces.mean(), abs=3)


def test_light_moves_within_its_bounds() -> None:
    grey = np.full((50, 24, 24), 100, np.uint8)
    out = augmented(grey, replace(NONE, brightness=0.1), 24, np.random.default_rng(0))
    levels = out[:, 0, 0]
    assert np.ptp(out, axis=(1, 2)).max() == 0
    assert 74 < levels.min() < 85 and 115 < levels.max() < 126


def test_shift_moves_the_face() -> None:
    dot = np.zeros((40, 48, 48), np.uint8)
    dot[:, 24, 24] = 255
    out = augmented(dot, replace(NONE, shift=0.1), 48, np.random.default_rng(0))
    places = np.array([np.unravel_index(one.argmax(), one.shape) for one in out]) - 24
    assert 3 <= np.abs(places).max() <= 5
