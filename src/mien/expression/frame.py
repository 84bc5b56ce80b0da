"""The expression stage: what the face in one frame appears to show, by a network of the FER2013 and FER+ tradition."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import cv2
import numpy as np

from mien.align.similarity import Matrix, fit_similarity
from mien.align.view import FaceView
from mien.engine.session import open_session
from mien.errors import ImageArrayRefused, SettingsError, WeightsCardInvalid
from mien.expression.classes import UNSURE
from mien.expression.policy import ExpressionPolicy
from mien.expression.temperature import softmax
from mien.face import Expression, Failed, Floats, Pixels
from mien.settings import Settings
from mien.weights.card import Card, ExpressionHead, ExpressionSpec
from mien.weights.fetch import ensure
from mien.weights.trial import expression_widths


class FrameExpression:
    """Names the apparent expression of a face; never a claim about what the person feels.

    `fast` computes in 8-bit integers where the card has the ranges for it; `model` then ends in `-fast`. Safe to call
    from many threads; the same answer from each. Raises WeightsCardInvalid for a card of another task or one that the
    model contradicts, SettingsError for a vocabulary that the model has not, and what `ensure` raises.
    """

    def __init__(
        self, card: Card, settings: Settings, policy: ExpressionPolicy | None = None, fast: bool = False
    ) -> None:
        if card.expression is None:
            raise WeightsCardInvalid(f"{card.name} is no expression model: its card has no [expression] table.")
        self.card = card
        self.policy = policy or ExpressionPolicy()
        self.spec: ExpressionSpec = card.expression
        self._head = _head_of(card, self.spec, self.policy.classes)
        shape = (1, self.spec.size, self.spec.size, 1)
        path, ranges = ensure(card, settings), self.spec.int8_ranges if fast else ()
        self.model = f"{card.id}-fast" if ranges else card.id
        self._session = open_session(path, settings.engine, settings.threads, shape, ranges)
        black = np.zeros((self.spec.size, self.spec.size), np.uint8)
        self._widths = expression_widths(card, self._session.run(self._batch(black)))

    def __call__(self, views: Sequence[FaceView]) -> list[Expression | Failed]:
        """One result a view, in order.

        `Failed` with the code `align` where the five points coincide, `expression` where the network's outputs are not
        finite.
        """
        return [self._express(view) for view in views]

    def observe(self, view: FaceView) -> tuple[Expression, Floats] | Failed:
        """The expression, and (D,) float32 features of the same pass for a sequence model; `Failed` as in a call.

        Raises WeightsCardInvalid where the card names no features.
        """
        if self.spec.features is None:
            raise _without_features(self.card)
        matrix = self._alignment(view)
        if not matrix[:, :2].any() or not np.isfinite(matrix).all():
            return _unaligned()
        outputs = self._run(self._cut(view, matrix)[None], [self._head.output, self.spec.features])
        expression = self._named(outputs[self._head.output])
        return expression if isinstance(expression, Failed) else (expression, outputs[self.spec.features][0])

    def crop(self, view: FaceView) -> Pixels:
        """(S, S) uint8 grey (BT.601 luma): the face with its five points where the model knows them from training.

        Outside the photo as its edge is, as in training. The five points must not coincide.
        """
        return self._cut(view, self._alignment(view))

    def logits(self, faces: Pixels) -> dict[str, Floats]:
        """By vocabulary, (N, C) float32 of (N, S, S) uint8 grey crops.

        Raises ImageArrayRefused for faces of another shape or type.
        """
        outputs = self._run(faces, [head.output for head in self.spec.heads])
        return {head.vocabulary: outputs[head.output] for head in self.spec.heads}

    def probabilities(self, faces: Pixels) -> dict[str, Floats]:
        """By vocabulary, (N, C) float32, rows summing to 1: `logits` over the head's temperature, then softmax.

        NaN in a row whose logits are not finite.
        """
        logits = self.logits(faces)
        with np.errstate(invalid="ignore"):
            return {
                head.vocabulary: softmax(logits[head.vocabulary], head.temperature).astype(np.float32)
                for head in self.spec.heads
            }

    def features(self, faces: Pixels) -> Floats:
        """(N, D) float32, what the network's heads see of (N, S, S) uint8 grey crops, for sequence models.

        Raises WeightsCardInvalid where the card names no such output.
        """
        if self.spec.features is None:
            raise _without_features(self.card)
        return self._run(faces, [self.spec.features])[self.spec.features]

    def _express(self, view: FaceView) -> Expression | Failed:
        matrix = self._alignment(view)
        if not matrix[:, :2].any() or not np.isfinite(matrix).all():
            return _unaligned()
        return self._named(self._run(self._cut(view, matrix)[None], [self._head.output])[self._head.output])

    def _named(self, logits: Floats) -> Expression | Failed:
        """Of (1, C) logits of the head."""
        with np.errstate(invalid="ignore"):
            probabilities = softmax(logits, self._head.temperature).astype(np.float32)[0]
        if not np.isfinite(probabilities).all():
            return Failed("expression", f"{self.card.name} gave values that are not finite.")
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return Expression(
            label=self._head.classes[best] if confidence >= self.policy.min_confidence else UNSURE,
            confidence=confidence,
            probabilities=MappingProxyType(dict(zip(self._head.classes, probabilities.tolist(), strict=True))),
            classes=self._head.vocabulary,
            model=self.model,
        )

    def _alignment(self, view: FaceView) -> Matrix:
        """(2, 3): full image to crop."""
        return fit_similarity(view.detection.landmarks, np.array(self.spec.points) * self.spec.size)

    def _cut(self, view: FaceView, matrix: Matrix) -> Pixels:
        crop = view.warp(matrix, self.spec.size, self.spec.size, extended=True)
        return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)

    def _run(self, faces: Pixels, names: list[str]) -> dict[str, Floats]:
        """The named outputs of every face: each a pass of its own, so that no face's answer depends on the others."""
        side = self.spec.size
        if faces.ndim != 3 or faces.shape[1:] != (side, side) or faces.dtype != np.uint8:
            raise ImageArrayRefused(
                f"Faces of shape {faces.shape} and type {faces.dtype}.", f"Give (N, {side}, {side}) uint8 grey."
            )
        rows: dict[str, list[Floats]] = {name: [] for name in names}
        for face in faces:
            outputs = self._session.run(self._batch(face))
            for name in names:
                rows[name].append(outputs[name][0])
        return {name: np.array(row, np.float32).reshape(-1, self._widths[name]) for name, row in rows.items()}

    def _batch(self, face: Pixels) -> Floats:
        """(1, S, S, 1) float32."""
        return np.asarray((face[None, ..., None].astype(np.float32) - self.spec.mean) * self.spec.scale, np.float32)


def _unaligned() -> Failed:
    return Failed("align", "The five landmarks coincide: the face cannot be aligned.")


def _without_features(card: Card) -> WeightsCardInvalid:
    return WeightsCardInvalid(f"The card of {card.name} names no output for features.", "Choose a model that has one.")


def _head_of(card: Card, spec: ExpressionSpec, vocabulary: str) -> ExpressionHead:
    for head in spec.heads:
        if head.vocabulary == vocabulary:
            return head
    names = ", ".join(head.vocabulary for head in spec.heads)
    raise SettingsError(f"{card.name} does not know the classes {vocabulary!r}.", f"Choose of: {names}.")
