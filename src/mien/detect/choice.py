"""Names of detectors, for the edges where a name is all there is."""

from __future__ import annotations

from collections.abc import Callable

from mien.detect.blazeface import BlazeFaceDetector
from mien.detect.policy import DetectPolicy
from mien.detect.search import FaceDetector
from mien.face import Detection
from mien.image import Photo
from mien.settings import Settings

Detector = Callable[[Photo], list[Detection]]

DETECTORS: dict[str, Callable[[Settings, DetectPolicy], Detector]] = {
    "yunet": FaceDetector,
    "blazeface": BlazeFaceDetector,
}

# What each fetches; YuNet asks the embedder about doubtful faces.
DETECTOR_CARDS = {"yunet": ("yunet", "sface"), "blazeface": ("blazeface",)}
