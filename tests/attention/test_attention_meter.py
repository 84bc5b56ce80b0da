"""Signs from made-up curves of openness, mouth and direction, at many rates, with noise, for many eye shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.attention.direction import angle_degrees, direction, sight
from mien.attention.meter import AttentionMeter
from mien.attention.policy import AttentionPolicy, Sign
from mien.attention.window import AttentionWindow
from mien.errors import SettingsError
from mien.face import Eyes, FaceMesh, HeadPose
from mien.landmark.pose import rotation_matrix

SHUT_READING = 0.25
"""What shut eyes read over what open ones do, of the people made up here."""


def a_face(
    openness: float | tuple[float, float] = 0.33,
    mouth: float = 0.05,
    pose: tuple[float, float, float] = (0, 0, 0),
    gaze: tuple[float, float] = (0, 0),
    smile: float = 0.54,
    eye_px: float = 30,
) -> FaceMesh:
    right, left = openness if isinstance(openness, tuple) else (openness, openness)
    points = np.zeros((468, 3), np.float32)
    points[[33, 133, 362, 263], 0] = np.array([0, 1, 2, 3]) * eye_px
    points[291, 0] = smile * 3 * eye_px
    eyes = Eyes(right, left, *gaze)
    return FaceMesh(points, np.zeros((2, 5, 2), np.float32), 1.0, HeadPose(*pose), eyes, mouth)


def reading(closed: float, level: float = 0.33) -> float:
    """What the iris network reads of eyes that are shut so far, 0..1, of somebody with this open level."""
    return level * (1 - closed * (1 - SHUT_READING))


def bump(time: float, start: float, shut_seconds: float, ramp: float = 0.08) -> float:
    """Closure of lids that fall within `ramp` s, stay shut, and rise again in twice the time."""
    end = start + ramp + shut_seconds
    return float(np.interp(time, [start, start + ramp, end, end + 2 * ramp], [0, 1, 1, 0]))


def watch(
    face: Callable[[float], FaceMesh | None],
    seconds: float,
    rate: float = 30,
    policy: AttentionPolicy | None = None,
) -> tuple[list[Sign], AttentionMeter]:
    meter = AttentionMeter(policy)
    signs = [sign for time in np.arange(0, seconds, 1 / rate) for sign in meter.update(float(time), face(float(time)))]
    return signs, meter


def kinds(signs: list[Sign]) -> list[str]:
    return [sign.kind for sign in signs]


@settings(deadline=None, max_examples=8)
@given(
    rate=st.floats(20, 60),
    level=st.floats(0.2, 0.45),
    shut=st.floats(0.05, 0.2),
    seed=st.integers(0, 1000),
    phase=st.floats(0, 0.1),
)
def test_every_blink_once_for_all_eye_shapes(rate: float, level: float, shut: float, seed: int, phase: float) -> None:
    starts = [2 + phase, 5.3 + phase, 9.1 + phase]
    noise = np.random.default_rng(seed)

    def face(time: float) -> FaceMesh:
        closed = max(bump(time, start, shut) for start in starts)
        right, left = reading(closed, level) + noise.normal(0, 0.01, 2)
        return a_face((float(right), float(left)))

    signs, meter = watch(face, 12, rate)
    assert kinds(signs) == ["blink"] * 3
    for sign, start in zip(signs, starts, strict=True):
        # Half shut after half of the fall, half open after half of the rise.
        assert sign.time_seconds == pytest.approx(start + 0.04, abs=0.05)
        assert sign.duration_seconds == pytest.approx(shut + 0.12, abs=0.08)
    assert meter.whole().blinks_per_minute == pytest.approx(3 / 11.6 * 60, rel=0.05)


@settings(deadline=None, max_examples=8)
@given(rate=st.floats(5, 60), level=st.floats(0.2, 0.45), shut=st.floats(1.5, 8), seed=st.integers(0, 1000))
def test_shut_eyes_are_told_at_the_threshold_and_again_at_their_end(
    rate: float, level: float, shut: float, seed: int
) -> None:
    noise = np.random.default_rng(seed)

    def face(time: float) -> FaceMesh:
        right, left = reading(bump(time, 3, shut), level) + noise.normal(0, 0.01, 2)
        return a_face((float(right), float(left)))

    meter, told = AttentionMeter(), []
    for time in np.arange(0, 15, 1 / rate):
        told += [(time, sign) for sign in meter.update(float(time), face(float(time)))]
    (first_at, first), (_, second) = told
    assert [first.kind, first.ended, second.kind, second.ended] == ["eyes_shut", False, "eyes_shut", True]
    assert first_at == pytest.approx(3.07 + 1.0, abs=2 / rate + 0.03)
    assert first.time_seconds == second.time_seconds == pytest.approx(3.07, abs=1 / rate + 0.03)
    assert second.duration_seconds == pytest.approx(shut + 0.07, abs=2 / rate + 0.05)
    assert meter.whole().perclos == pytest.approx(shut / 14.5, abs=0.02 + 0.1 / rate)


@settings(deadline=None, max_examples=8)
@given(level=st.floats(0.2, 0.5), seed=st.integers(0, 1000), gaps=st.lists(st.floats(0.016, 0.4), min_size=40))
def test_open_eyes_at_irregular_times_give_nothing(level: float, seed: int, gaps: list[float]) -> None:
    noise, meter, time = np.random.default_rng(seed), AttentionMeter(), 0.0
    for gap in gaps:
        right, left = level + noise.normal(0, 0.012, 2)
        assert meter.update(time, a_face((float(right), float(left)))) == ()
        time += gap
    assert meter.whole().eyes_shut_seconds == 0
    assert meter.whole().perclos in (None, 0)


def test_a_narrow_eye_is_open_and_its_blink_is_seen() -> None:
    signs, meter = watch(lambda time: a_face(reading(bump(time, 3, 0.1), 0.19)), 12)
    assert kinds(signs) == ["blink"]
    assert meter.whole().perclos == pytest.approx(0.1 / 11.6, abs=0.02)


def test_eyes_that_were_never_seen_open_are_not_judged() -> None:
    signs, meter = watch(lambda _: a_face(0.1), 20)
    whole = meter.whole()
    assert signs == []
    assert (whole.observed_seconds, whole.perclos, whole.blinks_per_minute) == (0, None, None)
    assert whole.towards == 1


@pytest.mark.parametrize(
    ("face", "why"),
    [
        (lambda: a_face(0.05, pose=(0, 30, 0)), "looks down"),
        (lambda: a_face(0.05, pose=(60, 0, 0)), "profile"),
        (lambda: a_face((0.05, 0.33)), "winks"),
        (lambda: a_face((0.33, 0.05), pose=(-25, 0, 0)), "shows its open eye, and hides the other"),
        (lambda: a_face(0.05, smile=0.75, mouth=0.2), "laughs"),
        (lambda: a_face(0.05, eye_px=5), "is too small"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_none_of_these_is_called_shut(face: Callable[[], FaceMesh], why: str) -> None:
    signs, meter = watch(lambda time: a_face() if time < 12 else face(), 20)
    assert "eyes_shut" not in kinds(signs), why
    assert meter.whole().perclos == pytest.approx(0, abs=0.01), why
    assert meter.window().eyes_shut_seconds == 0, why


def test_the_far_eye_of_a_turned_face_does_not_keep_it_open() -> None:
    turned = (35.0, 0.0, 0.0)

    def face(time: float) -> FaceMesh:
        return a_face((0.33, reading(bump(time, 3, 2))), pose=turned)

    signs, _ = watch(face, 8, policy=AttentionPolicy(tolerance_degrees=60))
    assert kinds(signs) == ["eyes_shut", "eyes_shut"]


def test_five_drowsy_minutes_do_not_become_the_new_open() -> None:
    """Eyes shut for most of the time stay shut eyes."""
    signs, meter = watch(lambda time: a_face(reading(1.0 if time > 10 and time % 10 > 2 else 0.0)), 300, rate=10)
    assert meter.window().perclos == pytest.approx(0.8, abs=0.03)
    assert sum(sign.kind == "eyes_shut" and sign.ended for sign in signs) == pytest.approx(29, abs=1)


@pytest.mark.parametrize("yaw", [0.0, 30.0])
def test_a_yawn_is_told_at_its_end(yaw: float) -> None:
    wide = 0.6 if yaw == 0 else 0.36

    def face(time: float) -> FaceMesh:
        return a_face(mouth=float(np.interp(time, [3, 4, 7, 8], [0.05, wide, wide, 0.05])), pose=(yaw, 0, 0))

    signs, meter = watch(face, 10, policy=AttentionPolicy(tolerance_degrees=60))
    assert kinds(signs) == ["yawn"]
    assert 3 < signs[0].time_seconds < 4
    assert 3 < signs[0].duration_seconds < 5
    assert meter.window().yawns == meter.whole().yawns == 1


@settings(deadline=None, max_examples=8)
@given(syllables=st.floats(1.5, 7), most=st.floats(0.2, 0.8), rate=st.floats(12, 60))
def test_speech_is_no_yawn(syllables: float, most: float, rate: float) -> None:
    def face(time: float) -> FaceMesh:
        return a_face(mouth=most * abs(float(np.sin(np.pi * syllables * time))))

    assert watch(face, 10, rate)[0] == []


def test_a_long_laugh_is_no_yawn() -> None:
    assert watch(lambda time: a_face(0.12 if time > 2 else 0.3, mouth=0.35, smile=0.75), 10)[0] == []


def test_looking_away_and_back() -> None:
    def face(time: float) -> FaceMesh:
        return a_face(pose=(40.0 if 5 <= time < 9 else 0.0, 0, 0))

    signs, meter = watch(face, 12)
    away, back = signs
    assert (away.kind, away.ended, back.kind, back.ended) == ("look_away", False, "look_back", True)
    assert away.time_seconds == pytest.approx(5, abs=0.1)
    assert away.duration_seconds == pytest.approx(2, abs=0.1)
    assert (back.time_seconds, back.duration_seconds) == pytest.approx((9, 4), abs=0.1)
    assert meter.whole().towards == pytest.approx(8 / 12, abs=0.05)
    assert meter.whole().looking_away_seconds == 0


def test_eyes_may_stay_on_the_reference_while_the_head_turns() -> None:
    def face(_: float) -> FaceMesh:
        return a_face(pose=(35, 0, 0), gaze=(-30, 0))

    assert watch(face, 6)[0] == []
    assert kinds(watch(face, 6, policy=AttentionPolicy(gaze=False))[0]) == ["look_away"]


def test_the_reference_may_be_elsewhere() -> None:
    policy = AttentionPolicy(reference_yaw_degrees=40, reference_pitch_degrees=10)
    assert watch(lambda _: a_face(pose=(40, 10, 0)), 6, policy=policy)[0] == []
    assert kinds(watch(lambda _: a_face(), 6, policy=policy)[0]) == ["look_away"]


def test_a_tilted_head_still_looks_here() -> None:
    assert watch(lambda _: a_face(pose=(0, 0, 60)), 6)[0] == []


def test_a_blink_is_no_glance_away() -> None:
    """Shut eyes have no gaze, whatever is read of them."""

    def face(time: float) -> FaceMesh:
        closed = bump(time, 3, 0.1)
        return a_face(reading(closed), gaze=(0, 60 * closed))

    policy = AttentionPolicy(look_away_seconds=0.1)
    assert kinds(watch(face, 6, policy=policy)[0]) == ["blink"]


def test_what_was_not_seen_does_not_count() -> None:
    signs, meter = watch(lambda time: None if 10 <= time < 40 else a_face(), 60, rate=20)
    assert signs == []
    assert meter.whole().seconds == pytest.approx(60, abs=0.1)
    assert meter.whole().observed_seconds == pytest.approx(29.6, abs=0.3)


def test_missing_looks_do_not_end_a_closure_but_a_gap_does() -> None:
    drop = np.random.default_rng(5)
    flicker, _ = watch(lambda time: None if drop.random() < 0.3 else a_face(reading(bump(time, 3, 3))), 8)
    assert [sign.duration_seconds for sign in flicker if sign.ended] == pytest.approx([3.07], abs=0.15)
    gone, meter = watch(lambda time: a_face(reading(bump(time, 3, 9))) if time < 5 else None, 8)
    assert [(sign.ended, round(sign.duration_seconds, 1)) for sign in gone] == [(False, 1.0), (True, 1.9)]
    assert meter.whole().eyes_shut_seconds == 0


def test_a_face_that_comes_back_still_away_was_away_all_along() -> None:
    def face(time: float) -> FaceMesh | None:
        if 6 <= time < 9:
            return None
        return a_face(pose=(50.0 if 3 <= time < 10 else 0.0, 0, 0))

    signs, _ = watch(face, 12)
    assert kinds(signs) == ["look_away", "look_back"]
    assert signs[1].duration_seconds == pytest.approx(7, abs=0.1)


def test_the_end_of_a_track_ends_what_lasts() -> None:
    signs, meter = watch(lambda time: a_face(reading(bump(time, 3, 9))), 6)
    assert [sign.ended for sign in signs] == [False]
    (ended,) = meter.end()
    assert (ended.kind, ended.ended) == ("eyes_shut", True)
    assert ended.duration_seconds == pytest.approx(2.9, abs=0.1)
    assert meter.end() == ()


def test_the_window_forgets_and_the_whole_does_not() -> None:
    def face(time: float) -> FaceMesh:
        return a_face(reading(bump(time, 5, 2)), mouth=0.6 if 8 < time < 11 else 0.05)

    _, meter = watch(face, 60, rate=20, policy=AttentionPolicy(window_seconds=20))
    window, whole = meter.window(), meter.whole()
    assert (window.perclos, window.yawns, window.seconds) == (0, 0, 20)
    assert (whole.yawns, whole.seconds) == (1, pytest.approx(59.95))
    assert whole.perclos == pytest.approx(2.1 / 59.5, rel=0.1)


def test_too_few_looks_give_no_rate_of_blinks() -> None:
    _, meter = watch(lambda _: a_face(), 30, rate=5)
    assert meter.whole().blinks_per_minute is None
    assert meter.whole().perclos == 0


def test_nothing_seen_is_said_to_be_nothing() -> None:
    empty = AttentionWindow(0, 0, None, None, None, 0, 0, None, 0)
    assert AttentionMeter().window() == AttentionMeter().whole() == empty
    assert AttentionMeter().end() == ()


def test_the_clock_may_start_anywhere() -> None:
    meter = AttentionMeter()
    signs = [s for k in range(150) for s in meter.update(5e4 + k / 30, a_face(reading(bump(k / 30, 2, 0.1))))]
    assert kinds(signs) == ["blink"]
    assert meter.whole().seconds == pytest.approx(149 / 30)


def test_memory_is_bounded() -> None:
    """Five minutes at 10 looks a second, blinking every second: what is kept is that of the window."""
    _, meter = watch(lambda time: a_face(reading(bump(time % 1, 0.3, 0.15))), 300, rate=10)
    kept = [len(meter._eyes._shares._pieces), len(meter._eyes.blinks._recent), len(meter._eyes._dips._looks)]
    assert all(number <= 60 * 10 for number in kept)
    assert meter.whole().blinks_per_minute == pytest.approx(60, rel=0.05)


def test_time_must_rise() -> None:
    meter = AttentionMeter()
    meter.update(1.0, None)
    with pytest.raises(ValueError, match="cannot follow"):
        meter.update(1.0, a_face())


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_seconds": 0},
        {"blink_seconds": (0.5, 0.1)},
        {"eyes_shut_seconds": 0.3},
        {"tolerance_degrees": 0},
        {"yaw_limit_degrees": 120},
        {"max_gap_seconds": 0},
    ],
)
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        AttentionPolicy(**wrong)


def test_a_sign_is_a_line_of_json() -> None:
    sign = Sign("blink", 1.25, 0.125)
    assert sign.to_json() == '{"kind": "blink", "time_seconds": 1.25, "duration_seconds": 0.125, "ended": true}'


@settings(deadline=None)
@given(yaw=st.floats(-80, 80), pitch=st.floats(-80, 80), roll=st.floats(-180, 180), gaze=st.floats(-40, 40))
def test_sight_turns_as_the_pose_does(yaw: float, pitch: float, roll: float, gaze: float) -> None:
    pose = HeadPose(yaw, pitch, roll)
    expected = rotation_matrix(pose) @ direction(gaze, 0)
    assert np.allclose(sight(pose, (gaze, 0)), expected, atol=1e-9)
    assert angle_degrees(sight(pose), direction(0, 0)) == pytest.approx(
        np.degrees(np.arccos(rotation_matrix(pose)[2, 2])), abs=1e-4
    )


def test_sight_has_the_signs_of_the_pose() -> None:
    assert np.allclose(sight(HeadPose(30, 0, 0)), direction(30, 0))
    assert np.allclose(sight(HeadPose(0, 30, 0)), direction(0, 30))
    assert direction(30, 0)[0] < 0 < direction(0, 30)[1]
