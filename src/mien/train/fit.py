"""The training loop: epochs of batches, each validated, kept and written down before the next begins."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mien.ahead import ahead
from mien.dataset.faces import FaceSet
from mien.dataset.ferplus import majority
from mien.errors import DataError, RecipeError
from mien.face import Floats, Pixels
from mien.train.batches import Targets, network_input, training_batches
from mien.train.checkpoint import Checkpoint, Values, assign, load_checkpoint, values_of
from mien.train.prior import Prior
from mien.train.recipe import FitRecipe, Recipe, recipe_of
from mien.train.teach import taught
from mien.train.vocabulary import vocabulary_of

# Faces a prediction step: enough to fill any machine.
PREDICT_BATCH = 64


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the curve. loss: mean of the training batches. valid: accuracy by head, 0..1, of the kept weights."""

    epoch: int
    loss: float
    valid: dict[str, float]
    seconds: float
    cpu_seconds: float


class Watch(Protocol):
    """Who is told how training goes."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """After each batch; `loss` is the mean of the epoch so far."""
        ...

    def epoch(self, record: EpochRecord) -> None:
        """After each epoch, and once for each epoch that a resumed run has behind it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """model: with the kept weights, without what only training needs. history: the curve."""

    model: keras.Model
    history: tuple[EpochRecord, ...]


class Trainer:
    """One run: a recipe on data, in a folder that remembers it.

    data: SHA-256 of both splits and of the first weights, and the teacher's id. Raises RecipeError where recipe, data,
    folder and prior do not fit together; DataError where no face is left to train on, or none to validate with; and
    what `prior` raises.
    """

    def __init__(self, recipe: Recipe, train: FaceSet, valid: FaceSet, folder: Path, prior: Prior) -> None:
        keras.utils.set_random_seed(recipe.fit.seed)
        self._recipe, self._train, self._valid, self._folder = recipe, train, valid, folder
        if not len(train.faces) or not set(recipe.heads) & set(answers_of(valid)):
            raise DataError(
                f"{train.name} has {len(train.faces)} faces to train on, and validation faces with labels or votes for "
                f"{', '.join(answers_of(valid)) or 'no head'}.",
                f"The recipe needs both for: {', '.join(recipe.heads)}.",
            )
        self._targets = _targets(train, recipe, prior)
        if missing := [head for head in recipe.heads if not self._targets.weights.get(head, np.zeros(1)).any()]:
            raise RecipeError(f"The data have nothing for the head {missing[0]!r}.", "Choose another recipe.")
        heads = {head: values.shape[1] for head, values in self._targets.values.items()}
        self._model = prior.model(recipe.model, heads)
        self._steps = max(1, len(train.faces) // recipe.fit.batch)
        self._model.compile(
            optimizer_of(recipe.fit, self._steps),
            loss={head: keras.losses.CategoricalCrossentropy(from_logits=True) for head in heads},
            loss_weights={head: recipe.heads[head] for head in heads},
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self.data = {"train": train.sha256, "valid": valid.sha256, **prior.identity()}
        self._identity = {"recipe": recipe.to_dict(), **self.data}

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
            # Copies of the averages: JAX would let weights and averages share memory, and frees it with the weights.
            assign(self._model.trainable_variables, values_of(self._model.trainable_variables))
            valid = accuracies(predict(self._model, self._valid.faces, self._recipe.model.input_size), self._valid)
            seconds = time.monotonic() - started[0], time.process_time() - started[1]
            history.append(EpochRecord(len(history) + 1, loss, valid, *seconds))
            if self._is_kept(history):
                kept = values_of(self._model.variables)
            assign(self._model.trainable_variables, raw)
            self._save(history, kept)
            watch.epoch(history[-1])
        assign(self._model.variables, kept)
        return Trained(keras.Model(self._model.input, self._model.output), tuple(history))

    def _run_epoch(self, epoch: int, watch: Watch) -> float:
        total = 0.0
        with closing(ahead(training_batches(self._train, self._targets, self._recipe, epoch))) as batches:
            for step, batch in enumerate(batches):
                logs = self._model.train_on_batch(
                    batch.inputs, batch.targets.values, sample_weight=batch.targets.weights, return_dict=True
                )
                total += float(logs["loss"])
                if not math.isfinite(total):
                    raise RecipeError(f"The loss is no number any more, in epoch {epoch + 1}.", "Learn more slowly.")
                watch.step(epoch + 1, step + 1, self._steps, total / (step + 1))
        return total / self._steps

    def _is_kept(self, history: list[EpochRecord]) -> bool:
        """The last epoch's weights, or with patience the best ones'."""
        values = _curve_of(history)
        return not self._recipe.fit.patience or values[-1] >= max(values)

    def _out_of_patience(self, history: list[EpochRecord]) -> bool:
        patience, values = self._recipe.fit.patience, _curve_of(history)
        return bool(patience and values and len(values) - 1 - int(np.argmax(values)) >= patience)

    def _save(self, history: list[EpochRecord], kept: Values) -> None:
        record: dict[str, Any] = {"history": [asdict(item) for item in history], "identity": self._identity}
        variables = values_of(self._model.variables), values_of(self._model.optimizer.variables)
        Checkpoint(*variables, kept, record).save(self._folder)

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


def _targets(train: FaceSet, recipe: Recipe, prior: Prior) -> Targets:
    own, teacher = Targets.of(train, recipe), prior.open_teacher()
    if teacher is None:
        return own
    return taught(
        own, train, {head: vocabulary_of(head, train, recipe) for head in own.values}, teacher, recipe.teacher
    )


def _curve_of(history: list[EpochRecord]) -> list[float]:
    """What decides between epochs: accuracy on the labels, or on the votes where these are all there is."""
    return [record.valid.get("label", record.valid.get("ferplus", 0.0)) for record in history]


def _same_run(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Recipes are compared as they are read today: a field that came later has its default in an older run."""
    later = {"start": None, "teacher": None}
    try:
        return {**later, **one, "recipe": recipe_of(one["recipe"])} == {**other, "recipe": recipe_of(other["recipe"])}
    except (KeyError, TypeError, ValidationError):
        return False


def optimizer_of(fit: FitRecipe, steps: int) -> keras.optimizers.Optimizer:
    """The recipe's optimiser with its schedule; steps: batches an epoch."""
    rate: Any = fit.learning_rate
    if fit.schedule == "cosine":
        warmup = round(fit.warmup_epochs * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate, max(1, fit.epochs * steps - warmup), warmup_target=rate, warmup_steps=warmup
        )
    average = {"use_ema": fit.ema > 0, "ema_momentum": fit.ema or 0.99}
    if fit.optimizer == "sgd":
        decay = fit.weight_decay or None
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay, **average)
    if fit.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    return keras.optimizers.AdamW(rate, weight_decay=fit.weight_decay, global_clipnorm=5.0, **average)


def predict(model: keras.Model, faces: Pixels, size: int) -> dict[str, Floats]:
    """Logits by head for (N, S, S) uint8 grey faces, (N, C) float32."""
    parts: dict[str, list[Floats]] = {}
    for start in range(0, len(faces), PREDICT_BATCH):
        outputs = model.predict_on_batch(network_input(faces[start : start + PREDICT_BATCH], size))
        for head, logits in outputs.items():
            parts.setdefault(head, []).append(np.asarray(logits))
    return {head: np.concatenate(values).astype(np.float32) for head, values in parts.items()}


def accuracies(logits: dict[str, Floats], faces: FaceSet) -> dict[str, float]:
    """By head, the share of faces whose likeliest class is the label, or the taggers' majority.

    logits: (N, C) by head. Faces without an answer are left out, and heads without any.
    """
    said = {head: values.argmax(axis=1) for head, values in logits.items()}
    return {
        head: float(np.mean(said[head][truth >= 0] == truth[truth >= 0]))
        for head, truth in answers_of(faces).items()
        if head in said
    }


def answers_of(faces: FaceSet) -> dict[str, NDArray[np.int64]]:
    """(N,) class numbers by head, the label and the taggers' majority, -1 for a face without; heads that have any."""
    answers = {"label": faces.labels, "ferplus": None if faces.votes is None else majority(faces.votes)}
    return {head: truth for head, truth in answers.items() if truth is not None and (truth >= 0).any()}
