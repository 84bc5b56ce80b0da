"""Temperature scaling: logits over T before softmax, so that a confidence of 0.8 is right eight times in ten.

Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017. It never changes which
class is the likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import DataError

Numbers = NDArray[np.float64]
LOWEST: Final = 0.05
HIGHEST: Final = 20.0
# Of the temperature's logarithm: finer than any number of faces can tell.
TOLERANCE: Final = 1e-5
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


def log_softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Numbers:
    """(N, C) logits to the natural logarithms of probabilities, (N, C) float64."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)), np.float64)


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Numbers:
    """(N, C) logits to probabilities, (N, C) float64; each row sums to 1."""
    return np.exp(log_softmax(logits, temperature))


def cross_entropy(
    logits: NDArray[np.floating], targets: NDArray[np.integer] | NDArray[np.floating], temperature: float = 1.0
) -> Numbers:
    """(N,) float64, in nats: each face's negative log-likelihood.

    logits: (N, C). targets: (N,) class numbers, or (N, C) distributions such as the shares of the votes.
    """
    logs = log_softmax(logits, temperature)
    if targets.ndim == 1:
        return np.asarray(-logs[np.arange(len(logs)), targets.astype(np.int64)], np.float64)
    return np.asarray(-(targets * logs).sum(axis=1), np.float64)


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.integer] | NDArray[np.floating]) -> float:
    """The temperature in 0.05..20 with the lowest mean cross-entropy, by golden-section search over its logarithm.

    logits: (N, C). targets: (N,) class numbers, -1 for a face without a label; or (N, C) distributions, a row of zeros
    for a face without one. Such faces have no say. Fitted to vote distributions, a confidence means the share of the
    voters; fitted to labels (a majority's, too), the chance to name the label: choose what shall be reported.
    Raises DataError where no face has a target.
    """
    known = targets >= 0 if targets.ndim == 1 else targets.sum(axis=1) > 0
    if not known.any():
        raise DataError("A temperature cannot be fitted: no face has a label.", "Give labelled validation faces.")
    logits, targets = np.asarray(logits)[known], targets[known]

    def cost(log_temperature: float) -> float:
        return float(cross_entropy(logits, targets, math.exp(log_temperature)).mean())

    # The cost is convex in 1 / T, so that it has one valley over the logarithm as well.
    return math.exp(_valley(cost, math.log(LOWEST), math.log(HIGHEST)))


def _valley(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest, to TOLERANCE."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > TOLERANCE:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return (low + high) / 2
