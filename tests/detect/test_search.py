"""Which faces are found at which size, place and shape of photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.detect.policy import DetectPolicy
from mien.detect.search import FaceDetector
from mien.detect.tiles import TILE_PX, regions
from mien.face import Detection
from mien.image import open_photo
from mien.settings import Settings

# Where the face lies in the astronaut photo, px: left, top, width (of YuNet's box).
FACE = (176, 63, 100)


@pytest.fixture(scope="module")
def detect(weights: Settings) -> FaceDetector:
    return FaceDetector(weights)


@pytest.fixture(scope="module")
def head(astronaut: np.ndarray) -> np.ndarray:
    """(200, 200, 3): a face 100 px wide and what is around it."""
    return np.ascontiguousarray(astronaut[30:230, 126:326])


def pasted(size: tuple[int, int], head: np.ndarray, faces: list[tuple[int, int, int]]) -> np.ndarray:
    """A grey canvas of `size` (width, height) with faces: x, y of the centre and width, px."""
    canvas = np.full((size[1], size[0], 3), 110, np.uint8)
    for x, y, width in faces:
        small = cv2.resize(head, (2 * width, 2 * width), interpolation=cv2.INTER_AREA)
        canvas[y - width : y + width, x - width : x + width] = small
    return canvas


def centres(detections: list[Detection]) -> list[tuple[float, float]]:
    return [(one.box.x + one.box.width / 2, one.box.y + one.box.height / 2) for one in detections]


def hits(detections: list[Detection], faces: list[tuple[int, int, int]]) -> list[int]:
    """For each face, the number of detections centred on it."""
    return [sum(abs(x - a) < w / 2 and abs(y - b) < w / 2 for a, b in centres(detections)) for x, y, w in faces]


CROWD = [(x, y, 16) for y in range(300, 2100, 450) for x in range(200, 3800, 600)]


@pytest.mark.parametrize("min_face_px", [None, 16])
def test_every_face_of_a_crowd_of_16_px_faces_in_4k_is_found_once(
    weights: Settings, head: np.ndarray, min_face_px: float | None
) -> None:
    detect = FaceDetector(weights, DetectPolicy(min_face_px=min_face_px))
    found = detect(open_photo(pasted((3840, 2160), head, CROWD)))
    assert hits(found, CROWD) == [1] * len(CROWD)
    assert len(found) == len(CROWD)


def test_small_faces_beside_a_large_one_are_found_where_their_size_is_asked_for(
    weights: Settings, head: np.ndarray
) -> None:
    faces = [(500, 500, 300), (1200, 300, 20), (1500, 700, 24), (1300, 900, 40)]
    picture = open_photo(pasted((1600, 1000), head, faces))
    assert hits(FaceDetector(weights, DetectPolicy(min_face_px=20))(picture), faces) == [1, 1, 1, 1]
    assert hits(FaceDetector(weights, DetectPolicy(min_face_px=200))(picture), faces)[0] == 1


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("width", [60, 400, 3000])
def test_close_ups_are_found(detect: FaceDetector, astronaut: np.ndarray, margin: float, width: int) -> None:
    left, top, size = FACE
    edge = round(margin * size)
    crop = astronaut[top - edge : top + round(1.3 * size) + edge, left - edge : left + size + edge]
    height = round(width * crop.shape[0] / crop.shape[1])
    found = detect(open_photo(np.asarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR))))
    assert len(found) == 1
    assert found[0].box.width > 0.5 * width


def test_a_face_that_overfills_the_frame_is_found(detect: FaceDetector, astronaut: np.ndarray) -> None:
    left, top, size = FACE
    crop = astronaut[top + 10 : top + round(1.25 * size), left + 8 : left + size - 8]
    found = detect(open_photo(np.asarray(cv2.resize(crop, (900, 1050), interpolation=cv2.INTER_LINEAR))))
    assert len(found) == 1


def test_a_picture_of_16_px_is_searched(detect: FaceDetector, head: np.ndarray) -> None:
    small = np.asarray(cv2.resize(head[20:190, 20:180], (16, 17), interpolation=cv2.INTER_AREA))
    assert len(detect(open_photo(small))) == 1


@pytest.mark.parametrize("size", [(200, 2400), (2400, 200), (6000, 210), (210, 6000)])
def test_long_pictures_lose_no_face(detect: FaceDetector, head: np.ndarray, size: tuple[int, int]) -> None:
    faces = [(size[0] // 2, size[1] // 2, 90)]
    assert hits(detect(open_photo(pasted(size, head, faces))), faces) == [1]


@pytest.mark.parametrize("offset", [-60, -40, -20, 0, 20, 40, 60])
def test_a_face_across_a_tile_s_border_is_found_once(weights: Settings, head: np.ndarray, offset: int) -> None:
    first, second = list(regions(2560, 1200, 1.0))[:2]
    border = (first[2] + second[0]) // 2 + offset
    faces = [(border, 200, 60), (border, 700, 30), (border, 1000, 22)]
    detect = FaceDetector(weights, DetectPolicy(min_face_px=20))
    found = detect(open_photo(pasted((2560, 1200), head, faces)))
    assert hits(found, faces) == [1, 1, 1]
    assert len(found) == 3


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1280, 1281), (1300, 900), (5000, 3333), (40, 9000)])
@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_tiles_cover_the_picture_and_stay_small(width: int, height: int, scale: float) -> None:
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in regions(width, height, scale):
        assert max(right - left, bottom - top) * scale <= TILE_PX + 2 * scale + 1
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_more_faces_than_a_hundred_are_kept(weights: Settings, head: np.ndarray) -> None:
    faces = [(x, y, 24) for y in range(60, 1200, 100) for x in range(60, 1600, 100)]
    found = FaceDetector(weights, DetectPolicy(min_face_px=20))(open_photo(pasted((1640, 1200), head, faces)))
    assert sum(hits(found, faces)) >= 0.99 * len(faces)
