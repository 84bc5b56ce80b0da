from __future__ import annotations

import itertools

import numpy as np
import pytest

from mien.face import HeadPose
from mien.landmark.pose import MEAN_FACE, RIGID, head_pose, head_rotation, rotation_matrix

ANGLES = list(itertools.product((-60, -30, 0, 30, 60), (-40, -15, 0, 15, 40), (-40, 0, 40)))
CHIN = 152


def seen(pose: HeadPose, *, distance: float | None = None, noise: float = 0.0, mirrored: bool = False) -> np.ndarray:
    """(468, 3) points of the mean face at `pose`, 80 px between the eyes, somewhere in a photo.

    distance: of the head from a pinhole camera in eye distances, None for infinitely far. Points that are not rigid
    are scattered: they must not matter.
    """
    random = np.random.default_rng(0)
    turned = MEAN_FACE @ rotation_matrix(pose).T
    if distance is not None:
        turned[:, :2] *= distance / (distance + turned[:, 2:])
    if mirrored:
        turned = turned * [-1, 1, 1]
    points = random.uniform(-200, 200, (468, 3))
    points[RIGID] = turned * 80 + [300, 200, 10] + random.normal(0, noise, MEAN_FACE.shape)
    return points.astype(np.float32)


def angles(pose: HeadPose) -> list[float]:
    return [pose.yaw_degrees, pose.pitch_degrees, pose.roll_degrees]


@pytest.mark.parametrize("triple", ANGLES)
def test_a_known_rotation_is_recovered(triple: tuple[float, float, float]) -> None:
    found = head_pose(head_rotation(seen(HeadPose(*triple))))
    assert angles(found) == pytest.approx(triple, abs=0.01)


@pytest.mark.parametrize("triple", ANGLES)
def test_a_noisy_mesh_seen_from_nearby_is_recovered_within_a_few_degrees(triple: tuple[float, float, float]) -> None:
    found = head_rotation(seen(HeadPose(*triple), distance=10, noise=2.0))
    between = found @ rotation_matrix(HeadPose(*triple)).T
    assert np.degrees(np.arccos(np.clip((np.trace(between) - 1) / 2, -1, 1))) < 6


@pytest.mark.parametrize("triple", ANGLES)
def test_angles_and_matrix_are_each_others_inverse(triple: tuple[float, float, float]) -> None:
    matrix = rotation_matrix(HeadPose(*triple))
    assert angles(head_pose(matrix)) == pytest.approx(triple, abs=1e-9)
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_signs_are_those_of_the_camera_axes() -> None:
    ahead = np.array([0, 0, -1])
    assert (rotation_matrix(HeadPose(30, 0, 0)) @ ahead)[0] < 0, "positive yaw looks to the image's left"
    assert (rotation_matrix(HeadPose(0, 30, 0)) @ ahead)[1] > 0, "positive pitch looks down"
    assert (rotation_matrix(HeadPose(0, 0, 30)) @ [1, 0, 0])[1] > 0, "positive roll tilts clockwise"


@pytest.mark.parametrize("triple", ANGLES)
def test_turning_the_picture_changes_roll_alone(triple: tuple[float, float, float]) -> None:
    yaw, pitch, roll = triple
    turn = rotation_matrix(HeadPose(0, 0, 25))
    points = seen(HeadPose(*triple)).astype(np.float64) @ turn.T
    found = head_pose(head_rotation(points.astype(np.float32)))
    assert angles(found) == pytest.approx([yaw, pitch, roll + 25], abs=0.01)


def test_the_mean_face_is_symmetrical_and_faces_the_camera() -> None:
    mirrored = MEAN_FACE * [-1, 1, 1]
    distance = np.linalg.norm(mirrored[:, None] - MEAN_FACE, axis=2)
    assert distance.min(axis=1).max() < 1e-9
    nose, right_eye, left_eye = (MEAN_FACE[list(RIGID).index(index)] for index in (4, 33, 263))
    assert nose[2] < right_eye[2] and nose[1] > right_eye[1] and right_eye[0] < left_eye[0]
    assert np.linalg.norm(right_eye - left_eye) == pytest.approx(1, abs=0.01)


def test_jaw_and_lips_do_not_turn_the_head() -> None:
    points = seen(HeadPose(10, 5, 0))
    moved = points.copy()
    moved[[CHIN, 13, 14, 17]] += [0, 60, 0]
    assert head_rotation(moved) == pytest.approx(head_rotation(points))
