"""YuNet: an anchor-free face detector with five landmarks (Wu et al., Machine Intelligence Research, 2023)."""

from __future__ import annotations

import numpy as np

from mien.detect.rows import Rows
from mien.engine.session import open_session
from mien.face import Floats, Pixels
from mien.settings import Settings
from mien.weights.fetch import ensure

STRIDES = (8, 16, 32)
MULTIPLE = 32
CANDIDATE_LIMIT = 5000


class YuNet:
    """The network alone: one image at the scale it is given. `detect.search` decides on scales."""

    def __init__(self, settings: Settings) -> None:
        self._session = open_session(ensure("yunet", settings), settings.engine, settings.threads, (1, 3, -1, -1))

    def candidates(self, pixels: Pixels, score: float) -> Rows:
        """All candidates of at least `score` in `pixels` (H, W, 3) uint8 RGB, before suppression.

        Coordinates are continuous pixels of `pixels`. At most 5,000 are kept, the best ones.
        """
        height, width = pixels.shape[:2]
        padded = np.zeros((1, 3, _ceil(height), _ceil(width)), np.float32)
        padded[0, :, :height, :width] = pixels[:, :, ::-1].transpose(2, 0, 1)
        outputs = self._session.run(padded)
        rows = np.concatenate([_decode(outputs, stride, padded.shape[3] // stride, score) for stride in STRIDES])
        if len(rows) > CANDIDATE_LIMIT:
            rows = rows[np.argpartition(-rows[:, 14], CANDIDATE_LIMIT)[:CANDIDATE_LIMIT]]
        return rows


def _ceil(size: int) -> int:
    return -(-size // MULTIPLE) * MULTIPLE


def _decode(outputs: dict[str, Floats], stride: int, columns: int, score: float) -> Rows:
    """Boxes, points and scores of one stride, only where the score suffices.

    Score: the geometric mean of class and objectness; box: offsets in strides from the cell's corner, log sizes.
    """
    squared = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
    hits = np.flatnonzero(squared >= score * score)
    corner = np.stack([hits % columns, hits // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"][0, hits]
    size = np.exp(box[:, 2:]) * stride
    centre = (corner + box[:, :2]) * stride
    points = (outputs[f"kps_{stride}"][0, hits].reshape(-1, 5, 2) + corner[:, None]) * stride
    rows = [centre - size / 2, size, points.reshape(-1, 10), np.sqrt(squared[hits])[:, None]]
    return np.concatenate(rows, axis=1)
