"""FairFace as published and as kept for development."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.dataset.fairface import Annotated, read_fairface
from mien.errors import DataError


@pytest.mark.parametrize(
    ("table", "header", "more"),
    [
        ("fairface_label_val.csv", "file,age,gender,race,service_test", ",True"),
        ("val.csv", "file,age,gender,race", ""),
    ],
)
def test_rows_become_records(build: Any, table: str, header: str, more: str) -> None:
    path = build.picture("val/1.jpg")
    build.text(table, f"{header}\nval/1.jpg,more than 70,Female,Latino_Hispanic{more}\n")
    assert read_fairface(build.root, "valid") == (Annotated(path, "more than 70", "Female", "Latino_Hispanic"),)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("train/2.jpg,20-29,Male,Black", "line 2: there is no file"),
        ("train/1.jpg,20-29,,Black", "line 2: a field is empty"),
        ("train/1.jpg,20-29", "line 2: it ends before 'gender'"),
        ("", "has no rows"),
    ],
)
def test_a_wrong_line_is_named(build: Any, row: str, message: str) -> None:
    build.picture("train/1.jpg")
    build.text("train.csv", f"file,age,gender,race\n{row}\n")
    with pytest.raises(DataError, match=message):
        read_fairface(build.root, "train")


def test_an_absent_column_is_named(build: Any) -> None:
    build.text("train.csv", "file,age,gender\ntrain/1.jpg,1,2\n")
    with pytest.raises(DataError, match="no column race"):
        read_fairface(build.root, "train")


def test_absent_splits_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no fairface_label_train\.csv or train\.csv"):
        read_fairface(tmp_path, "train")
    with pytest.raises(DataError, match="FairFace has no test split") as caught:
        read_fairface(tmp_path, "test")
    assert "--split valid" in caught.value.cure
