"""One run of a sequence model from features to a folder: the model, its curve, its calibration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from mien.errors import RecipeError
from mien.expression.temperature import fit_temperature, softmax
from mien.face import Floats
from mien.train.backend import versions
from mien.train.fit import EpochRecord, Watch
from mien.train.prior import MODEL_FILE, load_trained
from mien.train.run import RESULT_FILE, Curve
from mien.train.sequence.fit import SequenceData, SequenceTrainer, accuracies, predict
from mien.train.sequence.model import MOMENT, WHOLE
from mien.train.sequence.recipe import SequenceRecipe, sequence_recipe_of
from mien.train.sequence.shards import FeatureSequence
from mien.weights.store import place

BINS: Final = 15
Answers = tuple[Floats, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class SequenceResult:
    """What a finished run leaves in `result.json`, beside the model.

    vocabulary, classes: of both heads. temperatures: by head, fitted on one half of the validation sequences. accuracy:
    by head, on all of them. ece: by head, the expected calibration error on the other half, 0..1. data: what was read.
    frame_model: id of the card whose features these are. dimensions: of a frame's features.
    """

    recipe: dict[str, Any]
    vocabulary: str
    classes: tuple[str, ...]
    temperatures: dict[str, float]
    accuracy: dict[str, float]
    ece: dict[str, float]
    data: dict[str, Any]
    frame_model: str
    dimensions: int
    versions: dict[str, str]
    history: tuple[EpochRecord, ...]

    @property
    def trained_by(self) -> SequenceRecipe:
        """The recipe."""
        return sequence_recipe_of(self.recipe)


@dataclass(frozen=True, slots=True)
class SequenceOrigin:
    """Where features come from. vocabulary: name of the classes, as cards carry it. frame_model: id of the card whose
    features they are. sets: plain words, by name of the set, for people."""

    vocabulary: str
    frame_model: str
    sets: dict[str, Any]
    start: keras.Model | None = None


def train_sequence(
    data: SequenceData, origin: SequenceOrigin, recipe: SequenceRecipe, folder: Path, watch: Watch
) -> SequenceResult:
    """Train, calibrate on the validation sequences, and write all to `folder`; go on where an earlier call stopped.

    Raises RecipeError where the folder holds another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained = SequenceTrainer(recipe, data, folder, origin.start).fit(Curve(folder, watch))
    moments, wholes = predict(trained.model, data.valid)
    temperatures, ece = calibrated(moments, wholes, data.valid)
    staged = folder / f"part-{MODEL_FILE}"
    trained.model.save(staged)
    place(staged, folder / MODEL_FILE)
    result = SequenceResult(
        recipe=recipe.to_dict(),
        vocabulary=origin.vocabulary,
        classes=data.classes,
        temperatures=temperatures,
        accuracy=accuracies(moments, wholes, data.valid),
        ece=ece,
        data={"sets": origin.sets, "sequences": len(data.train), "sha256": data.sha256},
        frame_model=origin.frame_model,
        dimensions=int(data.train[0].features.shape[1]),
        versions=versions(),
        history=trained.history,
    )
    staged = folder / f"part-{RESULT_FILE}"
    staged.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    place(staged, folder / RESULT_FILE)
    return result


def read_sequence_run(folder: Path) -> tuple[keras.Model, SequenceResult]:
    """A finished run's model and result. Raises RecipeError where the folder holds none."""
    try:
        table = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        table["classes"] = tuple(table["classes"])
        table["history"] = tuple(EpochRecord(**item) for item in table["history"])
        result = SequenceResult(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{folder} holds no finished run: {error}.", "Finish it: `mien train sequence`.") from error
    return load_trained(folder), result


def calibrated(
    moments: Sequence[Floats], wholes: Floats, sequences: Sequence[FeatureSequence]
) -> tuple[dict[str, float], dict[str, float]]:
    """Temperatures fitted on the sequences whose group's hash is even, and the calibration error on the others.

    Fitted to the class that is to be seen, so that a confidence is the chance to name it. Where one half has no answer,
    both are of all sequences.
    """
    temperatures, errors = {}, {}
    halves = np.array([sha256(one.group.encode()).digest()[0] % 2 for one in sequences])
    for head, rows in ((MOMENT, _moment_answers), (WHOLE, _whole_answers)):
        parts = [rows(moments, wholes, sequences, np.flatnonzero(halves == half)) for half in (0, 1)]
        if any(not len(labels) for _, labels in parts):
            parts = [rows(moments, wholes, sequences, np.arange(len(sequences)))] * 2
        if not len(parts[0][1]):
            continue
        temperatures[head] = fit_temperature(*parts[0])
        errors[head] = calibration_error(softmax(parts[1][0], temperatures[head]), parts[1][1])
    return temperatures, errors


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """The expected calibration error, 0..1, over 15 bins of equal width (Naeini, Cooper and Hauskrecht, AAAI 2015)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = [abs(float(right[bins == one].mean() - confidence[bins == one].mean())) for one in np.unique(bins)]
    shares = [float(np.mean(bins == one)) for one in np.unique(bins)]
    return float(np.dot(gaps, shares))


def _moment_answers(
    moments: Sequence[Floats], wholes: Floats, sequences: Sequence[FeatureSequence], rows: NDArray[np.int64]
) -> Answers:
    logits, labels = [], []
    for row in rows:
        one = sequences[row]
        known = one.seen & (one.shares.sum(axis=1) > 0)
        logits.append(moments[row][known])
        labels.append(one.shares[known].argmax(axis=1))
    if not logits:
        return np.zeros((0, wholes.shape[1]), np.float32), np.zeros(0, np.int64)
    return np.concatenate(logits), np.concatenate(labels)


def _whole_answers(
    moments: Sequence[Floats], wholes: Floats, sequences: Sequence[FeatureSequence], rows: NDArray[np.int64]
) -> Answers:
    known = np.array([row for row in rows if sequences[row].whole.any()], np.int64)
    return wholes[known], np.array([sequences[row].whole.argmax() for row in known], np.int64)
