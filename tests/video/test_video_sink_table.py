"""The table: a row a face, a header that never changes, nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from tests.video.made_up_run import Run, play

from mien.errors import SinkError
from mien.face import NOT_ASKED, Expression, Face
from mien.video.moment import Moment, TrackedFace
from mien.video.sink.table import COLUMNS, FrameTable

RUN = Run(seconds=2, rate=10, width=32, height=24)


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_row_for_each_face_of_each_frame(tmp_path: Path) -> None:
    play(RUN, FrameTable(tmp_path / "a.csv"))
    rows = rows_of(tmp_path / "a.csv")
    assert len(rows) == sum(len(moment.faces) for _, moment in RUN)
    assert tuple(rows[0]) == COLUMNS
    moments = {moment.index: moment for _, moment in RUN}
    for row in rows:
        face = next(one for one in moments[int(row["frame"])].faces if one.track == int(row["track"]))
        assert isinstance(face.expression, Expression)
        assert float(row["x"]) == pytest.approx(face.face.detection.box.x, abs=0.06)
        assert row["expression"] == face.expression.label
        assert float(row["p_happiness"]) == pytest.approx(face.expression.probabilities["happiness"], abs=1e-4)
        assert row["predicted"] == str(int(face.predicted))
    assert {row["name"] for row in rows} == {"", "Anna Fuchs"}
    assert all(row["p_happy"] == "" for row in rows), "of the other vocabulary"


def test_what_was_not_asked_for_is_empty(tmp_path: Path) -> None:
    frame, moment = next(iter(RUN))
    bare = TrackedFace(1, False, Face(moment.faces[0].face.detection))
    sink = FrameTable(tmp_path / "a.csv")
    sink.start(RUN.info())
    sink.take(frame, replace(moment, faces=(bare,)))
    sink.take(frame, Moment(1, 0.1, 32, 24))
    sink.close()
    (row,) = rows_of(tmp_path / "a.csv")
    assert {key for key, text in row.items() if text} == {
        "time_seconds", "frame", "track", "x", "y", "width", "height", "score", "predicted",
    }  # fmt: skip
    assert bare.expression is NOT_ASKED


@pytest.mark.parametrize("name", ["=1+1", "+4", "-4", "@sum", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(name: str, tmp_path: Path) -> None:
    play(replace(RUN, anna=replace(RUN.anna, name=name, person_id=name)), FrameTable(tmp_path / "a.csv"))
    rows = rows_of(tmp_path / "a.csv")
    cells = [
        cell for row in rows for key, cell in row.items() if key in ("name", "person_id", "identity", "expression")
    ]
    assert f"'{name}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_names_with_commas_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    name = 'Anna, "the\nthird"'
    play(replace(RUN, anna=replace(RUN.anna, name=name)), FrameTable(tmp_path / "a.csv"))
    assert {row["name"] for row in rows_of(tmp_path / "a.csv")} == {"", name}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="its folder does not exist"):
        FrameTable(tmp_path / "nowhere" / "a.csv").start(RUN.info())
