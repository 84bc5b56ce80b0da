"""YuNet: an anchor-free face detector with five landmarks (Wu et al., Machine Intelligence Research, 2023)."""

from __future__ import annotations

from collections.abc import Sequence

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

    def __init__(self, settings: Settings, shape: tuple[int, int, int] = (1, -1, -1)) -> None:
        """shape: pictures a pass, height, width, where these never change: a change costs about as much as a pass."""
        count, height, width = shape
        whole = (count, 3, height, width)
        self._session = open_session(ensure("yunet", settings), settings.engine, settings.threads, whole)

    def candidates(self, pixels: Pixels, score: float) -> Rows:
        """All candidates of at least `score` in `pixels` (H, W, 3) uint8 RGB, before suppression.

        Coordinates are continuous pixels of `pixels`. At most 5,000 are kept, the best ones.
        """
        return self.candidates_of([pixels], score)[0]

    def candidates_of(self, pictures: Sequence[Pixels], score: float) -> list[Rows]:
        """As `candidates`, for pictures of one size in one pass."""
        height, width = pictures[0].shape[:2]
        padded = np.zeros((len(pictures), 3, _ceil(height), _ceil(width)), np.float32)
        for place, pixels in zip(padded, pictures, strict=True):
            place[:, :height, :width] = pixels[:, :, ::-1].transpose(2, 0, 1)
        # The graph itself folds a batch into one long picture.
        outputs = {
            name: out.reshape(len(pictures), -1, out.shape[-1]) for name, out in self._session.run(padded).items()
        }
        return [_candidates(outputs, index, padded.shape[3], score) for index in range(len(pictures))]


def _ceil(size: int) -> int:
    return -(-size // MULTIPLE) * MULTIPLE


def _candidates(outputs: dict[str, Floats], index: int, width: int, score: float) -> Rows:
    """Of the picture at `index` in the batch, whose padded width is `width`."""
    one = {name: values[index] for name, values in outputs.items()}
    rows = np.concatenate([_decode(one, stride, width // stride, score) for stride in STRIDES])
    if len(rows) > CANDIDATE_LIMIT:
        rows = rows[np.argpartition(-rows[:, 14], CANDIDATE_LIMIT)[:CANDIDATE_LIMIT]]
    return rows


def _decode(outputs: dict[str, Floats], stride: int, columns: int, score: float) -> Rows:
    """Boxes, points and scores of one stride, only where the score suffices.

    Score: the geometric mean of class and objectness; box: offsets in strides from the cell's corner, log sizes.
    """
    squared = outputs[f"cls_{stride}"][:, 0].clip(0, 1) * outputs[f"obj_{stride}"][:, 0].clip(0, 1)
    hits = np.flatnonzero(squared >= score * score)
    corner = np.stack([hits % columns, hits // columns], axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"][hits]
    size = np.exp(box[:, 2:]) * stride
    centre = (corner + box[:, :2]) * stride
    points = (outputs[f"kps_{stride}"][hits].reshape(-1, 5, 2) + corner[:, None]) * stride
    rows = [centre - size / 2, size, points.reshape(-1, 10), np.sqrt(squared[hits])[:, None]]
    return np.concatenate(rows, axis=1)
