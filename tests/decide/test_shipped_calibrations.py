"""What mien ships as fact: sane, complete about itself, and as the guide describes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.decide.calibration import Calibration, file_name
from mien.settings import Settings
from mien.weights.catalog import Catalog

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "src" / "mien" / "decide" / "calibrations").glob("*.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_calibration_is_whole(path: Path, tmp_path: Path) -> None:
    calibration = Calibration.load(path)
    assert path.name == file_name(calibration.model)
    assert Calibration.for_model(calibration.model, Settings(data_dir=tmp_path)) == calibration
    assert not calibration.indicative
    assert calibration.smallest_counted_fmr < 1e-5
    assert calibration.smallest_fmr < 1e-6
    thresholds = [calibration.threshold(10.0**-power) for power in range(1, 7)]
    assert thresholds == sorted(thresholds)
    for threshold in thresholds:
        rate = calibration.fmr(threshold)
        assert rate.low < rate.value < rate.high


@pytest.mark.parametrize("kind", ["", "-fast"])
def test_the_default_embedder_is_calibrated(kind: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert Calibration.for_model(Catalog.load(settings).card("sface").id + kind, settings) is not None


def default() -> Calibration:
    return Calibration.load(next(path for path in SHIPPED if re.fullmatch(r"sface_\w+", path.stem)))


def test_the_guide_quotes_the_shipped_thresholds() -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (1e-\d)(?:, extrapolated)? \| (0\.\d+) \|", text, re.MULTILINE)
    calibration = default()
    assert [asked for asked, _ in rows] == ["1e-2", "1e-3", "1e-4", "1e-5", "1e-6"]
    assert {asked: f"{calibration.threshold(float(asked)):.3f}" for asked, _ in rows} == dict(rows)


def test_the_guide_quotes_the_shipped_groups() -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    quoted = {name: float(rate) for name, rate in re.findall(r"\| ([\w ]+, (?:Fem|M)ale) \| (0\.\d+) ", text)}
    rates = [rate for rate in default().groups if rate.within and rate.asked_fmr == 1e-4]
    assert len(quoted) == len(rates) == 14
    for rate in rates:
        assert quoted[rate.group] == pytest.approx(rate.fmr.value, abs=6e-5)
