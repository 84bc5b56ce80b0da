from __future__ import annotations

import math

import numpy as np
import pytest

from mien.evaluate.sequence_steadiness import (
    Course,
    Transition,
    delay,
    flicker,
    found_at,
    frame_course,
    right_moments,
    smoothed_course,
    transitions,
)
from mien.expression.steady import Steadiness

CLASSES = ("calm", "glad")


def course(labels: str, step: float = 0.1) -> Course:
    """`c` calm, `g` glad, `?` unsure, `-` nothing said; one a step."""
    names = {"c": "calm", "g": "glad", "?": "unsure", "-": None}
    return Course(tuple(step * place for place in range(len(labels))), tuple(names[one] for one in labels))


def test_flicker_counts_changes_over_the_time() -> None:
    found = flicker([course("ccggc"), course("g-g?"), course("c")])
    assert (found.changes, found.seconds) == (3, pytest.approx(0.7))
    assert found.changes_a_second == pytest.approx(3 / 0.7)
    assert math.isnan(flicker([]).changes_a_second)


def test_the_frame_models_word() -> None:
    times, said = np.array([0, 0.1], np.float32), np.array([[0.9, 0.1], [0.45, 0.55]])
    assert frame_course(times, said, CLASSES).labels == ("calm", "glad")
    assert frame_course(times, said, CLASSES, 0.6).labels == ("calm", "unsure")


def test_smoothing_and_steadiness_quieten_noise_and_let_changes_through() -> None:
    random = np.random.default_rng(3)
    glad = np.clip(np.repeat([0.2, 0.8], 50) + random.normal(0, 0.2, 100), 0, 1)
    said, times = np.stack([1 - glad, glad], axis=1), np.arange(100, dtype=np.float32) / 25
    raw = frame_course(times, said, CLASSES)
    steady = smoothed_course(times, said, CLASSES, 0.1, (0.0, Steadiness(0.04)))
    assert flicker([raw]).changes >= 5 * flicker([steady]).changes > 0
    change = Transition(2.0, "glad", 4.0)
    assert 2.0 <= (found_at(steady, change) or 0) <= 2.5
    assert smoothed_course(times, said, CLASSES, 0, (0.0, Steadiness(0.0))).labels == raw.labels


def test_transitions_are_where_another_class_leads_for_long_enough() -> None:
    glad = np.array([0.1] * 5 + [0.9] * 10 + [0.2] * 2 + [0.9] * 5)
    found = transitions(np.arange(22, dtype=np.float32) / 10, np.stack([1 - glad, glad], axis=1), CLASSES)
    assert [(round(one.time, 3), one.label) for one in found] == [(0.5, "glad"), (1.7, "glad")]
    still = np.ones((4, 2), np.float32) * [1, 0]
    assert transitions(np.arange(4, dtype=np.float32), still, CLASSES) == []


def test_delay_is_of_what_was_found_and_added_is_pairwise() -> None:
    changes = [[Transition(0.3, "glad", 0.8)]] * 3
    courses = [course("ccccggcc"), course("cccccccc"), course("ccccccgg")]
    references = [course("cccggggg"), course("cccggggg"), course("cccccccc")]
    found = delay(courses, references, changes)
    assert (found.transitions, found.found, found.both_found) == (3, 2, 1)
    assert found.median == pytest.approx(0.2) and found.added_median == pytest.approx(0.1)
    assert math.isnan(delay([], [], []).added_median)


def test_what_is_said_too_late_or_before_is_not_found() -> None:
    assert found_at(course("cccccccg"), Transition(0.3, "glad", 0.6)) is None
    assert found_at(course("gcccccccc"), Transition(0.5, "glad", 0.8)) is None
    assert found_at(course("c" * 30 + "g"), Transition(0.5, "glad", 9.0)) is None


def test_moments_without_a_word_are_wrong() -> None:
    assert right_moments([["calm", None, "glad", "unsure"]], [np.array(["calm", "calm", "glad", "glad"])]) == 0.5
