"""A sequence model trained anew for each fold, so that what is judged was never seen: needs the extra `train`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.dataset.sequences.seen import SeenSequence
from mien.errors import SettingsError
from mien.evaluate.sequence_baselines import Labels, Numbers, fit_head
from mien.expression.temperature import softmax
from mien.train.backend import prepare_keras
from mien.train.sequence.recipe import SequenceRecipe
from mien.train.sequence.shards import FeatureSequence

if TYPE_CHECKING:
    from mien.train.fit import EpochRecord

# A recipe that does not stop early asks its validation sequences nothing; a few make up the numbers.
VALID: Final = 8

Predict = Callable[[Sequence[SeenSequence]], Numbers]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPart:
    """The training side of a fold: sequences in one or more views, each with its class; groups: whom they show."""

    views: Sequence[Sequence[SeenSequence]]
    labels: Labels
    groups: Sequence[str]
    n_classes: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """A trained sequence model that a network begins as.

    run: the folder of a finished `mien train sequence`. columns: of each class of the set, its number among the run's
    `n_classes`.
    """

    run: Path
    columns: tuple[int, ...]
    n_classes: int

    @classmethod
    def of(cls, run: Path, frame_model: str, classes: Sequence[str]) -> Beginning:
        """Checked: the run's features are those of `frame_model`, and it names all `classes`. Raises SettingsError."""
        from mien.train.sequence.run import read_sequence_run

        result = read_sequence_run(run)[1]
        if result.frame_model != frame_model:
            raise SettingsError(f"{run} was trained on {result.frame_model}, not {frame_model}.", "Name another run.")
        if unknown := sorted(set(classes) - set(result.classes)):
            raise SettingsError(f"{run} does not know the class {unknown[0]!r}.", "Name another run, or no --start.")
        return cls(run, tuple(result.classes.index(name) for name in classes), len(result.classes))


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """Trains `seeds` networks by `recipe` and takes the mean of what they say. step: called after each epoch.

    start: what they begin as, of which the recipe then changes the training alone; None: as random weights.
    """

    recipe: SequenceRecipe
    seeds: int = 1
    step: Callable[[], None] | None = None
    start: Beginning | None = None

    def __call__(self, part: TrainingPart) -> Predict:
        """Train on the part; the result says (N, C) probabilities of sequences, NaN of one without a face.

        Features are made to vary alike in every direction within a class, as the discriminant that is the opponent
        does by itself: some hundred sequences are too few to find that out; a network with a start takes them as they
        are, as it did before. Every moment of a training sequence gets the sequence's label: sets name sequences, not
        frames. Raises SettingsError for a recipe that stops early, since
        it would need labelled sequences that it may not learn from.
        """
        if self.recipe.fit.patience:
            raise SettingsError(
                f"The recipe {self.recipe.name} stops early.", "Set its `patience` to 0, and say how many epochs."
            )
        prepare_keras()
        from mien.train.sequence.fit import SequenceData, SequenceTrainer, predict
        from mien.train.sequence.run import read_sequence_run

        turn, columns = self._entry(part)
        n_classes = self.start.n_classes if self.start else part.n_classes
        mapped = replace(part, labels=columns[part.labels], n_classes=n_classes)
        classes = tuple(map(str, range(n_classes)))
        train = [one for view in part.views for one in as_training(_turned(view, turn), mapped)]
        models = []
        for seed in range(self.seeds):
            recipe = replace(self.recipe, fit=replace(self.recipe.fit, seed=self.recipe.fit.seed + seed))
            with TemporaryDirectory(prefix="mien-") as folder:
                data = SequenceData.of(train, train[:VALID], classes)
                start = read_sequence_run(self.start.run)[0] if self.start else None
                models.append(SequenceTrainer(recipe, data, Path(folder), start).fit(_Watch(self.step)).model)

        def says(sequences: Sequence[SeenSequence]) -> Numbers:
            given = [_feature_sequence(one, n_classes, None) for one in _turned(sequences, turn)]
            told = np.mean([softmax(predict(model, given)[1][:, columns]) for model in models], axis=0)
            told[[not one.seen.any() for one in sequences]] = np.nan
            return np.asarray(told, np.float64)

        return says

    def _entry(self, part: TrainingPart) -> tuple[Numbers | None, Labels]:
        """What features are multiplied with, and the number of each class of the set among the network's."""
        if self.start:
            return None, np.array(self.start.columns, np.int64)
        turn = fit_head(part.views, part.labels, part.groups, part.n_classes).whitener()
        return turn, np.arange(part.n_classes)


def as_training(view: Sequence[SeenSequence], part: TrainingPart) -> list[FeatureSequence]:
    """Those in which a face was seen, as training takes them."""
    return [
        _feature_sequence(one, part.n_classes, int(label), group)
        for one, label, group in zip(view, part.labels, part.groups, strict=True)
        if one.seen.any()
    ]


def _turned(sequences: Sequence[SeenSequence], turn: Numbers | None) -> list[SeenSequence]:
    if turn is None:
        return list(sequences)
    return [replace(one, features=((one.features @ turn) * one.seen[:, None]).astype(np.float32)) for one in sequences]


def _feature_sequence(one: SeenSequence, n_classes: int, label: int | None, group: str = "") -> FeatureSequence:
    whole = np.zeros(n_classes, np.float32) if label is None else np.eye(n_classes, dtype=np.float32)[label]
    shares = np.repeat(whole[None], len(one.times), axis=0)
    return FeatureSequence(one.times, one.features, one.seen, shares, whole, None, group)


class _Watch:
    def __init__(self, told: Callable[[], None] | None) -> None:
        self._told = told

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Nobody watches single steps."""

    def epoch(self, record: EpochRecord) -> None:
        if self._told:
            self._told()
