"""Does a confidence mean what it says? Expected calibration error (ECE), Brier score, accuracy at a confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.classification import Estimate, Labels, Numbers, resampled, share
from mien.record import Record

N_BINS: Final = 15
CONFIDENCES: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
Flags = NDArray[np.bool_]
# A probability of exactly 0 would cost infinitely much.
_SMALLEST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Bin(Record):
    """Faces with a confidence over `low` up to `high`: how many, their mean confidence, the share said right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Reliability(Record):
    """How far probabilities can be believed; intervals from resampled faces.

    ece: expected calibration error of the likeliest class, 15 bins of equal width (Guo et al., ICML 2017). It is never
    negative, and with few faces larger than the truth. brier: mean squared distance from the label, summed over the
    classes, 0..2 (Brier, Monthly Weather Review 78, 1950). negative_log_likelihood: in nats.
    """

    ece: Estimate
    brier: Estimate
    negative_log_likelihood: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Selective(Record):
    """What a model says if it says `unsure` below `confidence`: the share of faces answered, and of those the right.

    accuracy: NaN (None in JSON) where no face is answered.
    """

    confidence: float
    n_said: int
    coverage: Estimate
    accuracy: Estimate


def ece(confidence: Numbers, right: Flags, weights: Numbers | None = None) -> float:
    """The mean distance of confidence and accuracy over 15 bins (0, 1/15] to (14/15, 1], weighted by their faces.

    confidence: (N,) of the likeliest class. right: (N,). weights: (N,), how often each face counts; once by default.
    """
    weights = np.ones(len(confidence)) if weights is None else weights
    gaps = np.bincount(_bin_of(confidence), weights * (confidence - right), N_BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def brier(probabilities: Numbers, labels: Labels) -> Numbers:
    """(N,), each face's squared distance, 0..2, of its probabilities (N, C) from certainty of its label."""
    truth = np.eye(probabilities.shape[1])[labels]
    return np.asarray(((probabilities - truth) ** 2).sum(axis=1), np.float64)


def reliability(probabilities: Numbers, labels: Labels) -> Reliability:
    """All figures of probabilities (N, C) against labels (N,)."""
    confidence, right = top(probabilities, labels)
    squares = brier(probabilities, labels)
    surprise = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SMALLEST))

    def figures(weights: Numbers) -> tuple[float, ...]:
        total = weights.sum()
        return ece(confidence, right, weights), float(weights @ squares / total), float(weights @ surprise / total)

    gap, score, likelihood = resampled(figures, len(labels))
    return Reliability(gap, score, likelihood, _bins(confidence, right))


def top(probabilities: Numbers, labels: Labels) -> tuple[Numbers, Flags]:
    """(N,) probability of the likeliest class, and (N,) whether it is the label."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def selective(confidence: Numbers, right: Flags, thresholds: Sequence[float] = CONFIDENCES) -> tuple[Selective, ...]:
    """The table of what is said at each threshold; a confidence equal to it is said. Wilson's intervals."""
    rows = []
    for threshold in thresholds:
        said = confidence >= threshold
        n_said = int(said.sum())
        rows.append(Selective(threshold, n_said, share(n_said, len(said)), share(int(right[said].sum()), n_said)))
    return tuple(rows)


def _bin_of(confidence: Numbers) -> NDArray[np.int64]:
    return np.clip(np.ceil(confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)


def _bins(confidence: Numbers, right: Flags) -> tuple[Bin, ...]:
    place = _bin_of(confidence)
    bins = []
    for number in range(N_BINS):
        inside = place == number
        n = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if n else (float("nan"),) * 2
        bins.append(Bin(number / N_BINS, (number + 1) / N_BINS, n, *means))
    return tuple(bins)
