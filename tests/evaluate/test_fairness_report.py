"""Groups of a handful of photos, whose figures can be told by hand."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from mien.dataset.fairface import Annotated
from mien.errors import DataError
from mien.evaluate.fairness import (
    LIMITS,
    Comparison,
    FairnessReport,
    Grouping,
    Named,
    Twice,
    evaluate_fairness,
    in_order,
)
from mien.evaluate.fairness_output import write_groups
from mien.evaluate.fairness_photos import drawn

CLASSES = ("calm", "glad", "sad")
# race, gender, age, found, said, confidence, said in the mirror
ROWS = [
    ("White", "Male", "3-9", True, 0, 0.9, 0),
    ("White", "Male", "10-19", True, 1, 0.6, 1),
    ("White", "Female", "10-19", True, 1, 0.4, 2),
    ("Black", "Female", "more than 70", True, 2, 0.3, 2),
    ("Black", "Female", "3-9", False, None, None, None),
]


def named() -> Named:
    seen = [row for row in ROWS if row[3]]
    said = np.array([row[4] for row in seen], np.int64)
    mirrored = np.array([row[6] for row in seen], np.int64)
    return Named(
        tuple(Annotated(Path(f"{n}.jpg"), row[2], row[1], row[0]) for n, row in enumerate(ROWS)),
        CLASSES,
        np.array([row[3] for row in ROWS]),
        said,
        np.array([row[5] for row in seen], np.float64),
        (Twice("mirror", "twice", ("a@1", "a@1"), said, mirrored),),
    )


@pytest.fixture(scope="module")
def groupings() -> dict[str, Grouping]:
    return {one.name: one for one in evaluate_fairness(named(), 0.5)[1]}


def test_groups_in_order(groupings: dict[str, Grouping]) -> None:
    names = {name: [group.name for group in one.groups] for name, one in groupings.items()}
    assert names == {
        "race": ["Black", "White"],
        "gender": ["Female", "Male"],
        "age": ["3-9", "10-19", "more than 70"],
        "race x gender": ["Black, Female", "White, Female", "White, Male"],
    }


def test_ages_of_fairface_in_order() -> None:
    ages = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"]
    assert in_order(ages[::-1] * 2) == ages


def test_a_group_by_hand(groupings: dict[str, Grouping]) -> None:
    black, white = groupings["race"].groups
    assert (black.n_photos, black.n_faces, white.n_photos, white.n_faces) == (2, 1, 3, 3)
    assert (black.not_found.value, white.not_found.value) == (0.5, 0)
    assert [one.value for one in white.distribution] == pytest.approx([1 / 3, 2 / 3, 0])
    assert white.confidence.value == pytest.approx(19 / 30)
    # The standard deviation of 0.9, 0.6 and 0.4 is 0.2517.
    assert white.confidence.low == pytest.approx(19 / 30 - 1.96 * 0.2517 / math.sqrt(3), abs=1e-3)
    assert (black.unsure.value, white.unsure.value) == (1, pytest.approx(1 / 3))
    assert white.distance and black.distance
    assert white.distance.distance.value == black.distance.distance.value == pytest.approx(0.5)
    assert [one.agreement.value for one in white.agreements] == [pytest.approx(2 / 3)]
    # Agreed on 6 of 9 ninths; the totals give 1 * 1 + 2 * 1 + 0 * 1 of them.
    assert white.agreements[0].kappa.value == pytest.approx((6 - 3) / (9 - 3))


def test_one_face_bounds_nothing(groupings: dict[str, Grouping]) -> None:
    black = groupings["race"].groups[0]
    assert (black.confidence.value, black.confidence.low, black.confidence.high) == (pytest.approx(0.3), 0, 1)
    assert math.isnan(black.agreements[0].kappa.value)


def test_spreads(groupings: dict[str, Grouping]) -> None:
    rates = {one.rate: one for one in groupings["race"].spreads}
    assert list(rates) == ["face not found", "unsure", "named otherwise: mirror"]
    assert (rates["face not found"].highest, rates["face not found"].ratio.value) == ("Black", math.inf)
    assert rates["unsure"].ratio.value == pytest.approx(3)
    assert (rates["named otherwise: mirror"].highest, rates["named otherwise: mirror"].lowest) == ("White", "Black")


def test_all_photos_together() -> None:
    whole = evaluate_fairness(named(), 0.5)[0]
    assert (whole.name, whole.n_photos, whole.n_faces, whole.distance) == ("all", 5, 4, None)
    assert [one.value for one in whole.distribution] == pytest.approx([0.25, 0.5, 0.25])
    assert whole.agreements[0].agreement.value == pytest.approx(0.75)


def test_a_confidence_as_asked_for_is_sure() -> None:
    whole = evaluate_fairness(named(), 0.4)[0]
    assert whole.unsure.value == pytest.approx(0.25)


def test_the_same_answers_give_the_same_report() -> None:
    first, second = (str(evaluate_fairness(named(), 0.5)) for _ in range(2))
    assert first == second


def test_a_group_in_which_no_face_was_found() -> None:
    one = named()
    rows = (*one.rows[:4], Annotated(Path("5.jpg"), "20-29", "Male", "Indian"))
    moved = Named(rows, one.classes, one.found, one.said, one.confidence, one.twice)
    indian = evaluate_fairness(moved, 0.5)[1][0].groups[1]
    assert (indian.name, indian.n_photos, indian.n_faces, indian.distance) == ("Indian", 1, 0, None)
    assert indian.not_found.value == 1 and indian.to_dict()["distribution"][0]["value"] is None


def test_no_face_at_all() -> None:
    one = named()
    nobody = np.zeros(0, np.int64)
    with pytest.raises(DataError, match="Not one face was found in 5 photos"):
        evaluate_fairness(Named(one.rows, CLASSES, one.found & False, nobody, np.zeros(0), ()), 0.5)


def test_a_random_sample_that_is_always_the_same() -> None:
    rows = tuple(Annotated(Path(f"{n}.jpg"), "20-29", "Male", "Indian") for n in range(100))
    chosen = drawn(rows, 10)
    assert chosen == drawn(rows, 10) and len(set(chosen)) == 10 and set(chosen) <= set(rows)
    assert chosen != rows[:10] and list(chosen) == sorted(chosen, key=rows.index)
    assert drawn(rows, None) == drawn(rows, 100) == drawn(rows, 101) == rows


def test_the_table_of_groups(tmp_path: Path) -> None:
    whole, groupings = evaluate_fairness(named(), 0.5)
    comparisons = (Comparison("mirror", "twice", ("a@1", "a@1")),)
    report = FairnessReport("a@1", "valid", "moods", CLASSES, 0.5, 5, 4, 0, comparisons, whole, groupings, LIMITS)
    write_groups(report, tmp_path / "groups.csv")
    with (tmp_path / "groups.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["grouping"], row["group"]) for row in rows[:3]] == [("", "all"), ("race", "Black"), ("race", "White")]
    assert len(rows) == 1 + 2 + 2 + 3 + 3
    white = rows[2]
    assert (white["n_faces"], float(white["glad"]), float(white["distance"])) == ("3", pytest.approx(2 / 3), 0.5)
    assert float(white["unsure_low"]) < float(white["unsure"]) < float(white["unsure_high"])
    assert float(white["mirror_agreement"]) == pytest.approx(2 / 3)
    assert rows[0]["distance"] == "" and rows[1]["mirror_kappa"] == ""
