from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.classification import (
    accuracy,
    balanced_accuracy,
    by_class,
    confusion,
    f1_scores,
    macro_f1,
    precisions,
    recalls,
    resampled,
    share,
)

TRUE = np.array([0, 0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 0, 1, 1, 0, 1])
# Class 3 is neither true nor said.
TABLE = np.array([[3, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])


def test_confusion_by_hand() -> None:
    assert np.array_equal(confusion(TRUE, SAID, 4), TABLE)
    twice = confusion(TRUE, SAID, 4, np.array([0, 0, 0, 2, 0, 0, 1.0]))
    assert twice[0, 1] == 2 and twice[2, 1] == 1 and twice.sum() == 3


def test_figures_by_hand() -> None:
    table = TABLE.astype(float)
    assert recalls(table) == pytest.approx([3 / 4, 1 / 2, 0, np.nan], nan_ok=True)
    assert precisions(table) == pytest.approx([3 / 4, 1 / 3, np.nan, np.nan], nan_ok=True)
    assert f1_scores(table) == pytest.approx([3 / 4, 2 / 5, 0, np.nan], nan_ok=True)
    assert accuracy(table) == pytest.approx(4 / 7)
    assert balanced_accuracy(table) == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)


def test_macro_f1_leaves_out_only_what_is_neither_true_nor_said() -> None:
    assert macro_f1(TABLE.astype(float)) == pytest.approx((3 / 4 + 2 / 5 + 0) / 3)
    said_but_absent = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert macro_f1(said_but_absent) == pytest.approx((2 / 3 + 0) / 2)
    assert balanced_accuracy(said_but_absent) == pytest.approx(1 / 2)


def test_each_class() -> None:
    first, second, third, absent = by_class(TABLE.astype(float), ("a", "b", "c", "d"))
    assert (first.name, first.n, first.n_said, first.f1, first.taken_for) == ("a", 4, 4, pytest.approx(0.75), "b")
    assert (second.taken_for, third.taken_for, absent.taken_for) == ("a", "b", "")
    assert third.n_said == 0 and np.isnan(third.precision.value) and third.recall.value == 0
    assert absent.to_dict()["recall"] == {"value": None, "low": 0.0, "high": 1.0}


def test_wilson_by_hand() -> None:
    """8 of 10: centre (0.8 + z2 / 20) / (1 + z2 / 10), z2 = 3.8415."""
    one = share(8, 10)
    assert (one.value, one.low, one.high) == (0.8, pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_resampling_knows_the_error_of_a_mean() -> None:
    values = np.random.default_rng(5).random(2000) < 0.3
    (mean,) = resampled(lambda weights: (weights @ values / weights.sum(),), 2000)
    assert mean.value == pytest.approx(values.mean())
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 * np.sqrt(0.3 * 0.7 / 2000), rel=0.15)


def test_resampling_is_repeatable_and_stands_a_class_that_no_draw_has() -> None:
    def figures(weights: np.ndarray) -> tuple[float, float]:
        table = confusion(TRUE, SAID, 4, weights)
        return balanced_accuracy(table), macro_f1(table)

    first = resampled(figures, 7)
    assert first == resampled(figures, 7)
    for one in first:
        assert 0 <= one.low <= one.value <= one.high <= 1 and one.low < one.high


@pytest.mark.parametrize("trials", [1, 3, 24, 62, 300, 3579])
def test_the_share_lies_in_its_interval_at_both_ends(trials: int) -> None:
    none, every = share(0, trials), share(trials, trials)
    assert 0 == none.low == none.value < none.high
    assert every.low < every.value == every.high == 1
