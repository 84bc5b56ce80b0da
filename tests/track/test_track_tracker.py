"""What a user relies on: one person is one track, through misses, occlusion, cuts and returns."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.track.made_up_scenes import FRONTAL, Run, Scene, Walker, detection, person, run, stands, unit, walks

from mien.errors import ExtraMissing
from mien.face import Box, Floats
from mien.track.tracker import Tracker, TrackPolicy, Update

ANNA, BEN, CARL = (person(np.random.default_rng(seed)) for seed in range(3))
PROFILE = FRONTAL * [0, 1] + [[0.5, 0], [0.8, 0], [0.9, 0], [0.6, 0], [0.8, 0]]


def scene(*walkers: Walker, noise: float = 0.0) -> Scene:
    """Without a detector's mistakes, if not asked for."""
    return Scene([*walkers], np.random.default_rng(7), 0.02, noise, noise, noise)


def times(seconds: float, rate: float = 25.0, start: float = 0.0) -> np.ndarray:
    """Of the frames."""
    return start + np.arange(round(seconds * rate)) / rate


def blind(_: int) -> Floats | None:
    """No embedder was asked for."""
    return None


def only_track(result: Run, number: int = 0) -> int:
    """The one track of a walker."""
    assert len(result.of[number]) == 1, result.of
    return next(iter(result.of[number]))


@pytest.mark.parametrize("rate", [5, 12, 25, 60])
def test_one_person_is_one_track_at_any_rate(rate: int) -> None:
    result = run(scene(Walker(ANNA, stands(300)), noise=0.05), times(8, rate))
    assert result.tracks == {1} and only_track(result) == 1


def test_frames_may_come_at_any_time() -> None:
    rng = np.random.default_rng(1)
    moments = np.cumsum(rng.choice([1 / 60, 1 / 25, 0.2], 200))
    result = run(scene(Walker(ANNA, walks((0, 2000), 200, 80, moments[-1])), noise=0.03), moments)
    assert result.tracks == {1}


@pytest.mark.parametrize("rate", [5, 25, 60])
def test_a_track_starts_once_the_face_was_there_for_a_while(rate: int) -> None:
    result = run(scene(Walker(ANNA, stands(300))), times(2, rate))
    started = [moment for moment, update in zip(times(2, rate), result.updates, strict=True) if update.started]
    assert len(started) == 1 and started[0] >= 0.2 - 1e-6 and started[0] <= 0.4
    before = result.updates[: round(started[0] * rate)]
    assert not any(update.seen for update in before)


def test_flickers_of_the_detector_are_nobody() -> None:
    noisy = Scene([], np.random.default_rng(3), flicker=0.3)
    result = run(noisy, times(40))
    assert result.tracks == set()


def test_a_flicker_that_stays_in_place_for_two_frames_is_nobody() -> None:
    tracker = Tracker()
    for place, moment in enumerate(times(4)):
        found = [detection(Box(100, 100, 60, 70))] if place % 10 < 2 else []
        assert tracker.update(float(moment), found, blind).seen == ()


def test_second_boxes_on_a_face_are_not_people() -> None:
    doubled = Scene([Walker(ANNA, stands(300))], np.random.default_rng(5), doubled=0.6)
    result = run(doubled, times(20))
    assert result.tracks == {1}


@pytest.mark.parametrize("embeds", [True, False])
def test_a_face_that_is_covered_for_two_seconds_keeps_its_number(embeds: bool) -> None:
    result = run(scene(Walker(ANNA, stands(300, away=(2, 4)))), times(8), embeds=embeds)
    assert only_track(result) == 1
    assert not any(update.ended or update.returned for update in result.updates)


def test_a_covered_face_is_predicted_for_a_moment_only() -> None:
    result = run(scene(Walker(ANNA, walks((100, 900), 200, 100, 8)), noise=0), times(3))
    scene_ = scene(Walker(ANNA, lambda time: walks((100, 900), 200, 100, 8)(time) if time < 3 else None))
    result = run(scene_, times(5))
    by_time = dict(zip(times(5).round(2).tolist(), result.updates, strict=True))
    (seen,) = by_time[3.2].seen
    assert seen.predicted and seen.index is None
    assert seen.detection.box.x == pytest.approx(100 + 800 * 3.2 / 8, abs=15)
    inside = (seen.detection.landmarks - [seen.detection.box.x, seen.detection.box.y]) / 100
    assert np.allclose(inside, FRONTAL * [1, 1.2], atol=0.1)
    assert by_time[4.0].seen == ()


def test_a_track_ends_after_its_patience_and_comes_back_by_its_face() -> None:
    result = run(scene(Walker(ANNA, stands(300, away=(3, 20)))), times(24))
    (ended,) = [moment for moment, update in zip(times(24), result.updates, strict=True) if update.ended]
    (back,) = [moment for moment, update in zip(times(24), result.updates, strict=True) if update.returned]
    assert 5.9 <= ended <= 6.1 and 20.1 <= back <= 20.5
    assert result.tracks == {1} and only_track(result) == 1


def test_it_comes_back_at_another_place_too() -> None:
    first, later = stands(100), stands(900, 500, 60)
    result = run(
        scene(Walker(ANNA, lambda time: first(time) if time < 3 else later(time) if time > 9 else None)), times(12)
    )
    assert result.tracks == {1} and only_track(result) == 1


def test_without_an_embedder_who_comes_back_is_new() -> None:
    result = run(scene(Walker(ANNA, stands(300, away=(3, 20)))), times(24), embeds=False)
    assert result.tracks == {1, 2}
    assert not any(update.returned for update in result.updates)


def test_after_too_long_nobody_is_remembered() -> None:
    tracker, look = Tracker(TrackPolicy(return_seconds=10)), looks_like(ANNA)
    for moment in [*times(2), *times(2, start=30)]:
        update = tracker.update(float(moment), [detection(Box(300, 200, 100, 120))], look)
    assert [seen.track for seen in update.seen] == [2]


def test_whoever_ended_in_time_is_remembered() -> None:
    tracker, look = Tracker(TrackPolicy(return_seconds=30)), looks_like(ANNA)
    for moment in [*times(2), *times(2, start=30)]:
        update = tracker.update(float(moment), [detection(Box(300, 200, 100, 120))], look)
    assert [seen.track for seen in update.seen] == [1]


def test_no_more_are_remembered_than_asked_for() -> None:
    tracker = Tracker(TrackPolicy(remember=1, lost_seconds=1))
    for start, who in ((0, ANNA), (10, BEN), (20, ANNA), (30, BEN)):
        for moment in [*times(1, start=start), start + 3, start + 4.0]:
            found = [detection(Box(300, 200, 100, 120))] if moment < start + 1 else []
            update = tracker.update(float(moment), found, looks_like(who))
            if update.seen:
                last = update.seen[0].track
    # Anna was forgotten when Ben ended, and Ben when she did.
    assert last == 4


def test_another_person_at_the_same_place_after_a_cut_is_another_track() -> None:
    before, after = stands(300, away=(2, 99)), stands(300, away=(0, 2))
    result = run(scene(Walker(ANNA, before), Walker(BEN, after)), times(4), cuts=frozenset({2.0}))
    assert only_track(result, 0) == 1 and only_track(result, 1) == 2


def test_the_same_person_elsewhere_after_a_cut_is_the_same_track_at_once() -> None:
    first, later = stands(300), stands(700, 300, 200)
    result = run(
        scene(Walker(ANNA, lambda time: first(time) if time < 2 else later(time))), times(4), cuts=frozenset({2.0})
    )
    assert only_track(result) == 1 and not any(update.returned for update in result.updates)
    assert [seen.index for seen in result.updates[50].seen] == [0]


def test_two_people_who_changed_seats_across_a_cut_keep_their_numbers() -> None:
    left, right = stands(200), stands(700)
    walkers = [
        Walker(ANNA, lambda time: left(time) if time < 2 else right(time)),
        Walker(BEN, lambda time: right(time) if time < 2 else left(time)),
    ]
    result = run(scene(*walkers), times(4), cuts=frozenset({2.0}))
    assert {only_track(result, 0), only_track(result, 1)} == {1, 2} == result.tracks


def test_without_an_embedder_everybody_is_new_after_a_cut() -> None:
    result = run(scene(Walker(ANNA, stands(300))), times(6), cuts=frozenset({2.0}), embeds=False)
    assert result.tracks == {1, 2}


def test_somebody_who_takes_the_seat_of_another_within_seconds_is_another_track() -> None:
    before, after = stands(300, away=(2, 99)), stands(300, away=(0, 3))
    result = run(scene(Walker(ANNA, before), Walker(BEN, after)), times(8))
    assert only_track(result, 0) == 1 and only_track(result, 1) == 2


def test_a_change_of_person_without_a_gap_is_noticed() -> None:
    """A cut that nobody flagged."""
    before, after = stands(300, away=(3, 99)), stands(300, away=(0, 3))
    result = run(scene(Walker(ANNA, before), Walker(BEN, after)), times(8))
    assert result.last == {0: 1, 1: 2} and result.tracks == {1, 2}


def test_a_head_that_turns_into_profile_stays_itself() -> None:
    """Its embedding says somebody else, but its motion was never broken."""
    tracker, other = Tracker(), unit(ANNA * 0.1 + BEN)
    started = set()
    for moment in times(10):
        turned = 3 <= moment < 7
        found = detection(Box(300, 200, 100, 120), points=PROFILE if turned else FRONTAL)
        update = tracker.update(float(moment), [found], looks_like(other if turned else ANNA))
        started.update(update.started)
    assert started == {1} and [seen.track for seen in update.seen] == [1]


def test_in_frames_without_a_search_all_is_predicted() -> None:
    tracker, walk = Tracker(), walks((0, 800), 200, 100, 8)
    for place, moment in enumerate(times(3)):
        found = [detection(box)] if (box := walk(float(moment))) and place % 3 == 0 else []
        update = tracker.update(float(moment), found, looks_like(ANNA), fresh=place % 3 == 0)
        if moment > 2:
            (seen,) = update.seen
            assert seen.predicted == (place % 3 != 0)
            assert seen.detection.box.x == pytest.approx(100 * moment, abs=5)


def test_where_to_look_is_known() -> None:
    tracker, walk = Tracker(), walks((0, 800), 200, 100, 8)
    for moment in times(2):
        tracker.update(float(moment), [detection(walk(float(moment)) or Box(0, 0, 1, 1))], looks_like(ANNA))
    ((track, box),) = tracker.expected(2.2)
    assert track == 1 and box.x == pytest.approx(220, abs=10)
    tracker.update(2.3, [detection(Box(900, 500, 50, 60))], looks_like(BEN))
    assert [track for track, _ in tracker.expected(2.4)] == [1, 0]


def test_the_end_ends_whoever_is_open() -> None:
    tracker = Tracker()
    for moment in times(1):
        tracker.update(float(moment), [detection(Box(100, 100, 50, 60)), detection(Box(500, 100, 50, 60))], blind)
    assert tracker.end() == (1, 2)
    assert tracker.end() == ()


def test_a_slow_source_is_followed() -> None:
    """A picture every two seconds: motion is all but nothing, faces tell."""
    result = run(scene(Walker(ANNA, stands(300)), Walker(BEN, stands(600))), times(30, 0.5))
    assert result.tracks == {1, 2} and not any(update.ended for update in result.updates)


def test_a_stream_that_was_away_goes_on() -> None:
    tracker = Tracker()
    for moment in [*times(3), *times(3, start=33)]:
        update = tracker.update(float(moment), [detection(Box(300, 200, 100, 120))], looks_like(ANNA))
    assert [seen.track for seen in update.seen] == [1]


def test_the_same_input_gives_the_same_tracks() -> None:
    def once() -> list[Update]:
        return run(scene(Walker(ANNA, stands(300)), Walker(BEN, stands(420)), noise=0.1), times(6)).updates

    assert [one.to_json() for one in once()] == [one.to_json() for one in once()]


def test_five_people_are_looked_at_about_once_a_second() -> None:
    rng = np.random.default_rng(2)
    five = scene(*(Walker(person(rng), stands(150.0 * place, side=90)) for place in range(5)))
    result = run(five, times(20))
    assert len(result.tracks) == 5
    assert five.looks <= 20 * 5 * 1.5


def test_small_faces_are_not_looked_at_for_nothing() -> None:
    small = scene(Walker(ANNA, stands(300, side=16)))
    assert run(small, times(10)).tracks == {1}
    assert small.looks == 0


def test_time_does_not_run_backwards() -> None:
    tracker = Tracker()
    tracker.update(1.0, [], blind)
    with pytest.raises(ValueError, match="cannot follow"):
        tracker.update(0.9, [], blind)


def test_without_scipy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'mien\[video\]'"):
        Tracker()


def test_a_policy_can_ask_for_more() -> None:
    patient = replace(TrackPolicy(), confirm_seconds=1.0)
    tracker = Tracker(patient)
    first = next(
        moment for moment in times(3) if tracker.update(float(moment), [detection(Box(1, 1, 50, 60))], blind).started
    )
    assert first == pytest.approx(1.0, abs=0.05)


def looks_like(who: Floats):  # type: ignore[no-untyped-def]
    """A look that always sees this person, in a slightly different way each time."""
    rng = np.random.default_rng(0)
    return lambda _: unit(who + 0.5 * person(rng))
