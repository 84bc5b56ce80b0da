"""labels.csv with votes and twins."""

from __future__ import annotations

from typing import Any

import pytest

from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013

VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
HEADER = f"file,split,label,{VOTES},twin_in_other_split,twin_label_conflict"


def test_columns_become_labels_votes_and_twins(build: Any) -> None:
    for name in ("train/a.png", "train/b.png", "valid/c.png"):
        build.picture(name)
    rows = [
        "train/b.png,train,happy,0,9,0,0,0,0,0,0,1,0,False,False",
        "train/a.png,train,,0,0,0,0,0,0,0,0,0,0,True,False",
        "valid/c.png,valid,angry,1,0,0,0,9,0,0,0,0,0,True,True",
    ]
    build.text("labels.csv", "\n".join([HEADER, *rows]))
    train = read_faces(build.root, "train")
    assert train.names == ("train/b.png", "train/a.png") and train.classes == FER2013
    assert all((face == build.faces[name]).all() for face, name in zip(train.faces, train.names, strict=True))
    assert train.labels.tolist() == [3, -1] and train.twins.tolist() == [False, True]
    assert train.votes is not None and train.votes.tolist() == [[0, 9, 0, 0, 0, 0, 0, 0, 1, 0], [0] * 10]
    assert read_faces(build.root / "labels.csv", "valid").twins.tolist() == [True]


def test_three_columns_are_enough(build: Any) -> None:
    first = build.grey()
    build.picture("a.png", first)
    build.picture("b.png", first)
    build.text("labels.csv", "file,split,label\na.png,Training,bored\nb.png,val,awake\n")
    found = read_faces(build.root, "valid")
    assert found.classes == ("awake", "bored") and found.labels.tolist() == [0]
    assert found.votes is None and found.twins.tolist() == [True]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.png,later,happy,0,9,0,0,0,0,0,0,1,0,False,False", "the split is 'later'"),
        (",train,happy,0,9,0,0,0,0,0,0,1,0,False,False", "it names no file"),
        ("a.png,train,happy,0,9,0,0,0,0,0,0,1,0,perhaps,False", "twin_in_other_split is 'perhaps'"),
        ("a.png,train,happy,0,nine,0,0,0,0,0,0,1,0,False,False", "the votes for 'happiness' are 'nine'"),
        ("a.png,train,happy,0,9,0", "it ends before 'sadness'"),
    ],
)
def test_a_wrong_line_is_named(build: Any, row: str, message: str) -> None:
    build.picture("a.png")
    build.text("labels.csv", f"{HEADER}\n{row}\n")
    with pytest.raises(DataError) as caught:
        read_faces(build.root, "train")
    assert f"labels.csv, line 2: {message}" in caught.value.cause and caught.value.cure


def test_some_columns_of_votes_are_not_enough(build: Any) -> None:
    build.text("labels.csv", "file,split,label,neutral\na.png,train,happy,3\n")
    with pytest.raises(DataError, match="has no column happiness, surprise"):
        read_faces(build.root, "train")


def test_a_missing_picture_is_named(build: Any) -> None:
    build.text("labels.csv", "file,split,label\ngone.png,train,happy\n")
    with pytest.raises(DataError, match=r"gone\.png"):
        read_faces(build.root, "train")


def test_bytes_that_are_no_text_are_refused(build: Any) -> None:
    build.text("labels.csv", "")
    (build.root / "labels.csv").write_bytes(b"file,split,label\n\xff\xfe,train,happy\n")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        read_faces(build.root, "train")
