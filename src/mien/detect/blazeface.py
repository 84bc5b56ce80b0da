"""BlazeFace, short range: fast, for webcams, where faces fill a good part of the frame (Bazarevsky et al., 2019)."""

from __future__ import annotations

import cv2
import numpy as np

from mien.detect.policy import DetectPolicy
from mien.detect.rows import Rows, detection, suppress
from mien.engine.session import open_session
from mien.face import Detection, Floats, Pixels
from mien.image import Photo
from mien.settings import Settings
from mien.weights.fetch import ensure

SIDE = 128
# Half the distance between the mouth's corners over the distance between the eyes, in the ArcFace template.
MOUTH_HALF_WIDTH = 0.415


def _anchors() -> Floats:
    """(896, 2) centres in 0..1: two an 8-px cell, six a 16-px cell, row by row (MediaPipe's SSD anchor options)."""
    parts = []
    for cells, count in ((16, 2), (8, 6)):
        y, x = np.divmod(np.arange(cells * cells), cells)
        parts.append(np.repeat((np.stack([x, y], axis=1) + 0.5) / cells, count, axis=0))
    return np.concatenate(parts).astype(np.float32)


class BlazeFaceDetector:
    """The whole photo at 128 px: finds faces of about a sixth of the frame and more, in a tenth of YuNet's time.

    It knows the mouth's centre only; the corners are set on a line parallel to the eyes, as far apart as in the ArcFace
    template.
    """

    def __init__(self, settings: Settings, policy: DetectPolicy | None = None) -> None:
        self.policy = policy or DetectPolicy()
        # TFLite is read by OpenVINO only.
        self._session = open_session(ensure("blazeface", settings), "openvino", settings.threads)
        self._anchors = _anchors()

    def __call__(self, photo: Photo) -> list[Detection]:
        """Faces in `photo`, the largest first; coordinates in px of the full upright photo."""
        scale = SIDE / max(photo.width, photo.height)
        rows = self.candidates(_letterbox(photo.pixels(min(1.0, scale)).pixels))
        rows = suppress(rows[rows[:, 14] >= self.policy.min_score], self.policy.overlap)
        rows[:, :14] /= scale
        return sorted((detection(row) for row in rows), key=lambda one: -one.box.width * one.box.height)

    def candidates(self, pixels: Pixels) -> Rows:
        """All 896 candidates in `pixels` (128, 128, 3) uint8 RGB, in px of it."""
        outputs = self._session.run(pixels[None].astype(np.float32) / 127.5 - 1)
        values = outputs["regressors"][0] / SIDE
        score = 1 / (1 + np.exp(-outputs["classificators"][0, :, 0].clip(-80, 80)))
        centre, size = values[:, :2] + self._anchors, values[:, 2:4]
        points = values[:, 4:12].reshape(-1, 4, 2) + self._anchors[:, None]
        eyes, nose, mouth = points[:, :2], points[:, 2:3], points[:, 3:4]
        along = (eyes[:, 1:] - eyes[:, :1]) * MOUTH_HALF_WIDTH
        five = np.concatenate([eyes, nose, mouth - along, mouth + along], axis=1)
        return np.concatenate(
            [np.concatenate([centre - size / 2, size, five.reshape(-1, 10)], axis=1) * SIDE, score[:, None]], axis=1
        )


def _letterbox(pixels: Pixels) -> Pixels:
    """Into the top-left corner of a black square of 128 px."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return square
