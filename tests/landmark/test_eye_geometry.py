from __future__ import annotations

import itertools

import numpy as np
import pytest

from mien.align.similarity import apply, scale_of
from mien.face import HeadPose
from mien.landmark.eyes import (
    CENTRE_DEPTH,
    IRIS_RADIUS,
    LEFT_CORNERS,
    REST_X,
    REST_Y,
    RIGHT_CORNERS,
    EyeOutline,
    eye_crop,
    gaze_degrees,
    openness,
)
from mien.landmark.pose import rotation_matrix

WIDTH = 40.0


def outline(gap: float, turn: float = 0.0, scale: float = 1.0) -> EyeOutline:
    """An eye 40 px wide whose lids are two straight lines `gap` px apart, turned by `turn` radians."""
    contour = np.zeros((71, 2))
    contour[:9, 0] = np.linspace(0, WIDTH, 9)
    contour[9:16, 0] = contour[1:8, 0]
    contour[1:8, 1], contour[9:16, 1] = gap / 2, -gap / 2
    cos, sin = np.cos(turn), np.sin(turn)
    contour = scale * contour @ np.array([[cos, sin], [-sin, cos]]) + 100
    return EyeOutline(contour.astype(np.float32), np.full((5, 2), 100, np.float32))


def looking(head: HeadPose, gaze: HeadPose) -> tuple[np.ndarray, EyeOutline, EyeOutline]:
    """Mesh points and both eyes of a head at `head`, whose eyeballs are turned by `gaze` against it."""
    rotation = rotation_matrix(head)
    sight = rotation_matrix(gaze) @ [0, 0, -1]
    points, eyes = np.zeros((468, 3)), []
    for side, corners in ((1, RIGHT_CORNERS), (-1, LEFT_CORNERS)):
        middle = np.array([-side * 45.0, -20.0, 0.0])
        ends = middle + np.array([[-side * WIDTH / 2, 0, 0], [side * WIDTH / 2, 0, 0]])
        iris = middle + WIDTH * (np.array([side * REST_X, REST_Y, CENTRE_DEPTH]) + IRIS_RADIUS * sight)
        points[list(corners)] = ends @ rotation.T
        contour = np.zeros((71, 2))
        contour[[0, 8]] = points[list(corners), :2]
        eyes.append(EyeOutline(contour.astype(np.float32), np.tile(rotation @ iris, (5, 1))[:, :2].astype(np.float32)))
    return points.astype(np.float32), eyes[0], eyes[1]


@pytest.mark.parametrize("gap", [0, 4, 12, 20])
def test_openness_is_the_gap_over_the_width_whatever_the_scale_and_turn(gap: float) -> None:
    for turn, scale in ((0, 1), (0.7, 1), (-2.5, 5), (0, 0.2)):
        assert openness(outline(gap, turn, scale)) == pytest.approx(gap / WIDTH, abs=1e-4)


def test_an_eye_without_width_has_a_finite_openness() -> None:
    assert np.isfinite(openness(outline(4, scale=0)))


@pytest.mark.parametrize("head", [HeadPose(0, 0, 0), HeadPose(30, 0, 0), HeadPose(-20, 15, 25), HeadPose(10, -20, -40)])
@pytest.mark.parametrize("gaze", list(itertools.product((-25, 0, 15), (-20, 0, 20))))
def test_a_known_gaze_is_recovered_whatever_the_head_does(head: HeadPose, gaze: tuple[float, float]) -> None:
    points, right, left = looking(head, HeadPose(gaze[0], gaze[1], 0))
    direction = rotation_matrix(HeadPose(gaze[0], gaze[1], 0)) @ [0, 0, -1]
    expected = np.degrees([np.arctan2(-direction[0], -direction[2]), np.arcsin(direction[1])])
    assert gaze_degrees(points, right, left, rotation_matrix(head)) == pytest.approx(expected, abs=0.1)


def test_irises_at_the_images_left_and_below_give_positive_angles() -> None:
    points, right, left = looking(HeadPose(0, 0, 0), HeadPose(0, 0, 0))
    moved = [EyeOutline(eye.contour, eye.iris + np.float32([-4, 3])) for eye in (right, left)]
    yaw, pitch = gaze_degrees(points, moved[0], moved[1], np.eye(3))
    assert yaw > 5 and pitch > 5


def test_an_iris_off_the_eyeball_stays_finite() -> None:
    points, right, left = looking(HeadPose(0, 0, 0), HeadPose(0, 0, 0))
    wild = EyeOutline(right.contour, right.iris + np.float32([500, 0]))
    assert np.isfinite(gaze_degrees(points, wild, left, np.eye(3))).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_eye_lies_level_in_the_middle_of_its_crop(mirrored: bool) -> None:
    outer, inner = np.float32([100, 50]), np.float32([140, 70])
    corners = np.stack([inner, outer]) if mirrored else np.stack([outer, inner])
    crop = eye_crop(corners, mirrored, 64)
    ends = apply(crop, corners)
    assert ends.mean(axis=0) == pytest.approx([32, 32], abs=1e-4)
    assert ends[0, 1] == pytest.approx(ends[1, 1], abs=1e-4)
    assert (ends[0, 0] > ends[1, 0]) == mirrored
    assert scale_of(crop) == pytest.approx(64 / (2.3 * 40))
