"""A sequence model against what a frame model says without one: on sequences of people whom neither has seen.

Every figure is of whole sequences, one word each. A sequence without a word (no face was found), or with a word that
is no class of the set, is wrong. Intervals draw subjects, since sequences of one person are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.seen import PLAIN, SeenSequence
from mien.dataset.sequences.sequence import SequenceSet
from mien.errors import DataError
from mien.evaluate.classification import ClassScores, Estimate, by_class, confusion, f1_scores
from mien.evaluate.resample import COVERAGE, draws_of_people
from mien.evaluate.sequence_baselines import WAYS, Labels, Numbers, fit_change, fit_head, words
from mien.evaluate.sequence_folds import Fold
from mien.evaluate.sequence_network import Predict, TrainingPart
from mien.expression.classes import FERPLUS
from mien.expression.temperature import softmax
from mien.face import Floats
from mien.record import Record

OTHER: Final = "other"
WHOLE: Final = "whole sequence"
AS_SHIPPED, AMONG, FITTED, CHANGE, TRAINED = (
    "frame model as it is, all its classes",
    "frame model as it is, among the set's classes",
    "discriminant fitted in the folds",
    "the same on end and change",
    "sequence model trained in the folds",
)
BASELINES: Final = (AS_SHIPPED, AMONG, FITTED)
Fit = Callable[[TrainingPart], Predict]


@dataclass(frozen=True, slots=True)
class SequenceMethod(Record):
    """What one method said.

    kind: where its weights come from. way: how frames become a word. baseline: whether it is one that a sequence model
    has to beat. gain: accuracy over that of the best baseline, on the same draws; None for baselines. by_class: the
    last row is of words that are no class of the set. confusion: rows true, columns said, the last one of such words.
    """

    kind: str
    way: str
    baseline: bool
    accuracy: Estimate
    macro_f1: Estimate
    mean_recall: Estimate
    gain: Estimate | None
    by_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class SequenceReport(Record):
    """A whole run. n_without_face: sequences in which no face was found. interval_over: what the intervals draw."""

    data: str
    layout: str
    sha256: str
    frame_model: str
    classes: tuple[str, ...]
    protocol: str
    n_folds: int
    n_sequences: int
    n_subjects: int | None
    n_without_face: int
    interval_over: str
    best_baseline: str
    methods: tuple[SequenceMethod, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceTask:
    """What is judged: the set, what the frame model (its id, temperature) saw of it in each view, and the folds."""

    sequences: SequenceSet
    seen: dict[str, list[SeenSequence]]
    folds: tuple[Fold, ...]
    frame_model: str
    temperature: float


def evaluate_sequences(
    task: SequenceTask, fits: dict[str, Fit], protocol: str, step: Callable[[], None] | None = None
) -> SequenceReport:
    """Every baseline, and every sequence model in `fits` (by name), on the folds.

    protocol: how the folds came about, for the report. step: called after each fit of a fold. Raises DataError where no
    sequence is judged.
    """
    judged = np.concatenate([fold.test for fold in task.folds]) if task.folds else np.zeros(0, np.int64)
    if not len(judged):
        raise DataError(f"No sequence of {task.sequences.name} is in a fold.", "Choose other folds.")
    said: dict[tuple[str, str], Labels] = {}
    for way in WAYS:
        said |= {(kind, way): words_ for kind, words_ in _zero_shot(task, way).items()}
    said |= _in_folds(task, fits, step)
    return _report(task, {key: value[judged] for key, value in said.items()}, judged, protocol)


def _zero_shot(task: SequenceTask, way: str) -> dict[str, Labels]:
    """(N,) by kind: number of the class, that of OTHER for any other word."""
    classes = task.sequences.classes
    shared = [name for name in FERPLUS if name in classes]

    def probabilities(features: Floats, logits: Floats) -> Numbers:
        return softmax(logits, task.temperature)

    table = words(task.seen[PLAIN], probabilities, way)
    names = [*FERPLUS, OTHER]
    return {
        AS_SHIPPED: _numbers(table, names, classes),
        AMONG: _numbers(table[:, [FERPLUS.index(name) for name in shared]], shared, classes),
    }


def _numbers(table: Numbers, names: Sequence[str], classes: tuple[str, ...]) -> Labels:
    number = [classes.index(name) if name in classes else len(classes) for name in names]
    best = np.nan_to_num(table, nan=-1.0).argmax(axis=1)
    return np.where(np.isnan(table).any(axis=1), len(classes), np.array(number)[best]).astype(np.int64)


def _in_folds(
    task: SequenceTask, fits: dict[str, Fit], step: Callable[[], None] | None
) -> dict[tuple[str, str], Labels]:
    classes, labels = task.sequences.classes, task.sequences.labels
    groups = [one.subject or "" for one in task.sequences.sequences]
    said = {
        key: np.full(len(labels), len(classes), np.int64)
        for key in (*((FITTED, way) for way in WAYS), (CHANGE, WHOLE), *((TRAINED, name) for name in fits))
    }
    for fold in task.folds:
        views = [[view[row] for row in fold.train] for view in task.seen.values()]
        part = TrainingPart(views, labels[fold.train], [groups[row] for row in fold.train], len(classes))
        test = [task.seen[PLAIN][row] for row in fold.test]
        head = fit_head(part.views, part.labels, part.groups, part.n_classes)
        for way in WAYS:
            said[FITTED, way][fold.test] = _numbers(words(test, head, way), classes, classes)
        change = fit_change(part.views, part.labels, part.groups, part.n_classes)
        said[CHANGE, WHOLE][fold.test] = _numbers(change(test), classes, classes)
        for name, fit in fits.items():
            said[TRAINED, name][fold.test] = _numbers(fit(part)(test), classes, classes)
            if step:
                step()
    return said


def _report(task: SequenceTask, said: dict[tuple[str, str], Labels], judged: Labels, protocol: str) -> SequenceReport:
    true = task.sequences.labels[judged]
    people = _people([task.sequences.sequences[row].subject for row in judged])
    right = {key: (value == true).astype(np.float64) for key, value in said.items()}
    baselines = [key for key in said if key[0] in BASELINES]
    best = max(baselines, key=lambda key: right[key].mean())
    methods = tuple(
        _method(key, (true, value), people, None if key[0] in BASELINES else right[best], task.sequences.classes)
        for key, value in said.items()
    )
    subjects = {task.sequences.sequences[row].subject for row in judged}
    return SequenceReport(
        data=task.sequences.name,
        layout=task.sequences.layout,
        sha256=task.sequences.sha256,
        frame_model=task.frame_model,
        classes=task.sequences.classes,
        protocol=protocol,
        n_folds=len(task.folds),
        n_sequences=len(judged),
        n_subjects=None if None in subjects else len(subjects),
        n_without_face=sum(not task.seen[PLAIN][row].seen.any() for row in judged),
        interval_over="sequences" if None in subjects else "subjects",
        best_baseline=f"{best[0]}: {best[1]}",
        methods=methods,
    )


def _people(subjects: Sequence[str | None]) -> NDArray[np.int64]:
    """(N,) a number a person; sequences of nobody in particular stand for themselves."""
    names = [subject if subject is not None else f"\0{row}" for row, subject in enumerate(subjects)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _method(
    key: tuple[str, str],
    words_: tuple[Labels, Labels],
    people: NDArray[np.int64],
    best: Numbers | None,
    classes: tuple[str, ...],
) -> SequenceMethod:
    true, said = words_
    right, size = (true == said).astype(np.float64), len(classes) + 1

    def figures(weights: Numbers) -> tuple[float, ...]:
        table = confusion(true, said, size, weights)
        occurs = table[:-1].sum(axis=1) > 0
        hits = np.diag(table)[:-1][occurs] / table[:-1].sum(axis=1)[occurs]
        f1 = f1_scores(table)[:-1][occurs]
        total = weights.sum()
        gain = 0.0 if best is None else float(weights @ (right - best) / total)
        return float(weights @ right / total), float(f1.mean()), float(hits.mean()), gain

    accuracy, macro_f1, recall, gain = over_people(figures, people)
    table = confusion(true, said, size)
    return SequenceMethod(
        kind=key[0],
        way=key[1],
        baseline=best is None,
        accuracy=accuracy,
        macro_f1=macro_f1,
        mean_recall=recall,
        gain=None if best is None else gain,
        by_class=by_class(table, [*classes, OTHER]),
        confusion=tuple(tuple(int(cell) for cell in row) for row in table[:-1]),
    )


def over_people(figures: Callable[[Numbers], Sequence[float]], people: NDArray[np.int64]) -> tuple[Estimate, ...]:
    """Each figure with the 2.5th and 97.5th percentile over draws of as many people, with replacement.

    figures: from the weights (N,) of the sequences to K numbers. people: (N,) whom each shows, from 0.
    """
    counted = figures(np.ones(len(people)))
    n_people = int(people.max()) + 1
    draws = (draw[people] for draw in draws_of_people(n_people))
    replicates = np.array([figures(draw) for draw in draws if draw.any()])
    low, high = np.nanpercentile(replicates, COVERAGE, axis=0)
    return tuple(
        Estimate(float(value), float(min(value, below)), float(max(value, above)))
        for value, below, above in zip(counted, low, high, strict=True)
    )
