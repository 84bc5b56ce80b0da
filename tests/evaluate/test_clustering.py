from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.decide.calibration import Calibration, ErrorRate, Knot
from mien.errors import CalibrationError
from mien.evaluate.clustering import evaluate_clustering
from mien.evaluate.templates import Missing, Templates

KNOTS = tuple(Knot(score / 10, ErrorRate(10.0**-score, 10.0**-score, 10.0**-score)) for score in range(7))
CALIBRATION = Calibration("made-up", "net@1", "made-up people", "these", 1000, 1000, 499_500, KNOTS)


def photos() -> Templates:
    """Ann has three photos that are alike and one without a face; Bo's second photo looks like Ann, his first does not.

    Cy has one photo.
    """
    names = ["Ann/1", "Ann/2", "Ann/3", "Bo/1", "Bo/2", "Cy/1"]
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 0, 2]]
    missing = (Missing(Path("people/Ann/4.jpg"), "no face found"),)
    paths = tuple(Path(f"people/{name}.jpg") for name in names)
    people = np.array([0, 0, 0, 1, 1, 2])
    return Templates(vectors, people, paths, np.full(6, np.nan, np.float32), "net@1", missing)


def test_figures_that_can_be_told_by_hand() -> None:
    """Groups: Ann's three with one of Bo's; Bo; Cy; and the photo without a face, by itself."""
    report = evaluate_clustering(photos(), CALIBRATION, 1e-4)
    figures = report.figures
    assert report.threshold == pytest.approx(0.4) and report.fmr == 1e-4 and report.n_no_face == 1
    assert (figures.n_faces, figures.n_people, figures.n_groups) == (6, 3, 3)
    assert figures.pairs.precision == pytest.approx(3 / 6) and figures.pairs.recall == pytest.approx(3 / 7)
    assert figures.bcubed.precision == pytest.approx((3 * 3 / 4 + 1 / 4 + 1 + 1 + 1) / 7)
    assert figures.bcubed.recall == pytest.approx((3 * 3 / 4 + 1 / 4 + 2 * 1 / 2 + 1) / 7)
    assert report.pairs_f == figures.pairs.f and report.to_dict()["bcubed_f"] == pytest.approx(figures.bcubed.f)


def test_a_rate_that_is_not_supported_is_refused() -> None:
    with pytest.raises(CalibrationError):
        evaluate_clustering(photos(), CALIBRATION, 1e-9)
