from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from mien.decide.calibration import Calibration, ErrorRate, Knot, file_name
from mien.errors import CalibrationError
from mien.settings import Settings


def curve() -> Calibration:
    knots = (
        Knot(-1.0, ErrorRate(1.0, 1.0, 1.0)),
        Knot(0.2, ErrorRate(1e-2, 5e-3, 2e-2)),
        Knot(0.4, ErrorRate(1e-4, 1e-5, 1e-3)),
        Knot(0.5, ErrorRate(1e-5, 1e-6, 1e-4, extrapolated=True)),
    )
    return Calibration("test", "net@1", "made up", "nothing", 100, 200, 19_800, knots)


def test_rate_is_exact_at_knots_and_log_linear_between_them() -> None:
    assert curve().fmr(0.4).value == pytest.approx(1e-4)
    middle = curve().fmr(0.3)
    assert middle.value == pytest.approx(1e-3)
    assert middle.low < middle.value < middle.high
    assert not middle.extrapolated


def test_rate_between_the_last_count_and_the_model_is_extrapolated() -> None:
    assert curve().fmr(0.45).extrapolated
    assert not curve().fmr(0.4).extrapolated


def test_rate_beyond_the_last_knot_says_at_most() -> None:
    beyond = curve().fmr(0.9)
    assert beyond.value == pytest.approx(1e-5)
    assert beyond.low == 0.0
    assert beyond.extrapolated
    assert str(beyond).startswith("at most 1e-05")
    assert not str(curve().fmr(0.45)).startswith("at most")


def test_rate_below_the_first_knot_is_one() -> None:
    assert curve().fmr(-1.0).value == 1.0


@pytest.mark.parametrize("fmr", [0.5, 1e-2, 3e-3, 1e-4, 2e-5, 1e-5])
def test_threshold_is_the_inverse_of_the_rate(fmr: float) -> None:
    assert curve().fmr(curve().threshold(fmr)).value == pytest.approx(fmr)


def test_threshold_below_what_the_data_support_is_refused() -> None:
    with pytest.raises(CalibrationError, match="below what calibration 'test' supports"):
        curve().threshold(9e-6)


@pytest.mark.parametrize("fmr", [0.0, -1e-3, 1.5, float("nan")])
def test_threshold_of_what_is_no_rate_is_refused(fmr: float) -> None:
    with pytest.raises(CalibrationError, match="no false match rate"):
        curve().threshold(fmr)


def test_nan_score_is_refused() -> None:
    with pytest.raises(CalibrationError):
        curve().fmr(float("nan"))


def test_round_trip_through_json(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "curve.json"
    curve().save(path)
    assert Calibration.load(path) == curve()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "mien-calibration/9"}, "format"),
        ({"knots": curve().knots[:1]}, "fewer than two knots"),
        ({"knots": (Knot(0.3, ErrorRate(1e-3, 0, 1)), Knot(0.2, ErrorRate(1e-4, 0, 1)))}, "do not rise"),
        ({"knots": (Knot(0.2, ErrorRate(1e-4, 0, 1)), Knot(0.3, ErrorRate(1e-3, 0, 1)))}, "do not fall"),
        ({"knots": (Knot(0.2, ErrorRate(1e-2, 0.5, 1)), Knot(0.3, ErrorRate(1e-3, 0, 1)))}, "outside of its interval"),
        ({"knots": (Knot(0.2, ErrorRate(0.0, 0.0, 1)), Knot(0.3, ErrorRate(0.0, 0, 1)))}, "not a rate"),
    ],
)
def test_unusable_curves_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(CalibrationError, match=reason):
        dataclasses.replace(curve(), **change)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"id": 3}', "not json"])
def test_damaged_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match="is no calibration"):
        Calibration.load(path)


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        Calibration.load(tmp_path / "absent.json")


def test_unknown_model_has_no_calibration(tmp_path: Path) -> None:
    assert Calibration.for_model("unheard@0", Settings(data_dir=tmp_path)) is None


def test_own_calibration_is_found_by_model(tmp_path: Path) -> None:
    curve().save(tmp_path / "calibrations" / file_name("net@1"))
    assert Calibration.for_model("net@1", Settings(data_dir=tmp_path)) == curve()


def test_a_model_id_cannot_leave_the_folder(tmp_path: Path) -> None:
    assert "/" not in file_name("../../etc/passwd@1")


def test_json_holds_the_whole_curve(tmp_path: Path) -> None:
    path = tmp_path / "curve.json"
    curve().save(path)
    stored = json.loads(path.read_text())
    assert [knot["score"] for knot in stored["knots"]] == [-1.0, 0.2, 0.4, 0.5]
    assert stored["knots"][3]["fmr"]["extrapolated"] is True
