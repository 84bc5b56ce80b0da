from __future__ import annotations

import numpy as np
import pytest
from made_up_faces import SEVEN, face_set, logits_for, spec_of

from mien.evaluate.robustness import KINDS, N_POINTS, degrade, robustness

FACES = np.random.default_rng(4).integers(0, 256, (3, 48, 48), np.uint8)
# Smooth, so that what is worse is further away.
SLOPE = np.tile(np.linspace(20, 235, 48).astype(np.uint8), (2, 48, 1))
EVERY = [(name, level) for name, kind in KINDS.items() for level in kind.levels]


@pytest.mark.parametrize(("kind", "level"), EVERY)
def test_same_seed_same_pixels_and_only_pixels(kind: str, level: float) -> None:
    before = FACES.copy()
    worse = degrade(FACES, kind, level)
    assert worse.shape == FACES.shape and worse.dtype == np.uint8
    assert np.array_equal(worse, degrade(FACES, kind, level))
    assert np.array_equal(FACES, before)
    assert np.array_equal(worse, FACES) == ((kind, level) == ("resolution", 48))


@pytest.mark.parametrize("kind", ["noise", "rotation", "square covered"])
def test_chance_is_by_seed_and_by_face(kind: str) -> None:
    level = KINDS[kind].levels[-1]
    many = np.repeat(FACES[:1], 20, axis=0)
    assert not np.array_equal(degrade(many, kind, level, seed=1), degrade(many, kind, level, seed=2))
    assert len(np.unique(degrade(many, kind, level), axis=0)) > 1
    assert np.array_equal(degrade(many, kind, level)[:5], degrade(many[:5], kind, level))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"gamma", "gain"}))
def test_each_step_is_worse_than_the_one_before(kind: str) -> None:
    texture = np.clip(SLOPE + 20 * np.sin(np.arange(48))[:, None], 0, 255).astype(np.uint8)
    far = [np.abs(degrade(texture, kind, level).astype(float) - texture).mean() for level in KINDS[kind].levels]
    assert far == sorted(far)


def test_resolution_keeps_nothing_finer() -> None:
    """Stripes of one pixel are gone at half the side; blocks of two come back where they were."""
    stripes = np.tile(np.array([0, 255], np.uint8), (1, 48, 24))
    small = degrade(stripes, "resolution", 24)
    assert np.abs(small.astype(int) - 128).max() <= 1


def test_covers_are_where_they_should_be() -> None:
    for kind, covered, seen in (
        ("upper part covered", slice(0, 24), slice(24, 48)),
        ("lower part covered", slice(24, 48), slice(0, 24)),
    ):
        worse = degrade(FACES, kind, 0.5)
        assert all(len(np.unique(face[covered])) == 1 for face in worse)
        assert np.array_equal(worse[:, seen], FACES[:, seen])
    square = degrade(SLOPE, "square covered", 0.25) == round(float(SLOPE[0].mean()))
    assert square[0].sum() == pytest.approx(24 * 24, abs=48)


def test_gain_and_gamma_by_hand() -> None:
    grey = np.full((1, 48, 48), 100, np.uint8)
    assert degrade(grey, "gain", 1.4)[0, 0, 0] == 140 and degrade(grey + 100, "gain", 2.0).max() == 255
    assert degrade(grey, "gamma", 2.5)[0, 0, 0] == round(255 * (100 / 255) ** 2.5)


def brightness(faces: np.ndarray) -> dict[str, np.ndarray]:
    """Says `disgust` of bright faces and `angry` of dark ones."""
    return {"fer2013": logits_for((faces.mean(axis=(1, 2)) > 127).astype(int).tolist(), 7)}


def test_a_model_that_looks_at_brightness_alone() -> None:
    levels = np.array([60, 100, 120, 140, 180, 220], np.uint8)
    faces = face_set([0, 0, 0, 1, 1, 1], faces=np.tile(levels[:, None, None], (1, 48, 48)))
    (curve,) = robustness(faces, brightness(faces.faces), spec_of(SEVEN), brightness)
    assert (curve.vocabulary, curve.n, curve.as_they_are.value) == ("fer2013", 6, 1)
    assert len(curve.points) == N_POINTS
    points = {(one.kind, one.level): one for one in curve.points}
    assert {points[kind, level].lost.value for kind, level in EVERY if kind not in ("gain", "gamma")} == {0}
    # Times 1.4 only the darkest stays below 127: 84, 140, 168.
    dimmed = points["gain", 1.4]
    assert (dimmed.accuracy.value, dimmed.lost.value) == (pytest.approx(4 / 6), pytest.approx(2 / 6))
    # Paired differences 0 1 1 0 0 0: standard deviation sqrt(2 / 6 * 4 / 6), over sqrt(6).
    half = 1.96 * np.sqrt(2 / 6 * 4 / 6) / np.sqrt(6)
    assert (dimmed.lost.low, dimmed.lost.high) == (
        pytest.approx(2 / 6 - half, abs=1e-4),
        pytest.approx(2 / 6 + half, abs=1e-4),
    )
