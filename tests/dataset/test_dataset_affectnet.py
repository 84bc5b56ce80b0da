"""Both layouts that AffectNet was published in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FERPLUS

NAMES = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"


def annotate(build: Any, name: str, value: object) -> Path:
    path = build.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array(value))
    return path


def folders(build: Any) -> None:
    for number in range(11):
        build.picture(f"train_set/images/{number}.jpg", build.grey(224))
        annotate(build, f"train_set/annotations/{number}_exp.npy", str(number))
    build.picture("val_set/images/99.jpg", build.grey(224))
    annotate(build, "val_set/annotations/99_exp.npy", 6)


def test_folders(build: Any) -> None:
    folders(build)
    train = read_faces(build.root, "train")
    assert train.classes == FERPLUS
    assert {name: train.classes[label] for name, label in zip(train.names, train.labels, strict=True)} == {
        f"train_set/{number}.jpg": name for number, name in enumerate(NAMES)
    }
    valid = read_faces(build.root, "valid")
    assert valid.classes[valid.labels[0]] == "anger" and valid.faces.shape == (1, 48, 48)


def test_an_annotation_as_plain_text(build: Any) -> None:
    folders(build)
    build.text("val_set/annotations/99_exp.npy", "7\n")
    valid = read_faces(build.root, "valid")
    assert valid.classes[valid.labels[0]] == "contempt"


@pytest.mark.parametrize("value", ["11", "-1", "happy", "1.0", [1, 2], ""])
def test_a_wrong_annotation_is_named(build: Any, value: object) -> None:
    folders(build)
    annotate(build, "val_set/annotations/99_exp.npy", value)
    with pytest.raises(DataError, match=r"99_exp\.npy"):
        read_faces(build.root, "valid")


def test_pickles_are_refused(build: Any) -> None:
    folders(build)
    np.save(build.root / "val_set/annotations/99_exp.npy", np.array({"a": 1}, object), allow_pickle=True)
    with pytest.raises(DataError, match=r"99_exp\.npy holds no single number"):
        read_faces(build.root, "valid")


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff", b"\xff\xfe"])
def test_a_damaged_annotation_is_named(build: Any, data: bytes) -> None:
    folders(build)
    (build.root / "val_set/annotations/99_exp.npy").write_bytes(data)
    with pytest.raises(DataError, match=r"99_exp\.npy"):
        read_faces(build.root, "valid")


def test_a_missing_annotation_is_named(build: Any) -> None:
    folders(build)
    (build.root / "val_set/annotations/99_exp.npy").unlink()
    with pytest.raises(DataError, match=r"99_exp\.npy cannot be read"):
        read_faces(build.root, "train")


def scene(build: Any) -> np.ndarray:
    photo = np.zeros((120, 160), np.uint8)
    photo[20:68, 30:78] = build.grey()
    return photo


@pytest.mark.parametrize("images", ["", "Manually_Annotated_Images/"])
@pytest.mark.parametrize("lists", ["", "Manually_Annotated_file_lists/"])
def test_manifests_cut_out_the_box(build: Any, images: str, lists: str) -> None:
    if lists and not images:
        images = lists
    photo = scene(build)
    build.picture(f"{images}12/a.png", photo)
    build.picture(f"{images}12/b.png")
    build.text(f"{lists}training.csv", f"{HEADER}\n12/a.png,30,20,48,48,1;2,4,0,0\n12/b.png,0,0,48,48,,9,-2,-2\n")
    build.text(f"{lists}validation.csv", "12/b.png,0,0,48,48,1;2,7,0,0\n")
    train = read_faces(build.root, "train")
    assert train.names == ("12/a.png",) and (train.faces[0] == photo[20:68, 30:78]).all()
    assert train.classes == FERPLUS and train.classes[train.labels[0]] == "fear"
    valid = read_faces(build.root / f"{lists}validation.csv", "valid")
    assert valid.classes[valid.labels[0]] == "contempt"


def test_a_box_over_the_edge_is_clipped(build: Any) -> None:
    photo = scene(build)
    build.picture("a.png", photo)
    build.text("training.csv", f"{HEADER}\na.png,-10,-10,58,58,,1,0,0\n")
    assert (read_faces(build.root, "train").faces[0] == photo[:48, :48]).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.png,NULL,20,48,48,,1,0,0", "line 2: its box is no four whole numbers"),
        ("a.png,30,20,0,48,,1,0,0", "line 2: its box is 0 x 48 px"),
        ("a.png,500,20,48,48,,1,0,0", "The box of a.png lies outside"),
        ("a.png,30,20,48,48,,joy,0,0", "line 2: the expression is 'joy'"),
        ("a.png,30,20", "line 2: it ends before"),
        ("gone.png,30,20,48,48,,1,0,0", "line 2: gone.png lies in none of"),
    ],
)
def test_a_wrong_line_is_named(build: Any, row: str, message: str) -> None:
    build.picture("a.png", scene(build))
    build.text("training.csv", f"{HEADER}\n{row}\n")
    with pytest.raises(DataError) as caught:
        read_faces(build.root, "train")
    assert message in caught.value.cause and caught.value.cure
