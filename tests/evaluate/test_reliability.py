from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.reliability import N_BINS, brier, ece, reliability, selective

CONFIDENCE = np.array([0.95, 0.95, 0.95, 0.55, 0.55])
RIGHT = np.array([True, True, False, True, False])
# Bin of 0.95: three faces, 2 of 3 right; bin of 0.55: two faces, one right.
BY_HAND = (3 * abs(0.95 - 2 / 3) + 2 * abs(0.55 - 1 / 2)) / 5


def test_ece_by_hand() -> None:
    assert ece(CONFIDENCE, RIGHT) == pytest.approx(BY_HAND)


def test_gaps_of_both_signs_cancel_only_inside_a_bin() -> None:
    """0.61 and 0.65 share a bin: 1.26 expected, 1 right; 0.1 is another bin, where more is right than expected."""
    assert ece(np.array([0.61, 0.65]), np.array([True, False])) == pytest.approx(0.26 / 2)
    assert ece(np.array([0.61, 0.1]), np.array([False, True])) == pytest.approx((0.61 + 0.9) / 2)


def test_weights_are_repeated_faces() -> None:
    weights = np.array([2, 0, 1, 3, 1])
    repeated = np.repeat(np.arange(5), weights)
    assert ece(CONFIDENCE, RIGHT, weights.astype(float)) == pytest.approx(ece(CONFIDENCE[repeated], RIGHT[repeated]))


def test_edges_belong_to_the_lower_bin() -> None:
    two = np.array([[1.0, 0.0], [0.6, 0.4]])
    bins = reliability(two, np.array([0, 0])).bins
    assert len(bins) == N_BINS and bins[-1].n == 1 and bins[0].low == 0 and bins[-1].high == 1
    assert [number for number, one in enumerate(bins) if one.n] == [8, 14]  # 0.6 = 9 / 15 closes bin 8


def test_brier_by_hand() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]])
    assert brier(probabilities, np.array([0, 2])) == pytest.approx([0.09 + 0.04 + 0.01, 2.0])


def test_all_figures_of_a_small_set() -> None:
    probabilities = np.column_stack([CONFIDENCE, 1 - CONFIDENCE])
    labels = np.where(RIGHT, 0, 1)
    found = reliability(probabilities, labels)
    assert found.ece.value == pytest.approx(BY_HAND)
    right, wrong = [0.95, 0.95, 0.55], [0.95, 0.55]
    assert found.brier.value == pytest.approx((sum(2 * (1 - c) ** 2 for c in right) + sum(2 * c**2 for c in wrong)) / 5)
    likelihood = sum(np.log(c) for c in right) + sum(np.log(1 - c) for c in wrong)
    assert found.negative_log_likelihood.value == pytest.approx(-likelihood / 5)
    filled = [one for one in found.bins if one.n]
    assert [one.n for one in filled] == [2, 3]
    assert filled[1].confidence == pytest.approx(0.95) and filled[1].accuracy == pytest.approx(2 / 3)
    assert found.bins[0].to_dict()["confidence"] is None


def test_certain_and_wrong_costs_much_but_not_without_end() -> None:
    found = reliability(np.array([[1.0, 0.0]]), np.array([1]))
    assert 20 < found.negative_log_likelihood.value < 100


def test_selective_by_hand() -> None:
    rows = selective(CONFIDENCE, RIGHT, (0.5, 0.55, 0.9, 0.99))
    assert [row.n_said for row in rows] == [5, 5, 3, 0]
    assert [row.coverage.value for row in rows] == [1, 1, 0.6, 0]
    assert [row.accuracy.value for row in rows[:3]] == pytest.approx([0.6, 0.6, 2 / 3])
    assert rows[3].to_dict()["accuracy"]["value"] is None
