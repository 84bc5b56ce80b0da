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
class NetworkFit:
    """Trains `seeds` networks by `recipe` and takes the mean of what they say. step: called after each epoch."""

    recipe: SequenceRecipe
    seeds: int = 1
    step: Callable[[], None] | None = None

    def __call__(self, part: TrainingPart) -> Predict:
        """Train on the part; the result says (N, C) probabilities of sequences, NaN of one without a face.

        Features are made to vary alike in every direction within a class, as the discriminant that is the opponent
        does by itself: some hundred sequences are too few to find that out. Every moment of a training sequence gets
        the sequence's label: sets name sequences, not frames. Raises SettingsError for a recipe that stops early, since
        it would need labelled sequences that it may not learn from.
        """
        if self.recipe.fit.patience:
            raise SettingsError(
                f"The recipe {self.recipe.name} stops early.", "Set its `patience` to 0, and say how many epochs."
            )
        prepare_keras()
        from mien.train.sequence.fit import SequenceData, SequenceTrainer, predict

        classes = tuple(map(str, range(part.n_classes)))
        turn = fit_head(part.views, part.labels, part.groups, part.n_classes).whitener()
        train = [one for view in part.views for one in as_training(_turned(view, turn), part)]
        models = []
        for seed in range(self.seeds):
            recipe = replace(self.recipe, fit=replace(self.recipe.fit, seed=self.recipe.fit.seed + seed))
            with TemporaryDirectory(prefix="mien-") as folder:
                data = SequenceData.of(train, train[:VALID], classes)
                models.append(SequenceTrainer(recipe, data, Path(folder), None).fit(_Watch(self.step)).model)

        def says(sequences: Sequence[SeenSequence]) -> Numbers:
            given = [_feature_sequence(one, part.n_classes, None) for one in _turned(sequences, turn)]
            told = np.mean([softmax(predict(model, given)[1]) for model in models], axis=0)
            told[[not one.seen.any() for one in sequences]] = np.nan
            return np.asarray(told, np.float64)

        return says


def as_training(view: Sequence[SeenSequence], part: TrainingPart) -> list[FeatureSequence]:
    """Those in which a face was seen, as training takes them."""
    return [
        _feature_sequence(one, part.n_classes, int(label), group)
        for one, label, group in zip(view, part.labels, part.groups, strict=True)
        if one.seen.any()
    ]


def _turned(sequences: Sequence[SeenSequence], turn: Numbers) -> list[SeenSequence]:
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
