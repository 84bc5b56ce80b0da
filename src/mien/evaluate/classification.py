"""The figures of a classifier, from a table of true against said; shares, 0..1.

A class that neither is true of any face nor is ever said has no figure (NaN) and no part in the means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics import wilson
from mien.evaluate.resample import COVERAGE, draws_of_people
from mien.record import Record

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate(Record):
    """A figure with its 95 % interval; None in JSON where there was nothing to count."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScores(Record):
    """One class: how many faces have it, how many were said to, and how far these agree.

    Intervals are Wilson's. taken_for: the wrong class most often said instead; empty where there was none.
    """

    name: str
    n: int
    n_said: int
    recall: Estimate
    precision: Estimate
    f1: float
    taken_for: str


def share(successes: int, trials: int) -> Estimate:
    """A share of independent trials with Wilson's interval."""
    rate = wilson(successes, trials)
    if not trials:
        return Estimate(rate.value, rate.low, rate.high)
    # Rounding can put a bound of 0 or 1 a hair inside the share.
    return Estimate(rate.value, min(rate.low, rate.value), max(rate.high, rate.value))


def confusion(true: Labels, said: Labels, n_classes: int, weights: Numbers | None = None) -> Numbers:
    """(C, C) float64: how many faces of class row were said to be of class column; weights (N,) count some more."""
    cells = np.bincount(true * n_classes + said, weights=weights, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes).astype(np.float64)


def recalls(table: Numbers) -> Numbers:
    """(C,): of the faces of a class, the share said to be; NaN where there are none."""
    return _over(np.diag(table), table.sum(axis=1))


def precisions(table: Numbers) -> Numbers:
    """(C,): of the faces said to be of a class, the share that is; NaN where there are none."""
    return _over(np.diag(table), table.sum(axis=0))


def f1_scores(table: Numbers) -> Numbers:
    """(C,): the harmonic mean of recall and precision; 0 for a class never hit, NaN for one neither true nor said."""
    return _over(2 * np.diag(table), table.sum(axis=0) + table.sum(axis=1))


def accuracy(table: Numbers) -> float:
    """The share of the faces on the diagonal."""
    return float(np.trace(table) / table.sum())


def balanced_accuracy(table: Numbers) -> float:
    """The mean recall of the classes that have faces."""
    return float(np.nanmean(recalls(table)))


def macro_f1(table: Numbers) -> float:
    """The mean F1 of the classes that are true of a face or said of one."""
    return float(np.nanmean(f1_scores(table)))


def by_class(table: Numbers, names: Sequence[str]) -> tuple[ClassScores, ...]:
    """Each class of a table of whole faces, in the order of `names`."""
    scores = []
    f1 = f1_scores(table)
    for place, name in enumerate(names):
        hits, n, n_said = int(table[place, place]), int(table[place].sum()), int(table[:, place].sum())
        wrong = np.where(np.arange(len(names)) == place, 0, table[place])
        taken_for = names[int(wrong.argmax())] if wrong.any() else ""
        scores.append(ClassScores(name, n, n_said, share(hits, n), share(hits, n_said), float(f1[place]), taken_for))
    return tuple(scores)


def resampled(figures: Callable[[Numbers], Sequence[float]], n_faces: int) -> tuple[Estimate, ...]:
    """Each figure with the 2.5th and 97.5th percentile over draws of as many faces, with replacement (Efron, 1979).

    figures: from the weights (n_faces,) of a draw to K numbers. The same faces give the same intervals.
    """
    counted = figures(np.ones(n_faces))
    replicates = np.array([figures(draw) for draw in draws_of_people(n_faces)])
    low, high = np.nanpercentile(replicates, COVERAGE, axis=0)
    return tuple(
        Estimate(float(value), float(min(value, below)), float(max(value, above)))
        for value, below, above in zip(counted, low, high, strict=True)
    )


def _over(part: Numbers, whole: Numbers) -> Numbers:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0), np.float64)
