"""The drawn face follows the head, and is nobody's."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_sights import row

from mien.redact.avatar import TONGUE, avatar, look_of
from mien.redact.cover import Cover

PLAIN = np.full((240, 240, 3), 90, np.uint8)


def cover(bearing: tuple[float, ...] | None = None, turn: float = 0.0, score: float = 0.9) -> Cover:
    """A face of 100 px in the middle, turned clockwise."""
    made = row(70, 70, 100)
    points = made[4:14].reshape(5, 2)
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    points = (points - 120) @ np.array([[cos, sin], [-sin, cos]]) + 120
    known = None if bearing is None else np.array(bearing, np.float32)
    return Cover(made[:4], points.astype(np.float32), known, score)


def drawn(*covers: Cover) -> np.ndarray:
    made = PLAIN.copy()
    avatar(made, covers, 0.25)
    return made


def test_the_head_turns_with_the_points() -> None:
    assert look_of(cover(turn=20)).roll == pytest.approx(20, abs=0.5)
    assert look_of(cover(turn=-90)).roll == pytest.approx(-90, abs=0.5)
    assert (drawn(cover(turn=30)) != drawn(cover())).any()


def test_the_mouth_opens_and_the_eyes_shut() -> None:
    shut, wide = drawn(cover((0.0, 0.3, 0.3, 0, 0))), drawn(cover((0.6, 0.3, 0.3, 0, 0)))
    assert (np.abs(wide.astype(int) - TONGUE).max(axis=2) < 10).sum() > 50
    assert not (np.abs(shut.astype(int) - TONGUE).max(axis=2) < 10).any()
    assert look_of(cover((0, 0.05, 0.4, 0, 0))).right_eye == 0 and look_of(cover((0, 0.05, 0.4, 0, 0))).left_eye == 1


def test_yaw_and_pitch_have_their_signs() -> None:
    """To the image's left is positive yaw, down is positive pitch; a nose to the right says the same without a mesh."""
    assert look_of(cover((0, 0.3, 0.3, 35, 20))).yaw < 0 < look_of(cover((0, 0.3, 0.3, 35, 20))).pitch
    sideways = cover()
    sideways.points[2, 0] += 20  # type: ignore[index]
    assert look_of(sideways).yaw > 0


def test_what_was_filled_in_has_a_face_only_where_none_is_seen() -> None:
    filled = Cover(cover().box, score=0.9)
    assert (drawn(filled) == drawn(Cover(cover().box, cover().points, None, 0.9))).mean() > 0.9
    assert (drawn(filled, cover(turn=20)) == drawn(cover(turn=20))).all()


def test_what_is_hardly_a_face_gets_none() -> None:
    assert len(np.unique(drawn(cover(score=0.4)).reshape(-1, 3), axis=0)) == 2
