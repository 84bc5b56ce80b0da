"""What every detector promises, whatever its network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mien.detect.choice import DETECTORS, Detector
from mien.detect.policy import DetectPolicy
from mien.face import Box, Detection
from mien.image import encode_image, open_photo
from mien.settings import Settings

THREADS = 4


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def detect(request: pytest.FixtureRequest, weights: Settings) -> Detector:
    settings = weights.model_copy(update={"threads": THREADS})
    return DETECTORS[request.param](settings, DetectPolicy())


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """(256, 256, 3): head and shoulders, a face that every detector must see."""
    return np.ascontiguousarray(astronaut[:256, 96:352])


def only(detections: list[Detection]) -> Detection:
    assert len(detections) == 1
    return detections[0]


def corners(box: Box) -> np.ndarray:
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height])


def agree(one: Detection, other: Detection, tolerance: float) -> None:
    """Boxes and points differ by at most `tolerance` times the face's width."""
    width = one.box.width
    assert corners(one.box) == pytest.approx(corners(other.box), abs=tolerance * width)
    assert one.landmarks == pytest.approx(other.landmarks, abs=tolerance * width)


def test_one_face_is_found_where_it_is(detect: Detector, portrait: np.ndarray) -> None:
    found = only(detect(open_photo(portrait)))
    assert corners(found.box) == pytest.approx([80, 63, 190, 205], abs=35)
    assert 0.6 <= found.score <= 1


@pytest.mark.parametrize("scale", [0.5, 3])
def test_coordinates_are_px_of_the_full_photo(detect: Detector, portrait: np.ndarray, scale: float) -> None:
    found = only(detect(open_photo(portrait)))
    resized = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    other = only(detect(open_photo(resized)))
    box = Box(*(scale * side for side in (found.box.x, found.box.y, found.box.width, found.box.height)))
    grown = Detection(box, found.score, found.landmarks * scale)
    agree(grown, other, 0.08)


@pytest.mark.parametrize(("left", "top"), [(0, 90), (70, 0), (70, 90)])
def test_a_shifted_face_is_found_shifted(detect: Detector, portrait: np.ndarray, left: int, top: int) -> None:
    canvas = np.zeros((256 + top, 256 + left, 3), np.uint8)
    canvas[top:, left:] = portrait
    found, shifted = only(detect(open_photo(portrait))), only(detect(open_photo(canvas)))
    back = Box(shifted.box.x - left, shifted.box.y - top, shifted.box.width, shifted.box.height)
    agree(found, Detection(back, shifted.score, shifted.landmarks - [left, top]), 0.12)


def test_larger_faces_come_first(detect: Detector, portrait: np.ndarray) -> None:
    canvas = np.zeros((256, 448, 3), np.uint8)
    canvas[32:224, :192] = cv2.resize(portrait, (192, 192), interpolation=cv2.INTER_AREA)
    canvas[:, 192:] = portrait
    large, small = detect(open_photo(canvas))
    assert large.box.width * large.box.height > small.box.width * small.box.height
    assert large.box.x > 192 > small.box.x


def test_landmarks_are_five_read_only_points_in_the_face(detect: Detector, portrait: np.ndarray) -> None:
    for picture in (portrait, portrait[:, ::-1].copy()):
        found = only(detect(open_photo(picture)))
        points, box = found.landmarks, found.box
        assert points.shape == (5, 2) and points.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            points[0] = 0
        inside = (points - [box.x, box.y]) / [box.width, box.height]
        assert (inside > -0.1).all() and (inside < 1.1).all()
        right_eye, left_eye, nose, right_mouth, left_mouth = points
        assert right_eye[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.parametrize("shape", [(64, 64), (1, 1), (3, 700), (700, 3), (480, 640)])
def test_nothing_in_a_blank_picture(detect: Detector, shape: tuple[int, int]) -> None:
    for value in (0, 128, 255):
        assert detect(open_photo(np.full((*shape, 3), value, np.uint8))) == []


def test_nothing_in_cat_and_coffee(detect: Detector, cat: np.ndarray, coffee: np.ndarray) -> None:
    assert detect(open_photo(cat)) == []
    assert detect(open_photo(coffee)) == []


def test_a_jpeg_and_its_pixels_agree(detect: Detector, portrait: np.ndarray) -> None:
    """The JPEG is decoded at reduced scale, the array is not."""
    large = np.asarray(cv2.resize(portrait, (2048, 2048), interpolation=cv2.INTER_CUBIC))
    jpeg = open_photo(encode_image(large, ".jpg", 95))
    agree(only(detect(open_photo(large))), only(detect(jpeg)), 0.05)


def test_every_thread_has_the_same_answer(detect: Detector, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    pictures = [portrait, portrait[:, ::-1].copy(), astronaut] * THREADS
    alone = [detect(open_photo(picture)) for picture in pictures]
    with ThreadPoolExecutor(2 * THREADS) as pool:
        together = list(pool.map(lambda picture: detect(open_photo(picture)), pictures))
    assert [[(one.box, one.score, one.landmarks.tolist()) for one in found] for found in alone] == [
        [(one.box, one.score, one.landmarks.tolist()) for one in found] for found in together
    ]
