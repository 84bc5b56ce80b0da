"""Stretches end wherever there may be a doubt."""

from __future__ import annotations

from made_up_sights import linked, row


def lengths(frames: list[list], **more: object) -> list[int]:
    return [len(one.sights) for one in linked(frames, **more).stretches]  # type: ignore[arg-type]


def test_a_face_that_moves_is_one_stretch() -> None:
    assert lengths([[row(4 * index)] for index in range(20)]) == [20]


def test_a_fast_one_is_followed_by_its_speed() -> None:
    assert lengths([[row(index * (index + 1) * 1.5)] for index in range(10)]) == [10]


def test_two_faces_apart_are_two_stretches() -> None:
    assert lengths([[row(index), row(300 - index)] for index in range(10)]) == [10, 10]


def test_a_missed_frame_ends_nothing_and_a_third_of_a_second_does() -> None:
    assert lengths([[row(0)], [], [row(0)]]) == [2]
    assert lengths([[row(0)], *[[]] * 8, [row(0)]]) == [1, 1]


def test_a_cut_ends_every_stretch() -> None:
    assert lengths([[row(0)], [row(0)], [row(0)]], cuts=[1]) == [1, 2]


def test_faces_that_touch_are_in_doubt() -> None:
    """They come together, and part again."""
    xs = [*range(0, 60, 10), *range(60, 0, -10)]
    found = linked([[row(x), row(120 - x)] for x in xs])
    assert not any({*(sight.row[0] for sight in one.sights)} >= {0.0, 60.0} for one in found.stretches)
    assert any(sight.touched for one in found.stretches for sight in one.sights)
    assert all(len(one.sights) == 1 for one in found.stretches if one.sights[0].touched)


def test_a_face_that_takes_the_place_of_one_that_is_gone_is_another() -> None:
    """It overlaps too little to be the same, and the first one is not waited for behind it."""
    assert lengths([[row(0)], [row(26)], [row(0)]]) == [1, 1, 1]
