"""Distances, ratios and kappas that can be counted by hand, and chance that is known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.evaluate.disparity import (
    dealt,
    distances,
    estimate,
    holm,
    kappa,
    kappa_estimate,
    ratio,
    redrawn,
    spread,
    table,
    total_variation,
)

TABLES = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any), min_size=1, max_size=4)


def test_a_table_counts_groups_by_outcome() -> None:
    counts = table(np.array([0, 0, 2, 2]), np.array([1, 1, 0, 1]), (3, 2))
    assert counts.tolist() == [[0, 2], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[1, 0], [0, 1]], [0.5, 0.5]),
        ([[3, 1], [30, 10]], [0, 0]),
        ([[4, 0], [2, 2], [0, 4]], [0.5, 0, 0.5]),
        # Shares 1, .5, 0 and 0, .25, .75: the mean is not swayed by the larger group.
        ([[10, 0, 0], [5, 5, 0]], [0.25, 0.25]),
        ([[7, 3]], [0]),
    ],
)
def test_total_variation_by_hand(counts: list[list[int]], expected: list[float]) -> None:
    assert total_variation(np.array(counts)) == pytest.approx(expected)


def test_total_variation_of_many_tables_at_once() -> None:
    pair = np.array([[[1, 0], [0, 1]], [[1, 1], [2, 2]]])
    assert total_variation(pair) == pytest.approx(np.array([[0.5, 0.5], [0, 0]]))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[6, 4], [3, 7]], 2),
        ([[1, 9], [20, 180]], 1),
        ([[0, 5], [1, 4]], math.inf),
        ([[0, 5], [0, 4]], 1),
    ],
)
def test_ratio_by_hand(counts: list[list[int]], expected: float) -> None:
    assert ratio(np.array([counts])) == pytest.approx(np.array([expected]))


def test_kappa_by_hand() -> None:
    """20 of 50 agreed on `yes` and 15 on `no`; the totals alone give 0.5: (0.7 - 0.5) / (1 - 0.5)."""
    counts = np.array([[20, 5], [10, 15]])
    assert kappa(counts[None]) == pytest.approx(np.array([0.4]))
    one = kappa_estimate(counts)
    assert one.value == pytest.approx(0.4) and one.low < 0.25 and 0.55 < one.high <= 1


def test_kappa_at_its_ends() -> None:
    assert kappa(np.array([[[5, 0], [0, 5]], [[0, 5], [5, 0]]])) == pytest.approx(np.array([1, -1]))


@pytest.mark.parametrize("counts", [[[9, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_no_kappa_where_one_class_is_all(counts: list[list[int]]) -> None:
    one = kappa_estimate(np.array(counts))
    assert math.isnan(one.value) and (one.low, one.high) == (-1, 1)


@given(TABLES)
def test_dealing_keeps_both_sums(rows: list[list[int]]) -> None:
    counts = np.array(rows)
    draws = dealt(counts, 20)
    assert (draws >= 0).all()
    assert (draws.sum(axis=2) == counts.sum(axis=1)).all() and (draws.sum(axis=1) == counts.sum(axis=0)).all()


def test_dealing_is_fair() -> None:
    """The mean of a cell is row times column over all; its spread that of the hypergeometric distribution."""
    counts = np.array([[12, 0, 8], [3, 20, 7]])
    draws = dealt(counts, 4000)
    expected = counts.sum(axis=1)[:, None] * counts.sum(axis=0) / counts.sum()
    assert draws.mean(axis=0) == pytest.approx(expected, abs=0.15)
    n, k, drawn = 50, 15, 20
    assert draws[:, 0, 0].var() == pytest.approx(drawn * k / n * (1 - k / n) * (n - drawn) / (n - 1), rel=0.1)


@given(TABLES)
def test_drawing_again_keeps_the_groups_and_invents_nothing(rows: list[list[int]]) -> None:
    counts = np.array(rows)
    draws = redrawn(counts, 20)
    assert (draws.sum(axis=2) == counts.sum(axis=1)).all()
    assert not draws[:, counts == 0].any()


def test_a_real_difference_is_told_from_noise() -> None:
    apart = distances(np.array([[180, 20], [100, 100], [100, 100]]))
    first, second = apart[0], apart[1]
    assert first and second
    assert first.distance.value == pytest.approx(0.8 / 3)
    assert first.distance.low > first.chance.high
    assert first.p_value == pytest.approx(3 / 2001)


def test_noise_is_not_called_a_difference() -> None:
    """Groups drawn from one distribution: at a level of 5 % about one run in twenty finds anything at all."""
    random = np.random.default_rng(3)
    found = 0
    for _ in range(100):
        counts = random.multinomial(60, [0.5, 0.3, 0.15, 0.05], size=5)
        found += any(one.p_value < 0.05 for one in distances(counts) if one)
    assert found <= 12


def test_a_group_without_faces_has_no_distance_and_no_say() -> None:
    apart = distances(np.array([[5, 5], [0, 0], [10, 0]]))
    assert apart[1] is None and apart[0] and apart[0].distance.value == pytest.approx(0.25)
    assert distances(np.zeros((2, 3), np.int64)) == (None, None)


def test_a_spread_names_the_groups() -> None:
    one = spread("lost", ["a", "b", "c", "empty"], [10, 40, 20, 0], [100, 100, 100, 0])
    assert one and (one.rate, one.highest, one.lowest) == ("lost", "b", "a")
    assert one.ratio.value == pytest.approx(4)
    assert one.ratio.low > one.chance.high >= one.chance.value >= 1 and one.p_value == pytest.approx(1 / 2001)


def test_a_spread_of_chance() -> None:
    one = spread("lost", ["a", "b", "c"], [10, 11, 13], [100, 100, 100])
    assert one and one.p_value > 0.5 and one.chance.low <= one.ratio.value <= one.chance.high


def test_a_lowest_rate_of_0() -> None:
    one = spread("lost", ["a", "b"], [0, 30], [100, 100])
    assert one and math.isinf(one.ratio.value) and one.p_value == pytest.approx(1 / 2001)
    assert one.to_dict()["ratio"]["value"] is None


def test_one_group_alone_has_no_spread() -> None:
    assert spread("lost", ["a", "b"], [1, 0], [2, 0]) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.6]) == (1, 1) and holm([]) == ()


@given(st.lists(st.floats(0.001, 1), max_size=9))
def test_holm_only_ever_raises_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= v and a <= 1 for a, v in zip(adjusted, values, strict=True))
    in_order = [adjusted[place] for place in np.argsort(values, kind="stable")]
    assert all(a <= b for a, b in pairwise(in_order))


def test_an_interval_holds_its_value_and_knows_infinity() -> None:
    one = estimate(9, np.array([1.0, 2.0, 3.0]))
    assert (one.low, one.value, one.high) == (1, 9, 9)
    assert estimate(2, np.array([1.0, np.inf, np.inf])).high == np.inf
