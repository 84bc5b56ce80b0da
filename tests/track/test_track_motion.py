"""The filter behind the tracks: seconds, not frames."""

from __future__ import annotations

import numpy as np
import pytest

from mien.decide.calibration import Calibration
from mien.face import Box
from mien.track.motion import Motion, misfits, place_of
from mien.track.policy import TrackPolicy


def walk(rate: float, seconds: float = 2.0, speed: float = 300.0) -> Motion:
    """Of a face 100 px wide that was followed from x = 0 on."""
    motion = Motion.start(Box(0, 0, 100, 120))
    for moment in np.arange(1, round(seconds * rate)) / rate:
        motion = motion.ahead(1 / rate).seen(Box(speed * moment, 0, 100, 120))
    return motion


@pytest.mark.parametrize("rate", [5, 25, 60])
def test_speed_is_known_whatever_the_rate(rate: float) -> None:
    motion = walk(rate)
    assert motion.speed[0] == pytest.approx(300, rel=0.1)
    assert motion.ahead(0.2).box.x - motion.box.x == pytest.approx(60, rel=0.15)


def test_two_steps_are_as_one() -> None:
    motion = walk(25)
    once, twice = motion.ahead(0.4), motion.ahead(0.2).ahead(0.2)
    assert once.place == pytest.approx(twice.place) and once.speed == pytest.approx(twice.speed)
    assert once.centre.speed == pytest.approx(twice.centre.speed)


def test_who_is_not_seen_comes_to_rest() -> None:
    motion = walk(25)
    assert motion.ahead(60).box.x < motion.box.x + 300 * 1.6
    assert abs(motion.ahead(60).speed[0]) < 1e-6


def test_the_longer_away_the_less_is_known() -> None:
    motion = walk(25)
    spreads = [motion.ahead(seconds).centre.place for seconds in (0, 0.1, 0.5, 2, 10)]
    assert spreads == sorted(spreads) and spreads[0] < spreads[-1]


def test_size_counts_in_its_own_measure() -> None:
    """The same way is a long one for a small face, and a short one for a large one."""
    small, large = (Motion.start(Box(0, 0, side, side)) for side in (20, 200))
    distances, spreads = misfits([small, large], [place_of(Box(20, 0, 20, 20)), place_of(Box(20, 0, 200, 200))])
    assert distances.shape == (2, 2) and spreads.shape == (2, 1)
    assert distances[0, 0] > 10 * distances[1, 1]


def test_a_box_without_extent_is_a_pixel() -> None:
    motion = Motion.start(Box(5, 5, 0, 0))
    assert (motion.box.width, motion.box.height) == pytest.approx((1, 1))
    assert motion.seen(Box(5, 5, 0, 0)).size == pytest.approx(1)


@pytest.mark.parametrize("model", ["sface@fb143eea0783", "sface@fb143eea0783-fast"])
def test_the_policy_s_scores_are_at_the_rates_that_it_names(model: str) -> None:
    calibration = Calibration.for_model(model)
    assert calibration is not None
    assert calibration.threshold(1e-2) == pytest.approx(TrackPolicy().near_score, abs=0.005)
    assert calibration.threshold(1e-4) == pytest.approx(TrackPolicy().far_score, abs=0.007)
