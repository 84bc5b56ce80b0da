from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.align.similarity import apply, invert, scale_of
from mien.align.view import FaceView
from mien.detect.search import FaceDetector
from mien.errors import WeightsOffline
from mien.face import Box, Detection, FaceMesh, Failed
from mien.image import open_photo
from mien.landmark import mesh
from mien.landmark.mesh import MeshLandmarker, first_crop, mouth_openness, second_crop
from mien.settings import load_settings
from mien.weights.fetch import ensure

UPRIGHT = np.float32([[80, 90], [120, 90], [100, 112], [84, 132], [116, 132]])
PROFILE = np.float32([[70, 90], [72, 90], [58, 112], [68, 132], [70, 132]])


def view_of(points: np.ndarray, box: Box | None = None, pixels: np.ndarray | None = None) -> FaceView:
    photo = open_photo(np.full((240, 240, 3), 127, np.uint8) if pixels is None else pixels)
    return FaceView(photo, Detection(box or Box(60, 50, 80, 110), 0.9, points.astype(np.float32)))


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """`points` turned clockwise about (100, 105)."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return (points - [100, 105]) @ np.array([[cos, sin], [-sin, cos]]) + [100, 105]


class FakeNetwork:
    """Answers every pass alike, and remembers what it was shown."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self._outputs = {"first": first.astype(np.float32), "second": second.astype(np.float32)}
        self.shown: list[np.ndarray] = []

    def input_shape(self) -> tuple[int, ...]:
        return ()

    def output_names(self) -> tuple[str, ...]:
        return tuple(self._outputs)

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.shown.append(batch.copy())
        return {name: value.copy() for name, value in self._outputs.items()}

    def describe(self) -> str:
        return "fake"


Build = Callable[[np.ndarray, float], tuple[MeshLandmarker, FakeNetwork, FakeNetwork]]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Build:
    """A landmarker whose mesh network always gives the points and logit asked for."""

    def make(points: np.ndarray, logit: float) -> tuple[MeshLandmarker, FakeNetwork, FakeNetwork]:
        eyes = np.column_stack([np.linspace(20, 44, 71), np.full(71, 30.0), np.zeros(71)])
        iris = np.tile([30.0, 32.0, 0.0], (5, 1))
        networks = (
            FakeNetwork(points.reshape(1, 1, 1, -1), np.full((1, 1, 1, 1), logit)),
            FakeNetwork(eyes.reshape(1, -1), iris.reshape(1, -1)),
        )
        by_name = dict(zip(("facemesh", "iris"), networks, strict=True))
        monkeypatch.setattr(mesh, "ensure", lambda name, settings: Path(name))
        monkeypatch.setattr(mesh, "open_session", lambda path, engine, threads: by_name[str(path)])
        return MeshLandmarker(load_settings()), *networks

    return make


def some_points() -> np.ndarray:
    points = np.random.default_rng(3).uniform(40, 150, (468, 3))
    points[[33, 133, 362, 263], :2] = [[60, 80], [85, 80], [107, 80], [132, 80]]
    return points


def test_points_come_back_in_pixels_of_the_full_image(build: Build) -> None:
    points = some_points()
    landmarker, _, _ = build(points, 4.0)
    view = view_of(turned(UPRIGHT, 20))
    crop = first_crop(view)
    first = np.column_stack([apply(invert(crop), points[:, :2]), points[:, 2] / scale_of(crop)]).astype(np.float32)
    crop = second_crop(first)
    (found,) = landmarker([view])
    assert isinstance(found, FaceMesh)
    assert found.points[:, :2] == pytest.approx(apply(invert(crop), points[:, :2]), abs=1e-3)
    assert found.points[:, 2] == pytest.approx(points[:, 2] / scale_of(crop), rel=1e-4)
    assert found.presence == pytest.approx(1 / (1 + np.exp(-4.0)))
    assert not found.points.flags.writeable and not found.irises.flags.writeable


def test_the_left_eye_is_shown_and_read_in_a_mirror(build: Build) -> None:
    landmarker, _, iris_network = build(some_points(), 4.0)
    pixels = np.random.default_rng(5).integers(0, 255, (240, 240, 3), np.uint8)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 3)
    view = view_of(UPRIGHT, pixels=pixels)
    (found,) = landmarker([view])
    assert isinstance(found, FaceMesh)
    right, left = iris_network.shown
    for crop, corners, iris, mirrored in (
        (right, (33, 133), found.irises[0], False),
        (left, (263, 362), found.irises[1], True),
    ):
        matrix = mesh.eye_crop(found.points[list(corners), :2], mirrored, 64)
        plain = view.warp(matrix, 64, 64).astype(np.float32) / 255
        assert crop[0] == pytest.approx(plain[:, ::-1] if mirrored else plain)
        assert apply(matrix, iris) == pytest.approx(np.tile([34 if mirrored else 30, 32], (5, 1)), abs=1e-3)


def test_what_cannot_be_computed_fails_with_a_reason(build: Build) -> None:
    landmarker, _, _ = build(some_points(), 4.0)
    one_point, no_box = view_of(np.full((5, 2), 7.0)), view_of(UPRIGHT, Box(10, 10, 0, 0))
    for result in landmarker([one_point, no_box]):
        assert isinstance(result, Failed)
        assert result.code == "landmark" and result.reason


@pytest.mark.parametrize("broken", [np.full((468, 3), np.nan), np.full((468, 3), 50.0)])
def test_a_broken_answer_of_the_network_fails(build: Build, broken: np.ndarray) -> None:
    landmarker, _, _ = build(broken, 4.0)
    assert isinstance(landmarker([view_of(UPRIGHT)])[0], Failed)


def test_a_second_pass_that_breaks_fails(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    landmarker, network, _ = build(some_points(), 4.0)
    plain = network.run
    broken = {"first": np.full((1, 1, 1, 1404), np.inf, np.float32), "second": np.zeros((1, 1, 1, 1), np.float32)}
    monkeypatch.setattr(network, "run", lambda batch: broken if network.shown else plain(batch))
    assert isinstance(landmarker([view_of(UPRIGHT)])[0], Failed)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_presence_never_overflows(build: Build, logit: float) -> None:
    (found,) = build(some_points(), logit)[0]([view_of(UPRIGHT)])
    assert isinstance(found, FaceMesh) and found.presence == pytest.approx(float(logit > 0))


def test_low_presence_still_gives_the_mesh(build: Build) -> None:
    landmarker, _, _ = build(some_points(), -9.0)
    (found,) = landmarker([view_of(UPRIGHT)])
    assert isinstance(found, FaceMesh) and found.presence < 0.001


def test_no_views_give_no_results(build: Build) -> None:
    assert build(some_points(), 0.0)[0]([]) == []


@pytest.mark.parametrize("degrees", [-60, 0, 35, 120])
@pytest.mark.parametrize("points", [UPRIGHT, PROFILE], ids=["frontal", "profile"])
def test_the_first_crop_is_centred_and_stands_upright(points: np.ndarray, degrees: float) -> None:
    view = view_of(turned(points, degrees))
    crop = first_crop(view)
    assert apply(crop, [[100, 105]])[0] == pytest.approx([96, 96], abs=1e-3)
    assert scale_of(crop) == pytest.approx(192 / (1.45 * 110))
    seen = apply(crop, view.detection.landmarks)
    down = seen[3:].mean(axis=0) - seen[:2].mean(axis=0)
    assert abs(np.degrees(np.arctan2(down[0], down[1]))) < 10


def test_the_second_crop_holds_every_point_with_a_margin_and_level_eyes() -> None:
    points = some_points()
    points[:, :2] = turned(points[:, :2], 30)
    seen = apply(second_crop(points.astype(np.float32)), points[:, :2])
    low, high = seen.min(axis=0), seen.max(axis=0)
    assert (low + high) / 2 == pytest.approx([96, 96], abs=0.01)
    assert (high - low).max() == pytest.approx(192 / 1.5, abs=0.01)
    assert seen[33, 1] == pytest.approx(seen[263, 1], abs=0.01)


def test_mouth_openness_is_the_gap_over_the_width() -> None:
    points = np.zeros((468, 3))
    points[[78, 308]] = [[0, 0, 0], [40, 0, 0]]
    points[[82, 13, 312], 1] = -5
    points[[87, 14, 317], 1] = 5
    assert mouth_openness(points) == pytest.approx(0.25)
    assert mouth_openness(points * 7) == pytest.approx(0.25)
    assert mouth_openness(np.zeros((468, 3))) == 0


@pytest.fixture(scope="module")
def real() -> tuple[MeshLandmarker, FaceDetector, np.ndarray]:
    """The networks themselves and the sample photo, RGB."""
    settings = load_settings(offline=True)
    try:
        photo = open_photo(ensure("astronaut", settings))
        return MeshLandmarker(settings), FaceDetector(settings), photo.pixels(1.0).pixels
    except WeightsOffline as error:
        pytest.skip(f"the weights are not in the cache: {error}")


Real = tuple[MeshLandmarker, FaceDetector, np.ndarray]


def landmark(real: Real, pixels: np.ndarray) -> FaceMesh:
    landmarker, detector, _ = real
    photo = open_photo(np.ascontiguousarray(pixels))
    (found,) = landmarker([FaceView(photo, detector(photo)[0])])
    assert isinstance(found, FaceMesh)
    return found


def test_the_sample_faces_the_camera_with_open_eyes(real: Real) -> None:
    found = landmark(real, real[2])
    assert found.presence > 0.99
    assert max(abs(found.pose.yaw_degrees), abs(found.pose.pitch_degrees), abs(found.pose.roll_degrees)) < 8
    assert min(found.eyes.right_openness, found.eyes.left_openness) > 0.25
    assert max(abs(found.eyes.gaze_yaw_degrees), abs(found.eyes.gaze_pitch_degrees)) < 15
    right, left = found.irises[0, 0], found.irises[1, 0]
    for iris, corners in ((right, (33, 133)), (left, (362, 263))):
        assert found.points[corners[0], 0] < iris[0] < found.points[corners[1], 0]
    assert np.linalg.norm(found.irises[:, 1:] - found.irises[:, :1], axis=2).max() < 0.2 * (left - right)[0]


def test_a_mirror_swaps_the_eyes_and_the_signs(real: Real) -> None:
    tilted = turned_photo(real[2], 15)
    plain, mirrored = landmark(real, tilted), landmark(real, tilted[:, ::-1])
    assert mirrored.pose.roll_degrees == pytest.approx(-plain.pose.roll_degrees, abs=3)
    assert mirrored.pose.yaw_degrees == pytest.approx(-plain.pose.yaw_degrees, abs=6)
    assert mirrored.irises[::-1, 0, 0] == pytest.approx(tilted.shape[1] - plain.irises[:, 0, 0], abs=2)


def turned_photo(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """`pixels` turned clockwise about the sample's face."""
    matrix = cv2.getRotationMatrix2D((224, 120), -degrees, 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, pixels.shape[1::-1]), np.uint8)


@pytest.mark.parametrize("degrees", [-30, 25])
def test_turning_the_photo_turns_roll_as_much(real: Real, degrees: float) -> None:
    plain, tilted = landmark(real, real[2]), landmark(real, turned_photo(real[2], degrees))
    assert tilted.pose.roll_degrees - plain.pose.roll_degrees == pytest.approx(degrees, abs=3)
    assert tilted.eyes.right_openness == pytest.approx(plain.eyes.right_openness, abs=0.08)


def test_every_thread_gives_the_same_answer(real: Real) -> None:
    with ThreadPoolExecutor(4) as pool:
        meshes = list(pool.map(lambda _: landmark(real, real[2]), range(8)))
    assert all(np.array_equal(one.points, meshes[0].points) and one.eyes == meshes[0].eyes for one in meshes)
