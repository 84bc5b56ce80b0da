from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import DataError
from mien.evaluate.people import Labels, folder_of_people, folder_of_strangers
from mien.evaluate.subject import subject
from mien.face import Box, Detection, Face


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_a_folder_is_a_person(tmp_path: Path) -> None:
    touch(tmp_path, "Bo/2.png", "Ann/1.jpg", "Ann/2.JPG", "Ann/notes.txt", "loose.jpg")
    photos = folder_of_people(tmp_path)
    assert photos.people == ("Ann", "Ann", "Bo")
    assert [path.name for path in photos.paths] == ["1.jpg", "2.JPG", "2.png"]


def test_strangers_are_all_different(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "2.jpg", "deep/1.jpg")
    assert len(set(folder_of_strangers(tmp_path).people)) == 3


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        folder_of_people(tmp_path / "absent")
    touch(tmp_path, "loose.jpg")
    with pytest.raises(DataError, match="one folder a person"):
        folder_of_people(tmp_path)
    with pytest.raises(DataError, match="no photos"):
        (tmp_path / "empty").mkdir()
        folder_of_strangers(tmp_path / "empty")


def test_labels_join_columns_and_mark_files(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,age,gender\nval/1.jpg,0-2,Male\nval/2.jpg,20-29,Female\n")
    labels = Labels.read(table)
    assert labels.of("gender", "age") == {"1.jpg": "Male, 0-2", "2.jpg": "Female, 20-29"}
    assert labels.marked("age=0-2") == {"1.jpg"}
    for wrong in ("age=90", "age", "race=x"):
        with pytest.raises(DataError):
            labels.marked(wrong)


@pytest.mark.parametrize("text", ["", "name,age\n1.jpg,3\n", "file,age\na/1.jpg,3\nb/1.jpg,4\n"])
def test_unusable_tables_are_refused(tmp_path: Path, text: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(DataError):
        Labels.read(table)


def face(x: float, y: float, side: float) -> Face:
    return Face(Detection(Box(x, y, side, side), 0.9, np.zeros((5, 2), np.float32)))


def test_the_subject_is_large_and_near_the_centre() -> None:
    central, edge, small = face(80, 80, 90), face(0, 0, 95), face(120, 120, 10)
    assert subject([edge, small, central], 250, 250) is central
    assert subject([], 250, 250) is None
