from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.metrics import best_threshold, correct, equal_error_rate, wilson
from mien.evaluate.scores import BINS, ScoreCounts


def test_threshold_lies_in_the_middle_of_the_gap() -> None:
    scores, same = np.array([0.1, 0.2, 0.6, 0.7]), np.array([False, False, True, True])
    assert best_threshold(scores, same) == pytest.approx(0.4, abs=0.002)


def test_threshold_is_near_the_best_for_other_pairs() -> None:
    """Of two equal spreads the best threshold is half way, whatever the luck of the draw."""
    random = np.random.default_rng(0)
    same = random.random(2000) < 0.5
    scores = random.normal(0.2 + 0.3 * same, 0.1)
    assert best_threshold(scores, same) == pytest.approx(0.35, abs=0.01)


def test_one_kind_of_pairs_alone_is_all_accepted_or_all_refused() -> None:
    scores = np.array([0.2, 0.5])
    assert best_threshold(scores, np.array([True, True])) <= 0.2
    assert best_threshold(scores, np.array([False, False])) > 0.2


def test_pairs_without_a_score_have_no_say_and_are_wrong() -> None:
    scores, same = np.array([0.1, np.nan, np.nan, 0.9]), np.array([False, False, True, True])
    threshold = best_threshold(scores, same)
    assert threshold == pytest.approx(0.5)
    assert correct(scores, same, threshold).tolist() == [True, False, False, True]


def test_wilson_agrees_with_the_published_formula() -> None:
    # 81 of 263: 0.308, 0.255 to 0.366 (Newcombe, Statistics in Medicine 17, 1998, table I).
    rate = wilson(81, 263)
    assert (rate.low, rate.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(10, 10).high == pytest.approx(1.0)
    assert wilson(0, 10).low == pytest.approx(0.0)


def test_equal_error_rate_of_overlapping_uniform_scores() -> None:
    genuine, impostor = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    impostor[: BINS // 2 + BINS // 10] = 1
    genuine[BINS // 2 :] = 1
    rate, threshold = equal_error_rate(ScoreCounts(genuine, impostor))
    # FMR(t) = (0.2 - t) / 1.2 and FNMR(t) = t meet at t = 0.2 / 2.2.
    assert threshold == pytest.approx(0.2 / 2.2, abs=1e-3)
    assert rate == pytest.approx(0.2 / 2.2, abs=1e-3)
