from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from mien.decide.calibration import Calibration
from mien.errors import CalibrationError
from mien.evaluate.calibrating import calibrate, grouped, with_groups, with_misses, worst_of
from mien.evaluate.curve import FmrCurve
from mien.evaluate.scores import impostor_pairs, n_impostor_pairs
from mien.evaluate.templates import Templates

Made = Callable[..., Templates]
SOURCE = "random directions"


@pytest.fixture(scope="module")
def people(request: pytest.FixtureRequest) -> Templates:
    from_conftest: Made = request.getfixturevalue("made_up_once")
    return from_conftest(800)


@pytest.fixture(scope="module")
def calibration(people: Templates) -> Calibration:
    parts = grouped(people, ["even" if person % 2 == 0 else "odd" for person in people.people])
    return with_groups(with_misses(calibrate(people, SOURCE), people), {"even": parts["even"]}, {"odd": parts["odd"]})


def test_the_curve_agrees_with_a_plain_count(people: Templates, calibration: Calibration) -> None:
    for fmr in (1e-2, 1e-3, 1e-4):
        above = len(impostor_pairs(people, calibration.threshold(fmr)).scores)
        assert above / n_impostor_pairs(people) == pytest.approx(fmr, rel=0.1)


def test_it_extrapolates_one_decade_and_says_where(calibration: Calibration) -> None:
    counted = 30 / (800 * 799 / 2)
    assert calibration.smallest_counted_fmr == pytest.approx(counted, rel=0.1)
    assert calibration.smallest_fmr == pytest.approx(counted / 10, rel=0.1)
    assert calibration.fmr(calibration.threshold(counted / 5)).extrapolated
    with pytest.raises(CalibrationError):
        calibration.threshold(counted / 20)


def test_the_extrapolation_holds_for_people_it_never_saw(made_up: Made, calibration: Calibration) -> None:
    others = made_up(3000, images_each=1, seed=9)
    fmr = calibration.smallest_fmr * 2
    above = len(impostor_pairs(others, calibration.threshold(fmr)).scores) / n_impostor_pairs(others)
    rate = calibration.fmr(calibration.threshold(fmr))
    assert rate.low / 2 < above < rate.high * 2


def test_the_fit_and_its_test_are_stored(calibration: Calibration) -> None:
    tail = calibration.tail
    assert tail is not None
    assert tail.shape_low < tail.shape < tail.shape_high
    assert tail.ks_distance < 0.05
    ratios = [counted / asked for asked, counted in tail.held_out]
    assert len(ratios) == 10
    assert 0.5 < float(np.median(ratios)) < 2


def test_groups_and_misses_are_counted(people: Templates, calibration: Calibration) -> None:
    assert {(rate.group, rate.asked_fmr) for rate in calibration.groups} == {
        (group, fmr) for group in ("even", "odd") for fmr in (1e-3, 1e-4)
    }
    for rate in calibration.groups:
        assert rate.fmr.low <= rate.fmr.value <= rate.fmr.high
        assert rate.within == (rate.group == "even")
        assert rate.threshold == pytest.approx(calibration.threshold(rate.asked_fmr))
        assert rate.n_pairs == 400 * 399 // 2 * 4
    assert [miss.at_fmr for miss in calibration.misses] == [1e-2, 1e-3, 1e-4, 1e-5]


def test_a_set_without_second_photos_has_no_misses(made_up: Made) -> None:
    people = made_up(260, images_each=1)
    assert with_misses(calibrate(people, SOURCE), people).misses == ()


def test_too_few_people_are_refused_and_few_are_marked(made_up: Made) -> None:
    with pytest.raises(CalibrationError, match="49 people are too few"):
        calibrate(made_up(49), SOURCE)
    few = calibrate(made_up(60), SOURCE)
    assert few.indicative
    assert few.smallest_counted_fmr > 1e-2


def test_the_worst_of_two_is_never_better_than_either(made_up: Made, calibration: Calibration) -> None:
    narrow = calibrate(made_up(400, dimensions=24), SOURCE)
    joint = worst_of([calibration, narrow])
    for score in np.linspace(-0.5, joint.knots[-1].score, 50):
        single = max(calibration.fmr(score).value, narrow.fmr(score).value)
        assert joint.fmr(score).value >= single * 0.98
    assert joint.n_people == 1200
    assert len({joint.id, narrow.id, calibration.id}) == 3


def test_calibrations_of_two_models_do_not_join(calibration: Calibration) -> None:
    other = dataclasses.replace(calibration, model="net@2")
    with pytest.raises(CalibrationError, match="different models"):
        worst_of([calibration, other])


def test_the_curve_alone_needs_few_people(made_up: Made) -> None:
    assert FmrCurve(made_up(50, images_each=1)).fit is None


def test_what_is_left_out_is_named(calibration: Calibration) -> None:
    assert calibration.based_on.endswith("not for odd")
