"""A label changes when another class leads for long enough, and not before."""

from __future__ import annotations

import pytest

from mien.errors import SettingsError
from mien.expression.steady import Steadiness, SteadyLabel, next_label, steady_labels

RULE = Steadiness(0.04)


def said(**shares: float) -> dict[str, float]:
    return {"neutral": 0.0, "happiness": 0.0, "sadness": 0.0} | shares


def after(state: SteadyLabel, *frames: dict[str, float], seconds: float = 0.04) -> SteadyLabel:
    for frame in frames:
        state = next_label(state, frame, seconds, 0.5, RULE)
    return state


def test_the_first_frame_is_believed() -> None:
    assert after(SteadyLabel(), said(happiness=0.9)).label == "happiness"
    assert after(SteadyLabel(), said(happiness=0.4, neutral=0.35)).label == "unsure"


def test_a_clear_lead_needs_two_frames_and_a_faint_one_many() -> None:
    start = after(SteadyLabel(), said(neutral=0.9))
    clear, faint = said(happiness=0.9, neutral=0.05), said(happiness=0.52, neutral=0.42)
    assert after(start, clear).label == "neutral"
    assert after(start, clear, clear).label == "happiness"
    assert after(start, *[faint] * 9).label == "neutral"
    assert after(start, *[faint] * 11).label == "happiness"


def test_a_flicker_leaves_no_trace() -> None:
    start = after(SteadyLabel(), said(neutral=0.9))
    flicker = [said(happiness=0.9, neutral=0.1), said(neutral=0.9)] * 20
    assert after(start, *flicker) == start


def test_another_rival_begins_from_nothing() -> None:
    start = after(SteadyLabel(), said(neutral=0.9))
    assert after(start, said(happiness=0.95), said(sadness=0.95)).label == "neutral"


def test_doubt_becomes_unsure_only_when_it_stays() -> None:
    start = after(SteadyLabel(), said(happiness=0.9))
    doubt = said(happiness=0.3, neutral=0.3)
    assert after(start, doubt).label == "happiness"
    assert after(start, *[doubt] * 6).label == "unsure"


def test_a_label_that_is_still_the_likeliest_outlives_a_little_doubt() -> None:
    start = after(SteadyLabel(), said(happiness=0.9))
    doubt, despair = said(happiness=0.4, neutral=0.35), said(happiness=0.29, neutral=0.28)
    assert after(start, *[doubt] * 100) == start
    assert after(start, *[despair] * 6).label == "unsure"
    assert after(SteadyLabel(), doubt).label == "unsure"


def test_unsure_gathers_by_what_the_likeliest_class_lacks_not_by_the_label() -> None:
    start = after(SteadyLabel(), said(happiness=0.9))
    nearly = said(neutral=0.45, happiness=0.1)
    assert after(start, *[nearly] * 15).label == "happiness"
    assert after(start, *[nearly] * 25).label == "unsure"


def test_unsure_ends_by_the_lead_over_the_next_class_not_over_the_limit() -> None:
    start = after(SteadyLabel(), said(neutral=0.3, happiness=0.3))
    assert start.label == "unsure"
    assert after(start, *[said(happiness=0.55, neutral=0.05)] * 2).label == "happiness"
    assert after(start, *[said(happiness=0.52, neutral=0.42)] * 9).label == "unsure"


def test_a_long_pause_does_not_decide_alone() -> None:
    start = after(SteadyLabel(), said(neutral=0.9))
    assert next_label(start, said(happiness=0.6, neutral=0.3), 5.0, 0.5, RULE).label == "neutral"


def test_of_a_whole_sequence_a_change_lies_where_it_began() -> None:
    frames = [said(neutral=0.9)] * 3 + [said(happiness=0.7, neutral=0.3)] * 4
    times = [0.04 * place for place in range(len(frames))]
    assert steady_labels(frames, times, 0.5, RULE) == ["neutral"] * 3 + ["happiness"] * 4
    flicker = [said(neutral=0.9), said(happiness=0.9), said(neutral=0.9)]
    assert steady_labels(flicker, times[:3], 0.5, RULE) == ["neutral"] * 3


def test_nonsense_is_refused() -> None:
    with pytest.raises(SettingsError, match="lead_seconds"):
        Steadiness(-1)
