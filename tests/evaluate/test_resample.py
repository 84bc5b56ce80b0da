from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.evaluate.resample import ImpostorTail, draws_of_people, interval
from mien.evaluate.scores import impostor_pairs, n_impostor_pairs
from mien.evaluate.templates import Templates


def test_a_draw_has_as_many_people_as_there_are() -> None:
    draws = list(draws_of_people(30, 5))
    assert [draw.sum() for draw in draws] == [30] * 5
    assert all((a == b).all() for a, b in zip(draws, draws_of_people(30, 5), strict=True))


def test_even_draw_counts_pairs_as_they_are(made_up: Callable[..., Templates]) -> None:
    templates = made_up(30)
    tail = ImpostorTail(templates, impostor_pairs(templates, 0.2))
    even = np.ones(30)
    assert tail.total(even) == n_impostor_pairs(templates)
    expected = (tail.scores >= 0.3).sum() / n_impostor_pairs(templates)
    assert tail.rates(np.array([0.3]), even)[0] == pytest.approx(expected)


def test_a_draw_equals_templates_copied_accordingly(made_up: Callable[..., Templates]) -> None:
    templates = made_up(12)
    draw = np.array([2.0, 0, 1, 1, 3, 1, 0, 1, 1, 1, 0, 1])
    tail = ImpostorTail(templates, impostor_pairs(templates, -1.0))
    copies = np.repeat(np.arange(24), draw[templates.people].astype(int))
    scores = templates.vectors[copies] @ templates.vectors[copies].T
    different = templates.people[copies][:, None] != templates.people[copies][None]
    assert tail.total(draw) == different.sum() / 2
    expected = (scores[different] >= 0.1).mean()
    assert tail.rates(np.array([0.1]), draw)[0] == pytest.approx(expected)


def test_people_make_wider_intervals_than_pairs() -> None:
    """One person who resembles everyone: pairs seem many, yet all hang on that one."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(60, 200))
    vectors[0] = 0.8 * vectors.sum(axis=0) / np.sqrt(60)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    templates = Templates(vectors.astype(np.float32), np.arange(60), (), np.full(60, np.nan, np.float32), "net@1")
    tail = ImpostorTail(templates, impostor_pairs(templates, 0.05))
    threshold = np.array([float(np.quantile(tail.scores, 0.5))])
    rates = np.array([tail.rates(threshold, draw)[0] for draw in draws_of_people(60)])
    value = tail.rates(threshold, np.ones(60))[0]
    binomial = np.sqrt(value * (1 - value) / 1770)
    assert rates.std() > 1.5 * binomial


def test_no_error_seen_gives_the_rule_of_3() -> None:
    rate = interval(np.zeros(10), 0.0, 30_000)
    assert (rate.value, rate.low, rate.high) == (0.0, 0.0, pytest.approx(1e-4))


def test_the_interval_always_holds_the_count() -> None:
    rate = interval(np.array([0.2, 0.3, 0.4]), 0.1, 100)
    assert rate.low <= rate.value <= rate.high
