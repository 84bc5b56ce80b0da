"""The field's figures for verification: threshold, accuracy, EER. Rates are shares, 0..1."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import ErrorRate
from mien.evaluate.scores import ScoreCounts, bin_edges

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Z_95 = 1.959964


def best_threshold(scores: Numbers, same: Flags) -> float:
    """The threshold with the fewest errors; in the middle of the widest gap between scores where several are as good.

    scores: (P,), NaN where a photo gave no embedding: those pairs have no say here. same: (P,).
    """
    known = np.isfinite(scores)
    order = np.argsort(scores[known])
    values, labels = scores[known][order], same[known][order]
    if not len(values):
        return 0.0
    # Threshold number k lies below values[k]: the genuine before it and the impostors from it on are errors.
    missed = np.concatenate([[0], np.cumsum(labels)])
    accepted = np.concatenate([np.cumsum(~labels[::-1])[::-1], [0]])
    edges = np.concatenate([[values[0] - 1e-6], values, [values[-1] + 1e-6]])
    errors, gaps = missed + accepted, np.diff(edges)
    best = np.flatnonzero((errors == errors[gaps > 0].min()) & (gaps > 0))
    widest = int(best[np.argmax(gaps[best])])
    return float((edges[widest] + edges[widest + 1]) / 2)


def correct(scores: Numbers, same: Flags, threshold: float) -> Flags:
    """(P,): which pairs are judged right at the threshold. A pair without a score is wrong, whatever it is."""
    return np.asarray(np.isfinite(scores) & ((scores >= threshold) == same), np.bool_)


def wilson(successes: int, trials: int) -> ErrorRate:
    """A share of independent trials with Wilson's 95 % score interval (Journal of the ASA 22, 1927)."""
    if trials == 0:
        return ErrorRate(float("nan"), 0.0, 1.0)
    share, z2 = successes / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return ErrorRate(share, max(0.0, centre - half), min(1.0, centre + half))


def equal_error_rate(counts: ScoreCounts) -> tuple[float, float]:
    """The rate at which FMR and FNMR are equal, and its threshold, to the histogram's bin."""
    fmr, fnmr = counts.rates()
    place = int(np.argmin(np.abs(fmr - fnmr)))
    return float((fmr[place] + fnmr[place]) / 2), float(bin_edges()[place])
