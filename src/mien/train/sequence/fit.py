"""The training loop of sequence models: epochs of batches, each validated, kept and written down before the next."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import ValidationError

from mien.errors import DataError, RecipeError
from mien.face import Floats
from mien.train.checkpoint import Checkpoint, Values, assign, load_checkpoint, values_of
from mien.train.fit import EpochRecord, Trained, Watch, optimizer_of
from mien.train.sequence.batches import batch_of, training_batches
from mien.train.sequence.model import MOMENT, WHOLE, Known, sequence_model
from mien.train.sequence.recipe import SequenceRecipe, sequence_recipe_of
from mien.train.sequence.shards import FeatureSequence

# Sequences a prediction step.
PREDICT_BATCH = 64
# Below this a feature does not vary, and is not blown up.
LEAST_VARIANCE = 1e-4
# Enough to solve for a head.
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class SequenceData:
    """Sequences to train on and to validate with; classes: of what they show; sha256: of all of it."""

    train: Sequence[FeatureSequence]
    valid: Sequence[FeatureSequence]
    classes: tuple[str, ...]
    sha256: str

    @classmethod
    def of(
        cls, train: Sequence[FeatureSequence], valid: Sequence[FeatureSequence], classes: tuple[str, ...]
    ) -> SequenceData:
        """With the hash of its content. Raises DataError where there is nothing to train on, or to validate with."""
        if not train or not valid:
            raise DataError(f"{len(train)} sequences to train on, {len(valid)} to validate with.", "Give both.")
        digest = sha256("\n".join(classes).encode())
        for one in (*train, *valid):
            for part in (one.times, one.features, one.seen, one.shares, one.whole):
                digest.update(np.ascontiguousarray(part).tobytes())
        return cls(train, valid, classes, digest.hexdigest())


class SequenceTrainer:
    """One run: a recipe on data, in a folder that remembers it.

    start: a trained model to go on from, whose answers are for the same classes; None for random weights. Raises
    RecipeError where recipe, data, start and folder do not fit together.
    """

    def __init__(self, recipe: SequenceRecipe, data: SequenceData, folder: Path, start: keras.Model | None) -> None:
        keras.utils.set_random_seed(recipe.fit.seed)
        self._recipe, self._data, self._folder = recipe, data, folder
        known = known_of(data)
        self._spread = np.sqrt(known.variance)
        self._model = start or sequence_model(recipe.model, known, len(data.classes))
        self._steps = max(1, len(data.train) // recipe.fit.batch)
        self._model.compile(
            optimizer_of(recipe.fit, self._steps),
            loss={head: keras.losses.CategoricalCrossentropy(from_logits=True) for head in (MOMENT, WHOLE)},
            loss_weights={MOMENT: 1.0, WHOLE: recipe.whole_weight},
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._identity = {
            "recipe": recipe.to_dict(),
            "data": data.sha256,
            "start": weights_sha256(start) if start else None,
        }

    def fit(self, watch: Watch) -> Trained:
        """Train to the recipe's end, from the folder's checkpoint where it holds one."""
        history, kept = self._resume()
        for record in history:
            watch.epoch(record)
        while len(history) < self._recipe.fit.epochs and not self._out_of_patience(history):
            started = time.monotonic(), time.process_time()
            loss = self._run_epoch(len(history), watch)
            raw = values_of(self._model.trainable_variables)
            self._model.optimizer.finalize_variable_values(self._model.trainable_variables)
            assign(self._model.trainable_variables, values_of(self._model.trainable_variables))
            valid = accuracies(*predict(self._model, self._data.valid), self._data.valid)
            seconds = time.monotonic() - started[0], time.process_time() - started[1]
            history.append(EpochRecord(len(history) + 1, loss, valid, *seconds))
            if not self._recipe.fit.patience or _curve(history)[-1] >= max(_curve(history)):
                kept = values_of(self._model.variables)
            assign(self._model.trainable_variables, raw)
            self._save(history, kept)
            watch.epoch(history[-1])
        assign(self._model.variables, kept)
        return Trained(keras.Model(self._model.input, self._model.output, name="sequence"), tuple(history))

    def _run_epoch(self, epoch: int, watch: Watch) -> float:
        total = 0.0
        for step, batch in enumerate(training_batches(self._data.train, self._recipe, self._spread, epoch)):
            logs = self._model.train_on_batch(
                [batch.inputs, batch.valid],
                {MOMENT: batch.moments, WHOLE: batch.whole},
                sample_weight={MOMENT: batch.moment_weights, WHOLE: batch.whole_weights},
                return_dict=True,
            )
            total += float(logs["loss"])
            if not math.isfinite(total):
                raise RecipeError(f"The loss is no number any more, in epoch {epoch + 1}.", "Learn more slowly.")
            watch.step(epoch + 1, step + 1, self._steps, total / (step + 1))
        return total / self._steps

    def _out_of_patience(self, history: list[EpochRecord]) -> bool:
        patience, values = self._recipe.fit.patience, _curve(history)
        return bool(patience and values and len(values) - 1 - int(np.argmax(values)) >= patience)

    def _save(self, history: list[EpochRecord], kept: Values) -> None:
        record: dict[str, Any] = {"history": [asdict(item) for item in history], "identity": self._identity}
        Checkpoint(values_of(self._model.variables), values_of(self._model.optimizer.variables), kept, record).save(
            self._folder
        )

    def _resume(self) -> tuple[list[EpochRecord], Values]:
        state = load_checkpoint(self._folder)
        if state is None:
            return [], values_of(self._model.variables)
        if not _same_run(state.record["identity"], self._identity):
            raise RecipeError(
                f"{self._folder} holds a run of another recipe, or on other data.", "Name another --out, or remove it."
            )
        assign(self._model.variables, state.model)
        assign(self._model.optimizer.variables, state.optimizer)
        return [EpochRecord(**item) for item in state.record["history"]], state.kept


def known_of(data: SequenceData) -> Known:
    """What the training sequences tell before training.

    The frame model's head comes from its logits by least squares: they are a linear function of the features.
    """
    seen = np.concatenate([one.features[one.seen] for one in data.train])
    mean, variance = seen.mean(axis=0), np.maximum(seen.var(axis=0), LEAST_VARIANCE)
    told = [one for one in data.train if one.frame is not None and one.frame.shape[1] == len(data.classes)]
    if not told:
        return Known(mean, variance)
    features = np.concatenate([one.features[one.seen] for one in told])[:MOST_ROWS].astype(np.float64)
    logits = np.concatenate([one.frame[one.seen] for one in told if one.frame is not None])[:MOST_ROWS]
    solved = np.linalg.lstsq(np.column_stack([features, np.ones(len(features))]), logits, rcond=None)[0]
    return Known(mean, variance, (solved[:-1].astype(np.float32), solved[-1].astype(np.float32)))


def predict(model: keras.Model, sequences: Sequence[FeatureSequence]) -> tuple[list[Floats], Floats]:
    """Logits of each sequence's moments, (T, C) each, and of the sequences as wholes, (N, C)."""
    moments: list[Floats] = []
    wholes: list[Floats] = []
    for start in range(0, len(sequences), PREDICT_BATCH):
        part = sequences[start : start + PREDICT_BATCH]
        batch = batch_of(part)
        outputs = model.predict_on_batch([batch.inputs, batch.valid])
        moments += [np.asarray(outputs[MOMENT][row, : len(one.times)], np.float32) for row, one in enumerate(part)]
        wholes.append(np.asarray(outputs[WHOLE], np.float32))
    return moments, np.concatenate(wholes)


def accuracies(moments: Sequence[Floats], wholes: Floats, sequences: Sequence[FeatureSequence]) -> dict[str, float]:
    """By head, the share of the likeliest classes that are what is to be seen.

    Of moments those count in which a face was seen; where nobody knows, none. Heads without any answer are left out.
    """
    right: dict[str, list[bool]] = {MOMENT: [], WHOLE: []}
    for logits, whole, one in zip(moments, wholes, sequences, strict=True):
        known = one.seen & (one.shares.sum(axis=1) > 0)
        right[MOMENT] += (logits.argmax(axis=1) == one.shares.argmax(axis=1))[known].tolist()
        right[WHOLE] += [bool(whole.argmax() == one.whole.argmax())] if one.whole.any() else []
    return {head: float(np.mean(values)) for head, values in right.items() if values}


def _curve(history: list[EpochRecord]) -> list[float]:
    """What decides between epochs."""
    return [record.valid.get(MOMENT, 0.0) + record.valid.get(WHOLE, 0.0) for record in history]


def _same_run(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        recipes = [sequence_recipe_of(part["recipe"]) for part in (one, other)]
    except (KeyError, TypeError, ValidationError):
        return False
    return recipes[0] == recipes[1] and all(one.get(key) == other[key] for key in ("data", "start"))


def weights_sha256(model: keras.Model) -> str:
    """Of all its values, in the model's order."""
    digest = sha256()
    for value in model.get_weights():
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
