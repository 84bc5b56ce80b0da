"""FairFace's photos through the whole road, and the questions that each face is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.align.view import FaceView
from mien.analyze import Analyzer
from mien.dataset.fairface import Annotated
from mien.errors import EngineError, ImageError, SettingsError
from mien.evaluate.fairness import Named, Twice
from mien.evaluate.robustness import degrade
from mien.evaluate.subject import subject
from mien.evaluate.templates import Missing
from mien.expression.frame import FrameExpression
from mien.expression.model_file import open_expression
from mien.expression.temperature import softmax
from mien.face import Analysis, Floats, Pixels
from mien.image import ImageLimits, open_photo
from mien.settings import Settings
from mien.weights.card import ExpressionHead
from mien.weights.progress import Progress

SMALL_PX: Final = 24
SEED: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The model to judge, and another where there is one; both name faces in `vocabulary`."""

    model: FrameExpression
    reference: FrameExpression | None
    vocabulary: str

    @property
    def head(self) -> ExpressionHead:
        """Of the model to judge, for the vocabulary."""
        return next(head for head in self.model.spec.heads if head.vocabulary == self.vocabulary)


def open_models(model: str, reference: str | None, settings: Settings, progress: Progress | None = None) -> Models:
    """Load what is to be judged and, where it is named, the reference; each the name of a card or FILE.onnx.

    The vocabulary is the model's first that the reference knows too. Raises what `open_expression` raises, and
    SettingsError where they share none.
    """
    first = open_expression(model, settings, progress=progress)
    second = open_expression(reference, settings, progress=progress) if reference else None
    known = {head.vocabulary: set(head.classes) for head in (second or first).spec.heads}
    for head in first.spec.heads:
        if known.get(head.vocabulary) == set(head.classes):
            return Models(first, second, head.vocabulary)
    raise SettingsError(
        f"{model} names faces in {', '.join(head.vocabulary for head in first.spec.heads)}, {reference} in"
        f" {', '.join(known)}.",
        "Choose a reference that shares a vocabulary with the model.",
    )


def drawn(rows: Sequence[Annotated], limit: int | None) -> tuple[Annotated, ...]:
    """At most `limit` rows, drawn at random and always the same, in their order; None: all."""
    if limit is None or limit >= len(rows):
        return tuple(rows)
    places = np.sort(np.random.default_rng(SEED).permutation(len(rows))[:limit])
    return tuple(rows[place] for place in places)


def name_photos(
    rows: Sequence[Annotated], models: Models, analyzer: Analyzer, step: Callable[[], None] | None = None
) -> tuple[Named, tuple[Missing, ...]]:
    """What the models say of the subject of each photo, and the photos that could not be read, which have no say.

    analyzer: finds the faces; needs no stages. step: told after each photo. Raises EngineError where a model's output
    is not finite.
    """
    kept: list[Annotated] = []
    found: list[bool] = []
    answers: list[_Answer] = []
    unreadable: list[Missing] = []
    results = analyzer.analyze_many(row.path for row in rows)
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, ImageError):
            unreadable.append(Missing(row.path, str(result)))
        else:
            view = _subject_view(row.path, result, analyzer.settings)
            kept.append(row)
            found.append(view is not None)
            answers += [_ask(models, view)] if view else []
        if step:
            step()
    return _named(models, tuple(kept), found, answers), tuple(unreadable)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Numbers of the model's classes, and the confidence of the first."""

    said: int
    confidence: float
    small: int
    mirrored: int
    reference: int


def _subject_view(path: Path, analysis: Analysis, settings: Settings) -> FaceView | None:
    """None where there is no face, or none that can be aligned since its five points coincide."""
    face = subject(analysis.faces, analysis.width, analysis.height)
    if face is None or not np.ptp(face.detection.landmarks, axis=0).any():
        return None
    return FaceView(open_photo(path, ImageLimits(settings.max_pixels, settings.max_bytes)), face.detection)


def _ask(models: Models, view: FaceView) -> _Answer:
    crop = models.model.crop(view)[None]
    small = degrade(crop, "resolution", SMALL_PX)
    said = _logits(models, models.model, np.concatenate([crop, small, crop[:, :, ::-1]]))
    reference = -1
    if models.reference:
        logits = _logits(models, models.reference, models.reference.crop(view)[None])
        reference = int(logits[0].argmax())
    confidence = float(softmax(said[:1], models.head.temperature).max())
    first, shrunk, mirrored = (int(row.argmax()) for row in said)
    return _Answer(first, confidence, shrunk, mirrored, reference)


def _logits(models: Models, network: FrameExpression, faces: Pixels) -> Floats:
    """(N, C) in the order of the classes of the model to judge."""
    logits = network.logits(np.ascontiguousarray(faces))[models.vocabulary]
    if not np.isfinite(logits).all():
        raise EngineError(f"The output of {network.model} is not finite.", "Train or export the model again.")
    own = next(head.classes for head in network.spec.heads if head.vocabulary == models.vocabulary)
    return logits[:, [own.index(name) for name in models.head.classes]]


def _named(models: Models, rows: tuple[Annotated, ...], found: list[bool], answers: list[_Answer]) -> Named:
    def numbers(field: str) -> np.ndarray:
        return np.array([getattr(one, field) for one in answers], np.int64)

    model, said = models.model.model, numbers("said")
    mirror, small = "the face, then its mirror image", f"the face, then shrunk to {SMALL_PX} px"
    twice = [
        Twice("mirror", mirror, (model, model), said, numbers("mirrored")),
        Twice(f"{SMALL_PX} px", small, (model, model), said, numbers("small")),
    ]
    if models.reference:
        both = (model, models.reference.model)
        twice.append(Twice("reference", "the face, by both models", both, said, numbers("reference")))
    confidence = np.array([one.confidence for one in answers], np.float64)
    return Named(rows, models.head.classes, np.array(found, np.bool_), said, confidence, tuple(twice))
