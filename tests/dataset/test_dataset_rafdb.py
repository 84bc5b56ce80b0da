"""RAF-DB as its authors send it."""

from __future__ import annotations

from typing import Any

import pytest

from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013

NAMES = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
LINES = [f"train_{number:05}.jpg {number}" for number in range(1, 8)] + ["test_0001.jpg 4"]
LIST = "EmoLabel/list_patition_label.txt"


@pytest.mark.parametrize(("top", "images"), [("", "Image/aligned"), ("basic/", "Image/aligned"), ("", "aligned")])
def test_lines_become_labels(build: Any, top: str, images: str) -> None:
    build.text(top + LIST, "\n".join(LINES) + "\n")
    for line in LINES:
        build.picture(f"{top}{images}/{line.partition('.')[0]}_aligned.jpg", build.grey(100))
    train = read_faces(build.root, "train")
    assert train.classes == FER2013 and [train.classes[label] for label in train.labels] == list(NAMES)
    assert train.faces.shape == (7, 48, 48) and not train.twins.any()
    assert read_faces(build.root, "test").names == ("test_0001.jpg",)
    with pytest.raises(DataError, match="no valid split") as caught:
        read_faces(build.root, "valid")
    assert "--split test" in caught.value.cure


@pytest.mark.parametrize("line", ["train_00001.jpg 8", "train_00001.jpg", "x.jpg 1", "train_00001.jpg 1 2", "\x00"])
def test_a_wrong_line_is_named(build: Any, line: str) -> None:
    build.text(LIST, f"train_00002.jpg 1\n{line}\n")
    (build.root / "aligned").mkdir()
    with pytest.raises(DataError, match="line 2: "):
        read_faces(build.root, "train")


def test_a_missing_picture_is_named(build: Any) -> None:
    build.text(LIST, "train_00002.jpg 1\n")
    (build.root / "aligned").mkdir()
    with pytest.raises(DataError, match=r"train_00002_aligned\.jpg"):
        read_faces(build.root, "train")


def test_missing_images_are_said(build: Any) -> None:
    build.text(LIST, "train_00002.jpg 1\n")
    with pytest.raises(DataError, match="no folder Image/aligned"):
        read_faces(build.root, "train")
