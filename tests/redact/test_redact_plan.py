"""What is covered between, before and after sights."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_sights import RATE, row, stretch

from mien.redact.cover import Cover, Covers
from mien.redact.link import Sight, Stretch
from mien.redact.plan import Judged, plan_of
from mien.redact.policy import RedactPolicy

POLICY = RedactPolicy()


def at(judged: list[Judged], *times: float, cuts: tuple[float, ...] = ()) -> list[list[Cover]]:
    covers = Covers(plan_of(judged, cuts, POLICY).spans)
    return [covers.at(time) for time in times]


def holds(cover: Cover, x: float, y: float = 70.0) -> bool:
    left, top, width, height = cover.box
    return bool(left <= x <= left + width and top <= y <= top + height)


def covered(*stretches: Stretch) -> list[Judged]:
    return [Judged(one, [False] * len(one.sights)) for one in stretches]


def test_a_sight_is_covered_where_it_is() -> None:
    (covers,) = at(covered(stretch([100, 110, 120])), 1 / RATE)
    assert any(np.allclose(one.box, [110, 50, 40, 40]) and one.points is not None for one in covers)


def test_a_missed_frame_is_filled_in() -> None:
    gap = Stretch(1, [Sight(0.0, row(100), False), Sight(0.2, row(140), False)])
    (covers,) = at(covered(gap), 0.1)
    assert any(np.allclose(one.box, [120, 50, 40, 40], atol=0.01) for one in covers)


def test_before_the_first_and_after_the_last_sight() -> None:
    """For a second, the larger the longer, towards where it went to and came from."""
    one = stretch([100 + 5 * index for index in range(10)], start=50)
    early, first, last, late, gone = at(covered(one), 0.9, 1.1, 2.9, 3.3, 3.5)
    assert not early and not gone
    assert max(cover.box[2] for cover in first) > max(cover.box[2] for cover in last[:1]) - 200
    assert any(holds(cover, 120) for cover in first) and any(holds(cover, 60) for cover in first)
    assert any(holds(cover, 165) and holds(cover, 230) for cover in late)
    assert max(one.box[2] for one in late) > max(one.box[2] for one in last)


def test_a_fleeting_weak_sight_is_covered_for_a_shorter_time() -> None:
    weak = stretch([100], start=50, score=0.35)
    near, far = at(covered(weak), 2.2, 2.6)
    assert near and not far


def test_what_flickers_is_not_covered_by_something_that_pulses() -> None:
    """Weak sights, each alone, 0.6 s apart: nothing shrinks between them, nor at them."""
    flicker = [stretch([100], start=15 * index, number=index + 1, score=0.35) for index in range(5)]
    frames = at(covered(*flicker), *(index / RATE for index in range(61)))
    assert len({round(max(float(one.box[2]) for one in covers), 2) for covers in frames}) == 1
    bridged = 40 * (1 + 2 * 0.35 * 0.3)
    assert all(max(one.box[2] for one in covers) >= bridged for covers in frames)


def test_a_weak_face_seen_twice_is_covered_in_one_size() -> None:
    twice = Stretch(1, [Sight(2.0, row(100, score=0.35), False), Sight(2.2, row(104, score=0.35), False)])
    frames = at(covered(twice), *np.arange(1.72, 2.48, 0.04))
    assert {round(max(float(one.box[2]) for one in covers), 2) for covers in frames} == {48.4}


def test_nothing_reaches_over_a_cut() -> None:
    one = stretch([100] * 5)
    before, after = at(covered(one), 0.3, 0.5, cuts=(0.4,))
    assert before and not after
    back, there = at(covered(stretch([100] * 5, start=50)), 1.7, 1.9, cuts=(1.8,))
    assert not back and there


def test_a_gap_is_bridged() -> None:
    """Two seconds, longer than covers stay by themselves."""
    far = stretch([180] * 5, start=75, number=2)
    (middle,) = at(covered(stretch([100] * 5), far), 1.6)
    assert any(holds(cover, 160) for cover in middle)
    (none,) = at(covered(stretch([100] * 5), stretch([900] * 5, start=75, number=2)), 1.6)
    assert not any(holds(cover, 520) for cover in none)


def test_a_gap_between_a_covered_and_a_bare_stretch_is_bridged_and_between_two_bare_ones_not() -> None:
    first, second = stretch([100] * 5), stretch([100] * 5, start=75, number=2)
    bare = Judged(second, [True] * 5)
    assert at([*covered(first), bare], 1.6)[0]
    assert not at([Judged(first, [True] * 5), bare], 1.6)[0]


def test_what_is_bare_is_not_covered_and_the_doubtful_part_is() -> None:
    one = Judged(stretch([100] * 6), [True, True, True, False, False, True])
    assert [bool(covers) for covers in at([one], 0.0, 0.04, 0.08, 0.12, 0.16, 0.2)] == [False] * 3 + [True] * 2 + [
        False
    ]


def test_a_face_that_goes_on_in_another_stretch_is_not_waited_for() -> None:
    first, second = stretch([100] * 5), stretch([105] * 50, start=5, number=2)
    (covers,) = at(covered(first, second), 0.8)
    assert len(covers) == 1 and covers[0].points is not None


def test_of_two_faces_that_meet_the_one_that_is_lost_stays_covered() -> None:
    """Two end, one goes on, and moves away."""
    ends = stretch([100] * 5), stretch([112] * 5, number=2)
    goes_on = stretch([100 + 8 * index for index in range(50)], start=5, number=3)
    (covers,) = at(covered(*ends, goes_on), 0.9)
    assert any(holds(cover, 130) for cover in covers) and any(holds(cover, 260) for cover in covers)


def test_a_face_does_not_go_on_in_what_may_be_none() -> None:
    flicker = stretch([105], start=5, number=2, score=0.35)
    (covers,) = at(covered(stretch([100] * 5), flicker), 1.1)
    assert any(holds(cover, 120) for cover in covers)


def test_a_face_does_not_go_on_in_one_that_stays_bare() -> None:
    kept = Judged(stretch([105] * 50, start=5, number=2), [True] * 50)
    (covers,) = at([*covered(stretch([100] * 5)), kept], 1.0)
    assert any(holds(cover, 120) for cover in covers)


def test_a_frame_without_a_sight_beside_a_doubtful_one_is_covered() -> None:
    sights = [Sight(time, row(100), False) for time in (0.0, 0.08, 0.16)]
    one = Judged(Stretch(1, sights), [True, False, True])
    assert [bool(covers) for covers in at([one], 0.0, 0.04, 0.08, 0.12, 0.16)] == [False, True, True, True, False]


@pytest.mark.parametrize(("far", "count"), [(110, 1), (900, 2)])
def test_tracks_are_stretches_that_follow_each_other(far: float, count: int) -> None:
    judged = covered(stretch([100] * 5), stretch([far] * 5, start=10, number=2))
    assert len(plan_of(judged, (), POLICY).tracks) == count
