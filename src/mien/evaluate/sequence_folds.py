"""Which sequences are trained on and which are judged: nobody is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.sequence import SequenceSet
from mien.errors import DataError

Rows = NDArray[np.int64]
OFFICIAL = "official"


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Numbers of the sequences to train on and of those to judge."""

    train: Rows
    test: Rows


def subject_folds(sequences: SequenceSet, n_folds: int) -> tuple[Fold, ...]:
    """Subjects sorted by their id; every n-th is in the same fold (the usual protocol on CK+).

    Raises DataError where the set does not say who is whom, or has fewer subjects than folds.
    """
    subjects = sequences.subjects
    if not subjects:
        raise DataError(
            f"{sequences.name} does not say whom its sequences show, so that it cannot be split by subject.",
            "Ask for the set's own split (`--folds official`) where it has one, or name the subjects in subjects.csv.",
        )
    if not 2 <= n_folds <= len(subjects):
        raise DataError(f"{len(subjects)} subjects cannot make {n_folds} folds.", "Choose from 2 to the subjects.")
    place = {subject: number % n_folds for number, subject in enumerate(subjects)}
    return folds_of([place[one.subject or ""] for one in sequences.sequences], range(n_folds))


def official_folds(sequences: SequenceSet) -> tuple[Fold, ...]:
    """The set's own: each of its numbered folds in turn, or `valid` (else `test`) after training on `train`.

    A sequence that is in no fold is left out. Raises DataError where the set has no parts of its own.
    """
    parts = [one.part for one in sequences.sequences]
    numbered = sorted({part for part in parts if part.isdigit()})
    if len(numbered) > 1:
        return folds_of(parts, numbered)
    test = next((part for part in ("valid", "test") if part in parts), None)
    if "train" not in parts or test is None:
        raise DataError(f"{sequences.name} has no split of its own.", "Say how many folds of subjects: `--folds 10`.")
    return (Fold(_where(parts, {"train"}), _where(parts, {test})),)


def folds_of(places: Sequence[object], names: Sequence[object]) -> tuple[Fold, ...]:
    """One fold a name: the sequences of that place are judged, those of the other named places are trained on."""
    return tuple(Fold(_where(places, set(names) - {name}), _where(places, {name})) for name in names)


def inner_folds(groups: Sequence[str], n_folds: int) -> tuple[Fold, ...]:
    """Folds inside of training data, by group, for choices; numbers count within `groups`. Empty groups stand alone."""
    keys = [group or f"alone-{number}" for number, group in enumerate(groups)]
    ordered = sorted(set(keys))
    count = min(n_folds, len(ordered))
    place = {key: number % count for number, key in enumerate(ordered)}
    return folds_of([place[key] for key in keys], range(count))


def _where(places: Sequence[object], wanted: set[object]) -> Rows:
    return np.array([row for row, place in enumerate(places) if place in wanted], np.int64)
