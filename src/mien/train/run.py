"""One training run from data to a folder: the model, its curve, and everything needed to repeat it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from mien.dataset.faces import FaceSet
from mien.errors import DataError, RecipeError
from mien.expression.classes import FERPLUS
from mien.expression.temperature import fit_temperature
from mien.face import Floats
from mien.train.backend import versions
from mien.train.fit import EpochRecord, Trainer, Watch, accuracies, answers_of, predict
from mien.train.prior import MODEL_FILE, Prior, load_trained
from mien.train.recipe import Recipe, recipe_of
from mien.train.vocabulary import vocabulary_of
from mien.weights.store import place

RESULT_FILE: Final = "result.json"
CURVE_FILE: Final = "curve.csv"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished run leaves in `result.json`, beside the model.

    vocabularies, classes, temperatures: by head of the Keras model. accuracy: of the validation faces, by head. data:
    what was read, with the SHA-256 of faces, labels and votes; the SHA-256 of the first weights and the teacher's id,
    None where there were none. face_size: side in px of the faces as they lie in the set.
    """

    recipe: dict[str, Any]
    vocabularies: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    temperatures: dict[str, float]
    accuracy: dict[str, float]
    data: dict[str, Any]
    face_size: int
    versions: dict[str, str]
    history: tuple[EpochRecord, ...]

    @property
    def trained_by(self) -> Recipe:
        """The recipe."""
        return recipe_of(self.recipe)


def train_expression(
    train: FaceSet, valid: FaceSet, recipe: Recipe, folder: Path, prior: Prior, watch: Watch
) -> RunResult:
    """Train, calibrate on the validation faces, and write all of it to `folder`; go on where an earlier call stopped.

    Training faces that have a pixel-exact copy in another split are left out. Raises DataError where the two splits
    have other classes, RecipeError where the folder holds another run, and what `prior` raises.
    """
    if train.classes != valid.classes:
        raise DataError("The splits name other classes.", "Train and validate on splits of one set.")
    own = train.take(np.flatnonzero(~train.twins))
    trainer = Trainer(recipe, own, valid, folder, prior)
    folder.mkdir(parents=True, exist_ok=True)
    trained = trainer.fit(Curve(folder, watch))
    logits = predict(trained.model, valid.faces, recipe.model.input_size)
    _replace(folder / MODEL_FILE, trained.model.save)
    result = RunResult(
        recipe=recipe.to_dict(),
        vocabularies={head: vocabulary_of(head, train, recipe) for head in recipe.heads},
        classes={head: FERPLUS if head == "ferplus" else train.classes for head in recipe.heads},
        temperatures=_temperatures(logits, valid),
        accuracy=accuracies(logits, valid),
        data={"set": train.name, "faces": len(own.faces), **trainer.data},
        face_size=train.faces.shape[1],
        versions=versions(),
        history=trained.history,
    )
    text = json.dumps(asdict(result), indent=1) + "\n"
    _replace(folder / RESULT_FILE, lambda file: file.write_text(text, encoding="utf-8"))
    return result


def face_size_of(folder: Path) -> int:
    """Side in px of the faces that the run in `folder` was trained on. Raises RecipeError where it holds none."""
    return _result(folder).face_size


def read_run(folder: Path) -> tuple[keras.Model, RunResult]:
    """A finished run's model and result. Raises RecipeError where the folder holds none."""
    result = _result(folder)
    return load_trained(folder), result


def _result(folder: Path) -> RunResult:
    try:
        table = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        table["classes"] = {head: tuple(names) for head, names in table["classes"].items()}
        table["history"] = tuple(EpochRecord(**item) for item in table["history"])
        return RunResult(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{folder} holds no finished run: {error}.", "Finish it: `mien train expression`.") from error


class Curve:
    """Writes the curve while it grows: a table, and events for TensorBoard where that is installed.

    Both begin anew with each start, which is told of all earlier epochs, so that no epoch is there twice.
    """

    def __init__(self, folder: Path, watch: Watch) -> None:
        self._folder, self._watch = folder, watch
        self._records: list[EpochRecord] = []
        self._events = _event_writer(folder / "tensorboard")

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Passed on."""
        self._watch.step(epoch, step, steps, loss)

    def epoch(self, record: EpochRecord) -> None:
        """The table is replaced as a whole, so that a kill leaves no torn line."""
        self._records.append(record)
        text = _table(self._records)
        _replace(self._folder / CURVE_FILE, lambda file: file.write_text(text, encoding="utf-8"))
        if self._events:
            self._events.add_scalar("loss", record.loss, record.epoch)
            for head, value in record.valid.items():
                self._events.add_scalar(f"valid_accuracy/{head}", value, record.epoch)
            self._events.flush()
        self._watch.epoch(record)


def _table(records: Sequence[EpochRecord]) -> str:
    text = StringIO()
    heads = list(records[0].valid)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["epoch", "loss", *(f"valid_accuracy_{head}" for head in heads), "seconds", "cpu_seconds"])
    for item in records:
        shares = [f"{item.valid[head]:.5f}" for head in heads]
        lines.writerow([item.epoch, f"{item.loss:.5f}", *shares, f"{item.seconds:.1f}", f"{item.cpu_seconds:.1f}"])
    return text.getvalue()


def _event_writer(folder: Path) -> Any:
    try:
        from tensorboard.summary import Writer
    except ImportError:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    return Writer(str(folder))


def _replace(file: Path, write: Callable[[Path], object]) -> None:
    """Written beside it under the same suffix, then moved: a kill leaves the old file or the new one."""
    staged = file.with_name(f"part-{file.name}")
    write(staged)
    place(staged, file)


def _temperatures(logits: dict[str, Floats], valid: FaceSet) -> dict[str, float]:
    return {head: fit_temperature(logits[head], truth) for head, truth in answers_of(valid).items() if head in logits}
