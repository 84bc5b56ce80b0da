"""Verification measured: accuracy on a list of pairs, then FNMR at fixed FMR over all pairs of the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.decide.calibration import ErrorRate
from mien.evaluate.discard import error_versus_discard
from mien.evaluate.metrics import Flags, Numbers, best_threshold, correct, equal_error_rate, wilson
from mien.evaluate.pairs import Pair, PairList
from mien.evaluate.people import PeoplePhotos, folder_of_people
from mien.evaluate.resample import RULE_OF_30, ImpostorTail, draws_of_people, interval
from mien.evaluate.scores import (
    ScoreCounts,
    count_scores,
    genuine_pairs,
    impostor_pairs,
    n_impostor_pairs,
    n_people_pairs,
)
from mien.evaluate.templates import Missing, Templates
from mien.record import Record

REPORTED_FMRS: Final = (1e-3, 1e-4, 1e-5)
DISCARDED: Final = (0.0, 0.1)
Scored = tuple[Numbers, Flags]


@dataclass(frozen=True, slots=True)
class Misjudged:
    """A pair that was judged wrong; score NaN where a photo gave no embedding."""

    pair: Pair
    score: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Accuracy(Record):
    """Share of pairs judged right, with thresholds that were fitted on other pairs.

    value has Wilson's interval over the pairs. standard_error: of the mean over folds where there are several (LFW's
    own figure), else of a share. thresholds: one a fold. no_embedding: pairs counted as errors since a photo gave no
    embedding. fitted_on: in words.
    """

    value: ErrorRate
    standard_error: float
    n_pairs: int
    no_embedding: int
    thresholds: tuple[float, ...]
    fitted_on: str
    misjudged: tuple[Misjudged, ...]


@dataclass(frozen=True, slots=True)
class OperatingPoint(Record):
    """FNMR where FMR is `fmr`, threshold included; `counted` tells whether 30 pairs of people lie over it."""

    fmr: float
    threshold: float
    fnmr: ErrorRate
    counted: bool


@dataclass(frozen=True, slots=True)
class AllPairs(Record):
    """All pairs of all embedded images: how many, and the error rates at fixed points."""

    n_images: int
    n_people: int
    n_genuine: int
    n_impostor: int
    points: tuple[OperatingPoint, ...]
    eer: float
    eer_threshold: float
    no_embedding: int


def scores_of(pairs: Sequence[Pair], templates: Templates) -> Numbers:
    """(P,): each pair's cosine, NaN where one of its photos has no embedding."""
    place = {path: index for index, path in enumerate(templates.paths)}
    scores = np.full(len(pairs), np.nan)
    for index, pair in enumerate(pairs):
        if pair.first in place and pair.second in place:
            scores[index] = templates.vectors[place[pair.first]] @ templates.vectors[place[pair.second]]
    return scores


def accuracy(judged: PairList, templates: Templates, fit: PairList | None = None) -> Accuracy:
    """Judge each fold at the threshold fitted on `fit`, else on the other folds, else (one fold) on itself.

    The last is optimistic and says so in `fitted_on`.
    """
    folds = [_scored(fold, templates) for fold in judged.folds]
    thresholds, fitted_on = _thresholds(folds, _scored(fit.pairs, templates) if fit else None)
    right = [correct(*fold, threshold) for fold, threshold in zip(folds, thresholds, strict=True)]
    n_pairs = len(judged.pairs)
    misjudged = [
        Misjudged(pair, float(score), threshold)
        for fold, (scores, _), flags, threshold in zip(judged.folds, folds, right, thresholds, strict=True)
        for pair, score, well in zip(fold, scores, flags, strict=True)
        if not well
    ]
    return Accuracy(
        value=wilson(n_pairs - len(misjudged), n_pairs),
        standard_error=_standard_error([float(flags.mean()) for flags in right], n_pairs),
        n_pairs=n_pairs,
        no_embedding=int(sum(np.isnan(scores).sum() for scores, _ in folds)),
        thresholds=tuple(thresholds),
        fitted_on=fitted_on,
        misjudged=tuple(misjudged),
    )


def all_pairs(templates: Templates, counts: ScoreCounts | None = None) -> AllPairs:
    """FNMR at FMR 1e-3, 1e-4 and 1e-5, and the EER, over every pair of two images.

    Intervals come from resampling people, the threshold moving with each draw. A photo without an embedding is not in
    the pairs; `no_embedding` says how many there are.
    """
    counts = counts or count_scores(templates)
    genuine = genuine_pairs(templates)
    eer, eer_threshold = equal_error_rate(counts)
    return AllPairs(
        n_images=len(templates.people),
        n_people=templates.n_people,
        n_genuine=len(genuine.scores),
        n_impostor=n_impostor_pairs(templates),
        points=tuple(_points(templates, counts)),
        eer=eer,
        eer_threshold=eer_threshold,
        no_embedding=len(templates.missing),
    )


def _points(templates: Templates, counts: ScoreCounts) -> Iterator[OperatingPoint]:
    # Half as much again as the largest rate: draws of people move the threshold.
    tail = ImpostorTail(templates, impostor_pairs(templates, counts.threshold(1.5 * REPORTED_FMRS[0])))
    genuine = genuine_pairs(templates)
    scores = genuine.scores.astype(np.float64)
    people, even = templates.people[genuine.first], np.ones(templates.n_people)
    if not len(people) or not len(tail.scores):
        return
    asked = np.array(REPORTED_FMRS)
    points = [_fnmr(tail, scores, draw[people], asked, draw) for draw in draws_of_people(templates.n_people)]
    thresholds, values = _fnmr(tail, scores, even[people], asked, even)
    for place, fmr in enumerate(REPORTED_FMRS):
        rates = np.array([row[1][place] for row in points])
        rate = interval(rates, float(values[place]), len(np.unique(people)))
        counted = fmr * n_people_pairs(templates) >= RULE_OF_30
        yield OperatingPoint(fmr, float(thresholds[place]), rate, counted)


def _fnmr(
    tail: ImpostorTail, genuine: Numbers, weights: Numbers, asked: Numbers, draw: Numbers
) -> tuple[Numbers, Numbers]:
    """Thresholds (F,) just over the score at which the weighted FMR would exceed what is asked, and the FNMR there."""
    rates = np.cumsum(tail.weights(draw)) / tail.total(draw)
    places = np.minimum(np.searchsorted(rates, asked, side="right"), len(tail.scores) - 1)
    thresholds = np.nextafter(tail.scores[places], 2)
    missed = [float(weights[genuine < threshold].sum()) for threshold in thresholds]
    return thresholds, np.array(missed) / max(float(weights.sum()), 1e-12)


def _scored(pairs: Sequence[Pair], templates: Templates) -> Scored:
    return scores_of(pairs, templates), np.array([pair.same for pair in pairs])


def _thresholds(folds: Sequence[Scored], fit: Scored | None) -> tuple[list[float], str]:
    """One a fold, and on what they were fitted."""
    if fit is not None:
        return [best_threshold(*fit)] * len(folds), f"{len(fit[0])} other pairs"
    if len(folds) == 1:
        return [best_threshold(*folds[0])], "the very pairs that were judged (optimistic)"
    thresholds = []
    for left_out in range(len(folds)):
        others = [fold for index, fold in enumerate(folds) if index != left_out]
        thresholds.append(best_threshold(*(np.concatenate(column) for column in zip(*others, strict=True))))
    return thresholds, f"the other {len(folds) - 1} folds"


def _standard_error(shares: Sequence[float], n_pairs: int) -> float:
    if len(shares) > 1:
        return float(np.std(shares, ddof=1) / np.sqrt(len(shares)))
    return float(np.sqrt(shares[0] * (1 - shares[0]) / n_pairs))


@dataclass(frozen=True, slots=True)
class Discard(Record):
    """FNMR at `threshold` with nothing and with the worst tenth of the genuine pairs by quality discarded."""

    fmr: float
    threshold: float
    fnmr_all: float
    fnmr_best_nine_tenths: float


def discard_rates(templates: Templates, points: Sequence[OperatingPoint]) -> tuple[Discard, ...]:
    """For each operating point; a pair's quality is that of its worse photo. Needs templates with qualities."""
    pairs = genuine_pairs(templates)
    quality = np.column_stack([templates.quality[pairs.first], templates.quality[pairs.second]])
    return tuple(
        Discard(point.fmr, point.threshold, *error_versus_discard(pairs.scores, quality, point.threshold, DISCARDED))
        for point in points
    )


@dataclass(frozen=True, slots=True)
class Verification(Record):
    """A whole run: accuracy on the pairs, rates over all pairs of the images, what could not be embedded."""

    model: str
    accuracy: Accuracy
    all_pairs: AllPairs
    discard: tuple[Discard, ...]
    missing: tuple[Missing, ...]


def verify(templates: Templates, judged: PairList, fit: PairList | None, counts: ScoreCounts) -> Verification:
    """Everything that is reported about one set of templates; `discard` where they have qualities."""
    points = all_pairs(templates, counts)
    with_quality = bool(np.isfinite(templates.quality).any())
    return Verification(
        templates.model,
        accuracy(judged, templates, fit),
        points,
        discard_rates(templates, points.points) if with_quality else (),
        templates.missing,
    )


def photos_to_judge(images: Path, lists: Sequence[PairList]) -> PeoplePhotos:
    """Every photo of the folder of people, and every one that the lists name; its folder says whom it shows."""
    listed = {path for one in lists for pair in one.pairs for path in (pair.first, pair.second)}
    paths = tuple(sorted({*folder_of_people(images).paths, *listed}))
    return PeoplePhotos(paths, tuple(path.parent.name for path in paths))
