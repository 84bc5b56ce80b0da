"""Face sets and logits whose figures can be told by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.dataset.faces import FaceSet
from mien.expression.classes import FER2013, FERPLUS
from mien.weights.card import ExpressionHead, ExpressionSpec

POINTS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.75), (0.65, 0.75))


def spec_of(*heads: ExpressionHead) -> ExpressionSpec:
    return ExpressionSpec(48, 127.5, 1 / 127.5, POINTS, heads)


PLUS = ExpressionHead("plus", "ferplus", FERPLUS, 2.0)
SEVEN = ExpressionHead("seven", "fer2013", FER2013, 0.5)
SPEC = spec_of(PLUS, SEVEN)


def face_set(labels: list[int], votes: list[list[float]] | None = None, **over: Any) -> FaceSet:
    n = len(labels)
    faces = np.random.default_rng(1).integers(0, 256, (n, 48, 48), np.uint8)
    values: dict[str, Any] = {
        "name": "made up",
        "split": "valid",
        "classes": FER2013,
        "faces": faces,
        "labels": np.array(labels, np.int64),
        "votes": None if votes is None else np.array(votes, np.float32),
        "twins": np.zeros(n, np.bool_),
        "names": tuple(f"{place}.png" for place in range(n)),
        "sha256": "0" * 64,
    }
    return FaceSet(**values | over)


def logits_for(said: list[int], n_classes: int, margin: float = 2.0) -> np.ndarray:
    """(N, C) float32: `margin` at the class said, 0 elsewhere."""
    return (margin * np.eye(n_classes)[said]).astype(np.float32)


def ten_votes(**named: float) -> list[float]:
    """A row of votes, by name: `happiness=8, unknown=2`."""
    order = [*FERPLUS, "unknown", "NF"]
    return [named.get(name, 0) for name in order]
