"""Intervals by resampling people: pairs share people, so that resampling pairs would claim too much.

One draw takes as many people as there are, with replacement; a pair of two people then counts as often as the product
of how often each was drawn, a pair within one person as often as that person was. Sources: Bolle, Ratha and Pankanti,
Error analysis of pattern recognition systems: the subsets bootstrap, Computer Vision and Image Understanding 93 (2004);
Snijders and Borgatti, Non-parametric standard errors and tests for network statistics, Connections 22 (1999).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import ErrorRate
from mien.evaluate.scores import Pairs
from mien.evaluate.templates import Templates

Numbers = NDArray[np.float64]
REPLICATES = 400
COVERAGE = (2.5, 97.5)
# No error in n trials: 3 / n is the 95 % upper bound (Jovanovic and Levy, The American Statistician 51, 1997).
RULE_OF_3 = 3.0
# 30 errors: the rate is known to 30 % with 90 % confidence (Doddington et al., Speech Communication 31, 2000).
RULE_OF_30 = 30.0


def draws_of_people(n_people: int, replicates: int = REPLICATES, seed: int = 1) -> Iterator[Numbers]:
    """How often each person is drawn, (n_people,), once a replicate. The same seed gives the same draws."""
    random = np.random.default_rng(seed)
    for _ in range(replicates):
        yield np.bincount(random.integers(0, n_people, n_people), minlength=n_people).astype(np.float64)


class ImpostorTail:
    """The high-scoring impostor pairs and how to weigh them under one draw of people."""

    def __init__(self, templates: Templates, pairs: Pairs) -> None:
        self.scores = pairs.scores.astype(np.float64)
        self._first = templates.people[pairs.first]
        self._second = templates.people[pairs.second]
        self._sizes = np.bincount(templates.people).astype(np.float64)

    def weights(self, draw: Numbers) -> Numbers:
        """(P,): how often each pair counts."""
        return draw[self._first] * draw[self._second]

    def total(self, draw: Numbers) -> float:
        """How many impostor pairs there are in all under the draw, those below the tail included."""
        drawn = draw * self._sizes
        return float(drawn.sum() ** 2 - (drawn**2).sum()) / 2

    def rates(self, thresholds: Numbers, draw: Numbers) -> Numbers:
        """FMR (T,) at each threshold that lies within the tail."""
        above = np.concatenate([[0.0], np.cumsum(self.weights(draw))])
        return np.asarray(above[self.counts(thresholds)] / self.total(draw), np.float64)

    def counts(self, thresholds: Numbers) -> NDArray[np.intp]:
        """How many pairs score at least each threshold, without weights."""
        return np.searchsorted(-self.scores, -thresholds, side="right")


def interval(values: Numbers, counted: float, n_independent: int) -> ErrorRate:
    """A rate with the percentiles of its replicates; the rule of 3 where nothing was counted.

    values: (R,) the replicates. n_independent: how many trials may be called independent at most.
    """
    if counted == 0:
        return ErrorRate(0.0, 0.0, min(1.0, RULE_OF_3 / max(1, n_independent)))
    low, high = np.percentile(values, COVERAGE)
    return ErrorRate(counted, float(min(low, counted)), float(max(high, counted)))
