"""An embedding network from any ONNX file with a card: SFace, or a FaceNet, ArcFace, AdaFace or AuraFace export."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mien.align.view import FaceView
from mien.engine.session import open_session
from mien.errors import EngineError, WeightsCardInvalid
from mien.face import Embedding, Failed, Floats, Pixels
from mien.settings import Settings
from mien.weights.card import Card, EmbedSpec
from mien.weights.fetch import ensure


class NetworkEmbedder:
    """Embeds the aligned face and its mirror image, whose vectors are added before normalising, in 32-bit floats.

    `fast` leaves the mirror image out and computes in 8-bit integers where the card has the ranges for it. Fast and
    other embeddings are two models: each has its own calibration, and they never compare.
    """

    def __init__(self, card: Card, settings: Settings, fast: bool = False) -> None:
        if card.embed is None:
            raise WeightsCardInvalid(f"{card.name} is no embedder: its card has no [embed] table.")
        self.card = card
        self.model = f"{card.id}-fast" if fast else card.id
        self._spec: EmbedSpec = card.embed
        self._mirror = not fast
        size = self._spec.size
        shape = (1, 3, size, size) if self._spec.layout == "nchw" else (1, size, size, 3)
        path, ranges = ensure(card, settings), self._spec.int8_ranges if fast else ()
        self._session = open_session(path, settings.engine, settings.threads, shape, ranges)

    def __call__(self, views: Sequence[FaceView]) -> list[Embedding | Failed]:
        """One embedding a view; `Failed` where the five points cannot be aligned."""
        return [self._embed(view) for view in views]

    def _embed(self, view: FaceView) -> Embedding | Failed:
        if not view.alignment[:, :2].any():
            return Failed("align", "The five landmarks coincide: the face cannot be aligned.")
        vector = self._vector(view.aligned)
        if self._mirror:
            vector = vector + self._vector(view.aligned[:, ::-1])
        norm = float(np.linalg.norm(vector))
        if not np.isfinite(norm) or norm == 0:
            return Failed("embed", f"{self.card.name} gave a vector without direction.")
        vector = np.asarray(vector / norm, np.float32)
        vector.setflags(write=False)
        return Embedding(vector, self.model)

    def _vector(self, crop: Pixels) -> Floats:
        spec = self._spec
        if crop.shape[0] != spec.size:
            crop = np.asarray(cv2.resize(crop, (spec.size, spec.size), interpolation=cv2.INTER_LINEAR), np.uint8)
        values = crop if spec.color == "rgb" else crop[:, :, ::-1]
        batch = (values.astype(np.float32) - spec.mean) * spec.scale
        batch = batch.transpose(2, 0, 1)[None] if spec.layout == "nchw" else batch[None]
        output = next(iter(self._session.run(batch).values())).reshape(-1)
        if output.size != spec.dimensions:
            raise EngineError(
                f"{self.card.name} gave {output.size} values, its card says {spec.dimensions}.",
                "Correct `dimensions` in the card.",
            )
        return output
