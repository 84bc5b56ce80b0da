"""Photos whose cosines are chosen one by one, so that it is known who must be missed, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.decide.calibration import Calibration, ErrorRate, Knot
from mien.errors import CalibrationError, DataError
from mien.evaluate.identification import NOT_ENROLLED, Misses, OpenSetProtocol, evaluate_identification
from mien.evaluate.templates import Missing, Templates

# FMR = 10 ** (-10 score): at 9 people and an FPIR of 1 % the threshold is 0.295.
KNOTS = tuple(Knot(score / 10, ErrorRate(10.0**-score, 10.0**-score, 10.0**-score)) for score in range(7))
CALIBRATION = Calibration("made-up", "net@1", "made-up people", "these", 1000, 1000, 499_500, KNOTS)

# Cosines between photos; all others are 0. `one` and `two` are good, `low` has two photos that are not alike, the
# photos of `mix` are liker to those of `up`, and the other way round; `twin` and `double` resemble each other.
PHOTOS = ("one/1", "one/2", "two/1", "two/2", "low/1", "low/2", "mix/1", "mix/2", "up/1", "up/2")
PHOTOS += (
    "twin/1",
    "twin/2",
    "double/1",
    "double/2",
    "lost/1",
    "single/1",
    "alone/1",
    "stranger/1",
    "x/1",
    "y/1",
    "z/1",
)
COSINES = {
    ("one", "one"): 0.9, ("two", "two"): 0.8, ("low", "low"): 0.1, ("mix", "up"): 0.45,
    ("twin", "twin"): 0.8, ("double", "double"): 0.8, ("twin", "double"): 0.78, ("one", "stranger"): 0.6,
}  # fmt: skip
STRANGERS = {"stranger", "x", "y", "z"}


def templates(names: list[str], vectors: np.ndarray, missing: tuple[str, ...] = ()) -> Templates:
    people = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
    paths = tuple(Path("people") / f"{name}.jpg" for name in names)
    lost = tuple(Missing(Path("people") / f"{name}.jpg", "no face found") for name in missing)
    return Templates(vectors.astype(np.float32), people, paths, np.full(len(names), np.nan, np.float32), "net@1", lost)


@pytest.fixture(scope="module")
def sets() -> tuple[Templates, Templates]:
    """The folder of people, in which lost/2 has no face and nobody/1 neither; and the strangers, one without a face."""
    cosines = np.eye(len(PHOTOS))
    for i, first in enumerate(PHOTOS):
        for j, second in enumerate(PHOTOS):
            pair = (first.split("/")[0], second.split("/")[0])
            if i != j and (pair in COSINES or pair[::-1] in COSINES):
                cosines[i, j] = COSINES.get(pair, COSINES.get(pair[::-1], 0.0))
    values, vectors = np.linalg.eigh(cosines)
    assert values.min() > -1e-9
    rows = vectors * np.sqrt(np.maximum(values, 0))
    inside = np.array([name.split("/")[0] not in STRANGERS for name in PHOTOS])
    known = templates(
        [name for name in PHOTOS if name.split("/")[0] not in STRANGERS], rows[inside], ("lost/2", "nobody/1")
    )
    return known, templates([name for name in PHOTOS if name.split("/")[0] in STRANGERS], rows[~inside], ("blur/1",))


@pytest.mark.parametrize("seed", range(1, 6))
def test_who_is_missed_and_why(sets: tuple[Templates, Templates], seed: int) -> None:
    """Whichever photo of each is enrolled: of eight who can be searched for, two are named."""
    known, strangers = sets
    report = evaluate_identification(known, {"street": strangers}, CALIBRATION, OpenSetProtocol((9,), 0.01, 1, seed))
    (found,) = report.sizes
    assert (found.n_people, found.n_mated, found.n_probes) == (9, 8, 8)
    assert found.misses == Misses(no_face=1, other_closer=2, below=1, too_close=2)
    assert found.fnir.value == 6 / 8 and found.fnir.low < 6 / 8 < found.fnir.high
    assert found.rank_1_errors.value == 3 / 8
    assert (report.n_photos, report.n_people, report.n_no_face, report.n_not_enrolled) == (19, 11, 2, 1)
    gallery = found.galleries[0]
    assert gallery.threshold == pytest.approx(0.1 * np.log10(9 / 0.01005), abs=1e-3)
    assert gallery.promised.value == pytest.approx(0.01, rel=1e-3) and gallery.fnir == 6 / 8


def test_strangers_by_source(sets: tuple[Templates, Templates]) -> None:
    known, strangers = sets
    report = evaluate_identification(known, {"street": strangers}, CALIBRATION, OpenSetProtocol((9,)))
    own, street = report.sizes[0].strangers
    assert (own.source, own.n_searches, own.n_people, own.n_no_face) == (NOT_ENROLLED, 1, 1, 1)
    assert own.fpir.value == 0 and own.fpir.high == 1.0 and own.holds
    assert (street.source, street.n_searches, street.n_people, street.n_no_face) == ("street", 4, 4, 1)
    assert street.fpir.value == 1 / 4 and street.fpir.low == 0.0 and street.holds
    assert dict(report.sizes[0].galleries[0].fpir) == {NOT_ENROLLED: 0.0, "street": 0.25}


def test_a_promise_that_is_broken(sets: tuple[Templates, Templates]) -> None:
    known, _ = sets
    doubles = templates([f"{number}/1" for number in range(50)], np.repeat(known.vectors[:1], 50, axis=0))
    report = evaluate_identification(known, {"doubles": doubles}, CALIBRATION, OpenSetProtocol((10,)))
    (found,) = report.sizes[0].strangers
    assert found.fpir.value == 1.0 and not found.holds


def test_draws_are_added_up_and_repeat(sets: tuple[Templates, Templates]) -> None:
    known, strangers = sets
    protocol = OpenSetProtocol((3, 9), 0.01, draws=4, seed=7)
    report = evaluate_identification(known, {"street": strangers}, CALIBRATION, protocol)
    assert report.to_json() == evaluate_identification(known, {"street": strangers}, CALIBRATION, protocol).to_json()
    small, large = report.sizes
    assert [one.seed for one in large.galleries] == [7, 8, 9, 10]
    assert (small.n_probes, large.n_probes) == (12, 32) and large.n_mated == 8
    assert large.misses == Misses(no_face=4, other_closer=8, below=4, too_close=8)
    assert large.strangers[1].n_searches == 16 and large.strangers[1].n_people == 4
    assert max(one.threshold for one in small.galleries) < min(one.threshold for one in large.galleries)


def test_the_gallerys_own_people_are_asked(made_up: object) -> None:
    """From 50 people on; made-up directions score as chance does, not as the calibration says."""
    known = made_up(200, images_each=2, noise=0.3)  # type: ignore[operator]
    report = evaluate_identification(known, {}, CALIBRATION, OpenSetProtocol((100,), 0.05))
    assert "each left out in turn" in report.based_on
    (found,) = report.sizes
    assert found.galleries[0].own_factor != 1.0 and found.fnir.value == 0 and found.misses == Misses(0, 0, 0, 0)
    assert found.strangers[0].n_searches == 200 and found.strangers[0].n_people == 100


def test_what_cannot_be_measured_is_refused(sets: tuple[Templates, Templates]) -> None:
    known, strangers = sets
    with pytest.raises(DataError, match="Of 11 people asked for, 10 can be enrolled"):
        evaluate_identification(known, {}, CALIBRATION, OpenSetProtocol((11,)))
    with pytest.raises(DataError, match="There is no stranger"):
        evaluate_identification(known, {}, CALIBRATION, OpenSetProtocol((10,)))
    with pytest.raises(DataError, match="Nobody has two photos"):
        evaluate_identification(strangers, {}, CALIBRATION, OpenSetProtocol((2,)))
    with pytest.raises(CalibrationError, match="9 people"):
        evaluate_identification(known, {}, CALIBRATION, OpenSetProtocol((9,), fpir=1e-7))
