"""The field's figures for verification: threshold, accuracy, EER. Rates are shares, 0..1."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import ErrorRate
from mien.evaluate.scores import ScoreCounts, bin_edges

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Z_95 = 1.959964
GRID: Final = 1024


def best_threshold(scores: Numbers, same: Flags) -> float:
    """The threshold with the fewest errors to be expected on other pairs of the kind.

    Each score stands for a normal distribution about it, with Silverman's bandwidth for its class (Density Estimation
    for Statistics and Data Analysis, 1986, equation 3.31): the fewest errors counted would hang on a handful of pairs,
    and lie at several thresholds at once. scores: (P,), NaN where a photo gave no embedding: those pairs have no say.
    same: (P,).
    """
    known = np.isfinite(scores)
    genuine, impostor = scores[known & same], scores[known & ~same]
    if not len(genuine) or not len(impostor):
        return float(impostor.max(initial=-1.0)) + 1e-6 if not len(genuine) else float(genuine.min())
    grid = np.linspace(scores[known].min(), scores[known].max(), GRID)
    # Moving the threshold up trades the impostors passed for the genuine passed.
    gain = _density(grid, genuine) - _density(grid, impostor)
    errors = np.cumsum(gain) - gain / 2
    lowest = np.flatnonzero(errors <= errors.min() + 1e-9)
    return float(grid[lowest].mean())


def _density(grid: Numbers, scores: Numbers) -> Numbers:
    """(G,) the kernel estimate at `grid`, times the number of `scores`."""
    quartiles = np.subtract(*np.quantile(scores, [0.75, 0.25])) / 1.34
    spread = min(scores.std(), quartiles) or scores.std()
    width = max(0.9 * spread * len(scores) ** -0.2, grid[1] - grid[0], 1e-6)
    kernels = np.exp(-0.5 * ((grid[:, None] - scores) / width) ** 2)
    return np.asarray(kernels.sum(axis=1) / width, np.float64)


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
