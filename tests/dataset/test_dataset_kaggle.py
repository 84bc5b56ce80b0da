"""fer2013.csv, with and without the votes of FER+ beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013

USAGES = ["Training", "Training", "PublicTest", "PrivateTest"]
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def line(emotion: object, pixels: np.ndarray | str, usage: str) -> str:
    text = pixels if isinstance(pixels, str) else " ".join(map(str, pixels.ravel()))
    return f"{emotion},{text},{usage}"


def write(build: Any, faces: list[np.ndarray], header: str = "emotion,pixels,Usage") -> Path:
    rows = [line(number, face, usage) for number, (face, usage) in enumerate(zip(faces, USAGES, strict=True))]
    return build.text("fer2013.csv", "\n".join([header, *rows]) + "\n")


@pytest.fixture
def faces(build: Any) -> list[np.ndarray]:
    return [build.grey() for _ in USAGES]


def test_splits_labels_and_pixels(build: Any, faces: list[np.ndarray]) -> None:
    table = write(build, faces)
    train = read_faces(table, "train")
    assert (train.faces == np.stack(faces[:2])).all() and train.faces.dtype == np.uint8
    assert train.classes == FER2013 and train.labels.tolist() == [0, 1] and train.labels.dtype == np.int64
    assert train.votes is None and train.names == ("line 2", "line 3") and train.name == "fer2013"
    assert (read_faces(build.root, "valid").faces[0] == faces[2]).all()
    assert read_faces(build.root, "test").labels.tolist() == [3]


def test_the_arrays_cannot_be_changed(build: Any, faces: list[np.ndarray]) -> None:
    write(build, faces)
    with pytest.raises(ValueError, match="read-only"):
        read_faces(build.root, "train").faces[0, 0, 0] = 1


def test_other_order_of_columns_bom_and_windows_lines(build: Any, faces: list[np.ndarray]) -> None:
    text = "\ufeffemotion, Usage, pixels\r\n" + f'3,Training,"{" ".join(map(str, faces[0].ravel()))}"\r\n\r\n'
    (build.root).mkdir()
    (build.root / "icml.csv").write_bytes(text.encode())
    found = read_faces(build.root / "icml.csv", "train")
    assert (found.faces[0] == faces[0]).all() and found.labels.tolist() == [3]


def test_twins_are_found_across_splits(build: Any, faces: list[np.ndarray]) -> None:
    faces[3] = faces[0]
    write(build, faces)
    assert read_faces(build.root, "train").twins.tolist() == [True, False]
    assert read_faces(build.root, "valid").twins.tolist() == [False]
    assert read_faces(build.root, "test").twins.tolist() == [True]


def test_copies_within_a_split_are_no_twins(build: Any, faces: list[np.ndarray]) -> None:
    faces[1] = faces[0]
    write(build, faces)
    assert not read_faces(build.root, "train").twins.any()


def test_votes_are_joined_by_row(build: Any, faces: list[np.ndarray]) -> None:
    write(build, faces)
    rows = [f"{usage},fer{i:07}.png,{i},0,0,0,9,0,0,0,0,1" for i, usage in enumerate(USAGES)]
    build.text("fer2013new.csv", "\n".join([VOTES, *rows]))
    votes = read_faces(build.root, "train").votes
    assert votes is not None and votes.dtype == np.float32
    assert votes.tolist() == [[i, 0, 0, 0, 9, 0, 0, 0, 0, 1] for i in (0, 1)]
    assert read_faces(build.root, "test").votes.tolist() == [[3, 0, 0, 0, 9, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (USAGES[:3], "fewer rows"),
        ([*USAGES, "PrivateTest"], "more rows"),
        (["Training", "PublicTest", "Training", "PrivateTest"], "line 3: the Usage is 'PublicTest'"),
    ],
)
def test_votes_of_another_release_are_refused(
    build: Any, faces: list[np.ndarray], rows: list[str], message: str
) -> None:
    write(build, faces)
    build.text("fer2013new.csv", "\n".join([VOTES, *(f"{usage},x.png{',1' * 10}" for usage in rows)]))
    with pytest.raises(DataError, match=message) as caught:
        read_faces(build.root, "train")
    assert "move it away" in caught.value.cure


def test_a_vote_that_is_no_count_is_refused(build: Any, faces: list[np.ndarray]) -> None:
    write(build, faces)
    build.text("fer2013new.csv", "\n".join([VOTES, f"Training,x.png,-1{',1' * 9}"]))
    with pytest.raises(DataError, match=r"line 2: the votes for 'neutral' are '-1'"):
        read_faces(build.root, "train")


GOOD = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (line(0, "1 2 3", "Training"), "it has 3 pixels, not 2304"),
        (line(0, "", "Training"), "it has 0 pixels"),
        (line(0, GOOD + " 7", "Training"), "it has 2305 pixels"),
        (line(0, GOOD[:-1] + "256", "Training"), "a pixel is 256"),
        (line(0, GOOD[:-1] + "9" * 40, "Training"), "a pixel is "),
        (line(0, GOOD[:-1] + "x", "Training"), "the pixels are not all whole numbers"),
        (line(0, GOOD[:-1] + "-1", "Training"), "the pixels are not all whole numbers"),
        (line(7, GOOD, "Training"), "the emotion is '7', not 0 to 6"),
        (line("happy", GOOD, "Training"), "the emotion is 'happy'"),
        (line(0, GOOD, "Trainin"), "the Usage is 'Trainin', none of Training, PublicTest, PrivateTest"),
        (f"0,{GOOD}", "it has 2 of 3 columns, it is cut off"),
        ("0" * 70_000, "it has 1 of 3 columns"),
        ("\x00\x01", "it has 1 of 3 columns"),
    ],
)
def test_a_wrong_line_is_named(build: Any, row: str, message: str) -> None:
    build.text("fer2013.csv", "\n".join(["emotion,pixels,Usage", line(0, GOOD, "Training"), row, ""]))
    with pytest.raises(DataError) as caught:
        read_faces(build.root, "train")
    assert f"fer2013.csv, line 3: {message}" in caught.value.cause and caught.value.cure


def test_a_header_alone_has_no_faces(build: Any) -> None:
    build.text("fer2013.csv", "emotion,pixels,Usage\n")
    with pytest.raises(DataError, match="has no faces"):
        read_faces(build.root, "train")
