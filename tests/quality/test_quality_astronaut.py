"""The score falls as a real photo is spoilt more and more."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from mien.align.view import FaceView
from mien.detect.search import FaceDetector
from mien.face import Failed, Quality
from mien.image import open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.quality.measures import QualityMeter


def box(pixels, strength):
    covered = pixels.copy()
    side = int(20 + 50 * strength)
    covered[140 - side // 2 : 140 + side // 2, 224 - side // 2 : 224 + side // 2] = (30, 60, 200)
    return covered


def jpeg(pixels, strength):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(30 - 26 * strength)])[1], 1)


def small(pixels, strength):
    return cv2.resize(pixels, None, fx=0.8 - 0.6 * strength, fy=0.8 - 0.6 * strength, interpolation=cv2.INTER_AREA)


FAULTS = {
    "blur": lambda pixels, strength: cv2.GaussianBlur(pixels, (0, 0), 1 + 3 * strength),
    "dark": lambda pixels, strength: (pixels * (0.4 - 0.35 * strength)).astype(np.uint8),
    "bright": lambda pixels, strength: (pixels * (1.6 + 2 * strength)).clip(0, 255).astype(np.uint8),
    "small": small,
    "box": box,
    "jpeg": jpeg,
}


@pytest.fixture(scope="module")
def scored(settings):
    detect, landmark, measure = FaceDetector(settings), MeshLandmarker(settings), QualityMeter()

    def score(pixels):
        photo = open_photo(np.ascontiguousarray(pixels))
        found = detect(photo)
        if not found:
            return 0.0
        one = FaceView(photo, found[0])
        result = measure(one, landmark([one])[0])
        assert isinstance(result, Quality) and not isinstance(result, Failed)
        return result.score

    return score


@pytest.mark.parametrize("fault", FAULTS)
def test_the_score_falls_with_each_fault(scored, astronaut, fault):
    scores = [scored(astronaut), *(scored(FAULTS[fault](astronaut, strength)) for strength in (0.0, 0.5, 1.0))]
    assert all(later < earlier + 0.5 for earlier, later in pairwise(scores)), scores
    assert scores[-1] < scores[0] - 5, scores
