"""How far groups differ, and how far chance alone would make them differ: statistics of tables of counts.

A table (G, C) counts the faces of group row that have outcome column. Chance is asked by permutation: outcomes are
dealt anew to all faces, so that each group keeps its size and each outcome its total (Fisher, The Design of
Experiments, 1935). Sampling is asked by the bootstrap: each group's faces are drawn again, with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.classification import Estimate, Numbers
from mien.evaluate.resample import COVERAGE
from mien.record import Record

Counts = NDArray[np.int64]
REPLICATES: Final = 2000
SEED: Final = 1
# Two sums of the same shares in another order differ by this at most.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Distance(Record):
    """Total variation distance of a group's distribution to the plain mean of the groups': 0 the same, up to 1.

    It is the share of the group's faces that would have to be named otherwise. It is never negative, and with few faces
    larger than the truth: compare it with `chance`, the mean and 95 % range where the groups differ by chance alone.
    p_value: how often chance gives as much, by permutation, by Holm's method over the groups of the grouping.
    """

    distance: Estimate
    chance: Estimate
    p_value: float


@dataclass(frozen=True, slots=True)
class Spread(Record):
    """One rate over the groups: where it is highest and lowest, and the ratio of both.

    ratio: 1 where all groups are alike; infinite (None in JSON) where the lowest rate is 0. In each bootstrap draw the
    highest and the lowest are picked anew, so that the interval leans upwards, as the ratio itself does: compare with
    `chance`, the median and 95 % range where the groups differ by chance alone, and `p_value`, how often chance gives
    as much.
    """

    rate: str
    highest: str
    lowest: str
    ratio: Estimate
    chance: Estimate
    p_value: float


def table(groups: NDArray[np.integer], outcomes: NDArray[np.integer], shape: tuple[int, int]) -> Counts:
    """(G, C) int64 of the numbers (N,) of each face's group and outcome."""
    return np.bincount(groups * shape[1] + outcomes, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def total_variation(counts: NDArray[np.integer]) -> Numbers:
    """(..., G): half the summed differences between each row's shares and the mean of the rows' shares.

    counts: (..., G, C); no row may be empty. Each group has the same say in the mean, however many faces it has.
    """
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(shares - shares.mean(axis=-2, keepdims=True)).sum(axis=-1) / 2, np.float64)


def ratio(counts: NDArray[np.integer]) -> Numbers:
    """(...): highest over lowest share of the first column; 1 where all are 0, infinite where only the lowest is.

    counts: (..., G, 2); no row may be empty.
    """
    rates = counts[..., 0] / counts.sum(axis=-1)
    high, low = rates.max(axis=-1), rates.min(axis=-1)
    alone = np.where(high > 0, np.inf, 1.0)
    return np.asarray(np.divide(high, low, out=alone, where=low > 0), np.float64)


def kappa(counts: NDArray[np.integer]) -> Numbers:
    """(...): Cohen's kappa of tables (..., C, C) of what one said against what the other said.

    The share agreed on beyond what the totals alone would give, over what is left to agree on (Cohen, A Coefficient of
    Agreement for Nominal Scales, Educational and Psychological Measurement 20, 1960). NaN where both only ever say one
    and the same class.
    """
    n = counts.sum(axis=(-2, -1))
    agreed = np.trace(counts, axis1=-2, axis2=-1) / n
    expected = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1) / n.astype(np.float64) ** 2
    left = 1 - expected
    open_ = left > _ROUNDING
    return np.asarray(np.divide(agreed - expected, left, out=np.full(n.shape, np.nan), where=open_), np.float64)


def redrawn(counts: NDArray[np.integer], replicates: int = REPLICATES, seed: int = SEED) -> Counts:
    """(R, G, C): bootstrap draws; each row of `counts` (G, C) keeps its number of faces, which is not 0."""
    sizes = counts.sum(axis=1)
    shares = counts / sizes[:, None]
    draws = np.random.default_rng(seed).multinomial(sizes, shares, size=(replicates, len(counts)))
    return np.asarray(draws, np.int64)


def dealt(counts: NDArray[np.integer], replicates: int = REPLICATES, seed: int = SEED) -> Counts:
    """(R, G, C): permutations; each keeps the sums of the rows and of the columns of `counts` (G, C)."""
    random = np.random.default_rng(seed)
    left = np.tile(counts.sum(axis=0), (replicates, 1))
    draws = np.zeros((replicates, *counts.shape), np.int64)
    for group, size in enumerate(counts.sum(axis=1)):
        wanted = np.full(replicates, size)
        for outcome in range(counts.shape[1]):
            others = left[:, outcome + 1 :].sum(axis=1)
            drawn = random.hypergeometric(left[:, outcome], others, wanted)
            draws[:, group, outcome] = drawn
            left[:, outcome] -= drawn
            wanted -= drawn
    return draws


def distances(counts: NDArray[np.integer]) -> tuple[Distance | None, ...]:
    """One a row of `counts` (G, C), in order; None for a group without faces, which has no part in the mean."""
    held = np.flatnonzero(counts.sum(axis=1))
    result: list[Distance | None] = [None] * len(counts)
    if not len(held):
        return tuple(result)
    kept = counts[held]
    observed, again, null = total_variation(kept), total_variation(redrawn(kept)), total_variation(dealt(kept))
    values = holm([_p_value(null[:, place], float(observed[place])) for place in range(len(held))])
    for place, group in enumerate(held):
        chance = null[:, place]
        low, high = np.percentile(chance, COVERAGE)
        result[group] = Distance(
            estimate(float(observed[place]), again[:, place]),
            Estimate(float(chance.mean()), float(low), float(high)),
            values[place],
        )
    return tuple(result)


def spread(rate: str, names: Sequence[str], hits: Sequence[int], n: Sequence[int]) -> Spread | None:
    """How far a rate, `hits` of `n` in the group of each name, differs between groups; None with fewer than two.

    Groups without trials are left out.
    """
    held = [place for place, trials in enumerate(n) if trials]
    if len(held) < 2:
        return None
    counts = np.array([(hits[place], n[place] - hits[place]) for place in held], np.int64)
    rates = counts[:, 0] / counts.sum(axis=1)
    observed, null = float(ratio(counts[None])[0]), ratio(dealt(counts))
    low, middle, high = np.percentile(null, (COVERAGE[0], 50, COVERAGE[1]), method="inverted_cdf")
    return Spread(
        rate,
        names[held[int(rates.argmax())]],
        names[held[int(rates.argmin())]],
        estimate(observed, ratio(redrawn(counts))),
        Estimate(float(middle), float(low), float(high)),
        _p_value(null, observed),
    )


def kappa_estimate(counts: NDArray[np.integer]) -> Estimate:
    """Cohen's kappa of one table (C, C), its faces drawn again; NaN within -1..1 where there is none."""
    if not counts.sum() or np.isnan(kappa(counts[None])[0]):
        return Estimate(float("nan"), -1.0, 1.0)
    draws = kappa(redrawn(counts.reshape(1, -1)).reshape(-1, *counts.shape))
    return estimate(float(kappa(counts[None])[0]), draws[~np.isnan(draws)])


def estimate(value: float, replicates: Numbers) -> Estimate:
    """`value` with the 2.5th and 97.5th percentile of its replicates (R,), widened to hold it; infinity is allowed."""
    if not len(replicates):
        return Estimate(value, value, value)
    low, high = np.percentile(replicates, COVERAGE, method="inverted_cdf")
    return Estimate(value, float(min(low, value)), float(max(high, value)))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """As many p-values, adjusted for being read together (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def _p_value(null: Numbers, observed: float) -> float:
    """Never 0: the observation is one of the permutations (Phipson and Smyth, 2010)."""
    return float((1 + np.count_nonzero(null >= observed - _ROUNDING)) / (1 + len(null)))
