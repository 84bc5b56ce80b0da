"""The face of each frame of a sequence, cut as the stage `expression` cuts it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.align.view import FaceView
from mien.dataset.sequences.sequence import FaceSequence
from mien.detect.choice import DETECTORS, Detector
from mien.detect.policy import DetectPolicy
from mien.expression.frame import FrameExpression
from mien.face import Detection, Floats, Pixels
from mien.image import open_photo
from mien.settings import Settings

# A grey square of up to this side is a face that somebody cut out already; in anything else one is searched for.
LARGEST_CROP: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """times: (T,) float32 seconds. faces: (T, S, S) uint8 grey, black where no face was found. seen: (T,) bool."""

    times: Floats
    faces: Pixels
    seen: NDArray[np.bool_]


class FaceCutter:
    """Finds and cuts faces for a frame model. The detector is loaded when the first face is searched for."""

    def __init__(self, frame: FrameExpression, settings: Settings) -> None:
        self._frame = frame
        self._size = frame.spec.size
        self._settings = settings

    @cached_property
    def _detect(self) -> Detector:
        return DETECTORS["yunet"](self._settings, DetectPolicy(thorough=False))

    def __call__(self, sequence: FaceSequence) -> Crops:
        """The largest face of the first frame that has any, followed from frame to frame by the nearest centre.

        A grey square of at most 128 px is taken whole, scaled to the model's size. Raises what `FaceSequence.frames`
        raises.
        """
        times, faces, seen = [], [], []
        last: Detection | None = None
        for time, pixels in sequence.frames():
            times.append(time)
            face = self._whole(pixels)
            if face is None:
                face, last = self._found(pixels, last)
            seen.append(face is not None)
            faces.append(np.zeros((self._size, self._size), np.uint8) if face is None else face)
        return Crops(np.array(times, np.float32), np.stack(faces), np.array(seen, np.bool_))

    def _whole(self, pixels: Pixels) -> Pixels | None:
        side = pixels.shape[0]
        if pixels.ndim != 2 or pixels.shape[1] != side or side > LARGEST_CROP:
            return None
        if side == self._size:
            return pixels
        way = cv2.INTER_AREA if side > self._size else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(pixels, (self._size, self._size), interpolation=way), np.uint8)

    def _found(self, pixels: Pixels, last: Detection | None) -> tuple[Pixels | None, Detection | None]:
        photo = open_photo(pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2))
        detections = self._detect(photo)
        if not detections:
            return None, last
        found = detections[0] if last is None else min(detections, key=lambda one: _distance(one, last))
        if not np.ptp(found.landmarks, axis=0).any():
            return None, last
        return self._frame.crop(FaceView(photo, found)), found


def _distance(one: Detection, other: Detection) -> float:
    """Between the centres, in px."""
    (ax, ay), (bx, by) = ((box.x + box.width / 2, box.y + box.height / 2) for box in (one.box, other.box))
    return float(np.hypot(ax - bx, ay - by))
