"""Two hundred made-up crossings: nobody is counted twice, nobody is left out, and everybody keeps the number."""

from __future__ import annotations

import pytest
from tests.track.made_up_scenes import crossing, run


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_people_who_cross_are_counted_and_keep_their_numbers(start: int) -> None:
    wrong = {}
    for seed in range(start, start + 20):
        scene, times = crossing(seed)
        result = run(scene, times)
        if len(result.tracks) != 2 or not result.kept:
            wrong[seed] = result.tracks, result.of
    assert not wrong


def test_few_looks_are_taken() -> None:
    looks = seconds = 0.0
    for seed in range(20):
        scene, times = crossing(seed)
        run(scene, times)
        looks, seconds = looks + scene.looks, seconds + times[-1]
    # Two people who cross, all the time: 30 frames a second would be 60 looks.
    assert 1 <= looks / seconds <= 6
