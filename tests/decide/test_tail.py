from __future__ import annotations

import numpy as np
import pytest

from mien.decide.tail import Pareto, fit_pareto, ks_distance


@pytest.mark.parametrize(("shape", "scale"), [(-0.3, 0.1), (-0.1, 0.05), (0.1, 1.0)])
def test_the_fit_recovers_the_distribution(shape: float, scale: float) -> None:
    truth = Pareto(shape, scale)
    sample = truth.excess(np.random.default_rng(1).random(50_000))
    fitted = fit_pareto(sample)
    assert fitted.shape == pytest.approx(shape, abs=0.02)
    assert fitted.scale == pytest.approx(scale, rel=0.03)
    assert ks_distance(fitted, sample) < 0.01


def test_the_distance_tells_a_wrong_model() -> None:
    sample = Pareto(-0.2, 0.1).excess(np.random.default_rng(1).random(5_000))
    assert ks_distance(Pareto(0.3, 0.2), sample) > 0.1


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.2])
def test_survival_and_excess_are_inverse(shape: float) -> None:
    model, shares = Pareto(shape, 0.07), np.array([0.9, 0.1, 1e-4])
    assert model.survival(model.excess(shares)) == pytest.approx(shares)


def test_nothing_lies_over_the_upper_end() -> None:
    model = Pareto(-0.5, 0.1)
    assert model.survival(np.array([0.19, 0.2, 0.5]))[1:].tolist() == [0.0, 0.0]


def test_weights_count_a_value_several_times() -> None:
    values = np.random.default_rng(2).exponential(size=200)
    weights = np.random.default_rng(3).integers(1, 4, 200)
    repeated = fit_pareto(np.repeat(values, weights))
    weighted = fit_pareto(values, weights.astype(np.float64))
    assert weighted.shape == pytest.approx(repeated.shape, abs=1e-9)
    assert weighted.scale == pytest.approx(repeated.scale, abs=1e-9)
