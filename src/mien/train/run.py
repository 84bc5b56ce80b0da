"""One training run from data to a folder: the model, its curve, and everything needed to repeat it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from mien.dataset.faces import FaceSet
from mien.dataset.ferplus import majority
from mien.errors import DataError, RecipeError
from mien.expression.classes import FERPLUS, VOCABULARIES
from mien.expression.temperature import fit_temperature
from mien.settings import Settings
from mien.train.backend import versions
from mien.train.fit import EpochRecord, Trainer, Watch, accuracy_by_head, predict
from mien.train.recipe import Recipe, recipe_of

MODEL_FILE: Final = "model.keras"
RESULT_FILE: Final = "result.json"
CURVE_FILE: Final = "curve.csv"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a finished run leaves in `result.json`, beside the model.

    vocabularies, classes, temperatures: by head of the Keras model. accuracy: of the validation faces, the mean of
    photo and mirror image, by head. data: what was read, with the SHA-256 of faces, labels and votes. face_size: side
    in px of the faces as they lie in the set.
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
    train: FaceSet, valid: FaceSet, recipe: Recipe, folder: Path, settings: Settings, watch: Watch
) -> RunResult:
    """Train, calibrate on the validation faces, and write all of it to `folder`; go on where an earlier call stopped.

    Training faces that have a pixel-exact copy in another split are left out. Raises DataError where the two splits
    have other classes, RecipeError where the folder holds another run, and what fetching a network to start from
    raises.
    """
    if train.classes != valid.classes:
        raise DataError("The splits name other classes.", "Train and validate on splits of one set.")
    folder.mkdir(parents=True, exist_ok=True)
    own = train.take(np.flatnonzero(~train.twins))
    trained = Trainer(recipe, own, valid, folder, settings).fit(Curve(folder, watch))
    size = recipe.model.input_size
    trained.model.save(folder / MODEL_FILE)
    result = RunResult(
        recipe=recipe.to_dict(),
        vocabularies={head: _vocabulary(head, train) for head in recipe.heads},
        classes={head: FERPLUS if head == "ferplus" else train.classes for head in recipe.heads},
        temperatures=_temperatures(trained.model, valid, size),
        accuracy=accuracy_by_head(trained.model, valid, size, mirror=True),
        data={"set": train.name, "faces": len(own.faces), "train": train.sha256, "valid": valid.sha256},
        face_size=train.faces.shape[1],
        versions=versions(),
        history=trained.history,
    )
    (folder / RESULT_FILE).write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    return result


def face_size_of(folder: Path) -> int:
    """Side in px of the faces that the run in `folder` was trained on. Raises RecipeError where it holds none."""
    return _result(folder).face_size


def read_run(folder: Path) -> tuple[keras.Model, RunResult]:
    """A finished run's model and result. Raises RecipeError where the folder holds none."""
    result = _result(folder)
    try:
        return keras.saving.load_model(folder / MODEL_FILE, compile=False), result
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"The model in {folder} cannot be read: {error}.", "Train it again.") from error


def _result(folder: Path) -> RunResult:
    try:
        table = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        table["classes"] = {head: tuple(names) for head, names in table["classes"].items()}
        table["history"] = tuple(EpochRecord(**item) for item in table["history"])
        return RunResult(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{folder} holds no finished run: {error}.", "Finish it: `mien train expression`.") from error


class Curve:
    """Writes the curve while it grows: a table, and events for TensorBoard where that is installed."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self._folder, self._watch = folder, watch
        self._records: list[EpochRecord] = []

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Passed on."""
        self._watch.step(epoch, step, steps, loss)

    def epoch(self, record: EpochRecord) -> None:
        """The table is replaced as a whole, so that a kill leaves no torn line, and a resumed run no double one."""
        self._records.append(record)
        (self._folder / CURVE_FILE).write_text(_table(self._records), encoding="utf-8")
        _tensorboard(self._folder / "tensorboard", record)
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


def _tensorboard(folder: Path, record: EpochRecord) -> None:
    """TensorBoard keeps the last value of a step, so that a resumed run may repeat one."""
    try:
        from tensorboard.summary import Writer
    except ImportError:
        return
    writer = Writer(str(folder))
    writer.add_scalar("loss", record.loss, record.epoch)
    for head, value in record.valid.items():
        writer.add_scalar(f"valid_accuracy/{head}", value, record.epoch)
    writer.close()


def _temperatures(model: keras.Model, valid: FaceSet, size: int) -> dict[str, float]:
    answers = {"label": valid.labels, "ferplus": None if valid.votes is None else majority(valid.votes)}
    logits = predict(model, valid.faces, size, mirror=True)
    return {
        head: fit_temperature(values, truth)
        for head, values in logits.items()
        if (truth := answers.get(head)) is not None and (truth >= 0).any()
    }


def _vocabulary(head: str, faces: FaceSet) -> str:
    if head == "ferplus":
        return "ferplus"
    return next((name for name, classes in VOCABULARIES.items() if classes == faces.classes), faces.name)
