"""The upper tail of impostor scores as a generalised Pareto distribution (peaks over a threshold)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pareto:
    """P(X > x) = (1 + shape * x / scale) ** (-1 / shape) for exceedances x >= 0; shape < 0 has an upper end."""

    shape: float
    scale: float

    def survival(self, excess: Numbers) -> Numbers:
        """P(X > excess), elementwise."""
        if abs(self.shape) < 1e-9:
            return np.exp(-excess / self.scale)
        inside = np.maximum(1 + self.shape * excess / self.scale, 0)
        with np.errstate(divide="ignore"):
            return np.asarray(inside ** (-1 / self.shape), np.float64)

    def excess(self, survival: Numbers) -> Numbers:
        """The exceedance that a share `survival` of the distribution lies over, elementwise."""
        if abs(self.shape) < 1e-9:
            return -self.scale * np.log(survival)
        return np.asarray(self.scale / self.shape * (survival**-self.shape - 1), np.float64)


def fit_pareto(excess: Numbers, weights: Numbers | None = None) -> Pareto:
    """Fit by probability-weighted moments; weights (of a bootstrap) count an exceedance several times.

    With a0 = E[X] and a1 = E[X (1 - F(X))]: shape = 2 - a0 / (a0 - 2 a1), scale = 2 a0 a1 / (a0 - 2 a1). Source:
    Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto distribution, Technometrics 29
    (1987). Their moments exist for shape < 1, which scores with an upper bound never reach.
    """
    weights = np.ones_like(excess) if weights is None else weights
    order = np.argsort(excess)
    values, masses = excess[order], weights[order] / weights.sum()
    above = 1 - (np.cumsum(masses) - masses / 2)
    a0, a1 = float(masses @ values), float(masses @ (values * above))
    return Pareto(2 - a0 / (a0 - 2 * a1), 2 * a0 * a1 / (a0 - 2 * a1))


def ks_distance(model: Pareto, excess: Numbers) -> float:
    """Kolmogorov and Smirnov's distance between the model and the sample, 0..1."""
    values = np.sort(excess)
    modelled = 1 - model.survival(values)
    steps = np.arange(len(values) + 1) / len(values)
    return float(max(np.abs(modelled - steps[1:]).max(), np.abs(modelled - steps[:-1]).max()))
