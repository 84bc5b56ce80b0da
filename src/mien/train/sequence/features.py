"""What the frame model sees in many crops: its features and its own word, in batches for the sake of speed."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.engine.session import open_session
from mien.errors import SettingsError
from mien.expression.frame import FrameExpression
from mien.expression.temperature import softmax
from mien.face import Floats, Pixels
from mien.settings import Settings
from mien.weights.fetch import ensure

BATCH: Final = 16
VOCABULARY: Final = "ferplus"


class FeatureReader:
    """Reads crops with a frame model, several a pass; agrees with `FrameExpression` to about 1e-5.

    `fast` as there. Raises SettingsError where the model has no features, or no head for `ferplus`, and what loading
    raises.
    """

    def __init__(self, frame: FrameExpression, settings: Settings, fast: bool = False) -> None:
        spec = frame.spec
        head = next((head for head in spec.heads if head.vocabulary == VOCABULARY), None)
        if spec.features is None or head is None:
            raise SettingsError(
                f"{frame.card.name} has no features, or does not know the classes of FER+.", "Choose another model."
            )
        ranges = spec.int8_ranges if fast else ()
        self.model = f"{frame.card.id}-fast" if ranges else frame.card.id
        self.size, self.temperature, self._features, self._head = spec.size, head.temperature, spec.features, head
        self._mean, self._scale = spec.mean, spec.scale
        shape = (BATCH, spec.size, spec.size, 1)
        self._session = open_session(ensure(frame.card, settings), settings.engine, shape=shape, int8_ranges=ranges)

    def __call__(self, faces: Pixels) -> tuple[Floats, Floats]:
        """Features (N, D) and FER+ logits (N, 8), float32, of (N, S, S) uint8 grey crops."""
        features, logits = [], []
        for start in range(0, len(faces), BATCH):
            part = faces[start : start + BATCH]
            batch = np.zeros((BATCH, self.size, self.size, 1), np.float32)
            batch[: len(part), ..., 0] = (part.astype(np.float32) - self._mean) * self._scale
            outputs = self._session.run(batch)
            features.append(outputs[self._features][: len(part)])
            logits.append(outputs[self._head.output][: len(part)])
        return np.concatenate(features), np.concatenate(logits)

    def probabilities(self, logits: Floats) -> Floats:
        """(N, 8) float32: calibrated, as the frame model says them."""
        return softmax(logits, self.temperature).astype(np.float32)
