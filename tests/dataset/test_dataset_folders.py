"""A folder a class, with and without folders of splits; decoding; names of classes; what is refused."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.names import number_classes
from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013, FERPLUS


def test_kaggles_folders(build: Any) -> None:
    for name in ("train/happy/a.png", "train/angry/b.png", "test/happy/c.jpg", "test/sad/d.png", "train/.x/e.png"):
        build.picture(name)
    build.text("train/happy/readme.txt", "no face")
    train = read_faces(build.root, "train")
    assert train.names == ("train/angry/b.png", "train/happy/a.png") and train.labels.tolist() == [0, 3]
    assert (train.faces[1] == build.faces["train/happy/a.png"]).all() and train.classes == FER2013
    test = read_faces(build.root, "test")
    assert test.labels.tolist() == [3, 4] and test.classes == FER2013
    assert test.sha256 != train.sha256


def test_an_absent_split_is_refused_not_swapped(build: Any) -> None:
    build.picture("train/happy/a.png")
    build.picture("test/happy/b.png")
    with pytest.raises(DataError, match="has no valid split: it has train and test") as caught:
        read_faces(build.root, "valid")
    assert "--split test" in caught.value.cure


@pytest.mark.parametrize("name", ["valid", "val", "validation", "PublicTest", "Val"])
def test_names_of_the_validation_split(build: Any, name: str) -> None:
    build.picture("train/happy/a.png")
    build.picture(f"{name}/happy/b.png")
    assert read_faces(build.root, "valid").names == (f"{name}/happy/b.png",)


def test_twins_across_folders_are_found_by_pixels_not_bytes(build: Any) -> None:
    face = build.grey()
    build.picture("train/happy/a.png", face)
    build.picture("train/happy/other.png")
    build.picture("test/sad/b.bmp", face)
    assert read_faces(build.root, "train").twins.tolist() == [True, False]
    assert read_faces(build.root, "test").twins.tolist() == [True]


def test_plain_folders_are_split_by_content(build: Any) -> None:
    for number in range(200):
        build.picture(f"{('happy', 'sad')[number % 2]}/{number:03}.png")
    train, valid = (set(read_faces(build.root, split).names) for split in ("train", "valid"))
    assert not train & valid and len(train | valid) == 200
    assert 5 <= len(valid) <= 40
    some = sorted(valid)[0]
    shutil.copy(build.root / some, build.root / "sad" / "copy.png")
    for name in sorted(train)[:150]:
        (build.root / name).unlink()
    assert set(read_faces(build.root, "valid").names) == valid | {"sad/copy.png"}


def test_plain_folders_have_no_test_split(build: Any) -> None:
    for number in range(40):
        build.picture(f"happy/{number}.png")
    with pytest.raises(DataError, match="has no test split"):
        read_faces(build.root, "test")


def test_colour_becomes_luma(build: Any) -> None:
    colour = np.random.default_rng(3).integers(0, 256, (48, 48, 3), np.uint8)
    build.picture("train/happy/a.png", colour)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_faces(build.root, "train").faces[0] - luma).max() <= 1


def test_other_sizes_are_scaled_whole(build: Any) -> None:
    build.picture("train/happy/large.png", np.repeat(np.repeat(build.grey(), 3, axis=0), 3, axis=1))
    wide = np.zeros((96, 192), np.uint8)
    wide[:, 96:] = 200
    build.picture("train/happy/wide.png", wide)
    faces = read_faces(build.root, "train").faces
    assert (faces[0] == build.faces["train/happy/large.png"][::3, ::3]).all()
    assert (faces[1][:, :24] == 0).all() and (faces[1][:, 24:] == 200).all()
    assert read_faces(build.root, "train", size=64).faces.shape == (2, 64, 64)


@pytest.mark.parametrize("side", [48, 300])
def test_grey_pngs_are_exact_however_they_are_packed(build: Any, side: int) -> None:
    face = build.grey(side)
    path = build.picture("train/happy/a.png", face)
    for data in (path.read_bytes(), png(face, pieces=3), png(face, extra=(b"tEXt", b"a\0b"))):
        path.write_bytes(data)
        assert (read_faces(build.root, "train", size=side).faces[0] == face).all()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    face: np.ndarray, pieces: int = 1, extra: tuple[bytes, bytes] | None = None, rows: bytes | None = None
) -> bytes:
    """A PNG written by hand, so that what no encoder writes can be tried."""
    plain = b"".join(b"\0" + row.tobytes() for row in face)
    packed = zlib.compress(plain if rows is None else rows)
    step = -(-len(packed) // pieces)
    parts = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", face.shape[1], face.shape[0], 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join([head, *([chunk(*extra)] if extra else []), *parts, chunk(b"IEND", b"")])


@pytest.mark.parametrize("damage", ["half", "checksum", "rows", "filter", "text", "nothing", "folder", "head"])
def test_a_damaged_picture_is_named(build: Any, damage: str) -> None:
    build.picture("train/happy/a.png")
    path = build.picture("train/happy/b.png")
    data, face = path.read_bytes(), build.faces["train/happy/b.png"]
    content = {
        "half": data[: len(data) // 2],
        "checksum": data[:60] + bytes([data[60] ^ 1]) + data[61:],
        "rows": png(face, rows=bytes(49 * 20)),
        "filter": png(face, rows=b"\x09" * 49 * 48),
        "text": b"this is no picture",
        "nothing": b"",
        "head": data[:12],
    }
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes(content[damage])
    with pytest.raises(DataError, match=r"happy/b\.png.* cannot be read") as caught:
        read_faces(build.root, "train")
    assert caught.value.cure


def test_the_hash_follows_the_data(build: Any) -> None:
    path = build.picture("train/happy/a.png")
    before = read_faces(build.root, "train").sha256
    assert read_faces(build.root, "train").sha256 == before
    shutil.move(build.root / "train/happy", build.root / "train/sad")
    moved = read_faces(build.root, "train").sha256
    assert moved != before
    build.picture("train/sad/a.png")
    assert read_faces(build.root, "train").sha256 not in (before, moved) and not path.exists()


@pytest.mark.parametrize("name", ["", "happy", "train/happy", "train"])
def test_folders_without_faces_say_what_is_looked_for(build: Any, name: str) -> None:
    (build.root / name).mkdir(parents=True)
    with pytest.raises(DataError, match="holds no labelled faces") as caught:
        read_faces(build.root, "train")
    assert all(part in caught.value.cure for part in ("fer2013.csv", "labels.csv", "RAF-DB", "AffectNet", "<class>"))


def test_pictures_right_in_a_split_are_no_class(build: Any) -> None:
    build.picture("train/a.png")
    with pytest.raises(DataError, match="holds no labelled faces"):
        read_faces(build.root, "train")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no"):
        read_faces(tmp_path / "nowhere", "train")


def test_a_file_that_is_no_table(build: Any) -> None:
    with pytest.raises(DataError, match="holds no labelled faces"):
        read_faces(build.picture("face.png"), "train")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (FER2013, FER2013),
        (FERPLUS, FERPLUS),
        (["Angry", "DISGUSTED", "fearful", "Happiness", "sadness", "surprised", "neutral"], FER2013),
        (["anger", "happy", "contempt"], FERPLUS),
        (["happy"], FER2013),
        (["happy", "thinking", "Anger"], ("Anger", "happy", "thinking")),
        (["1", "2"], ("1", "2")),
    ],
)
def test_names_of_classes(labels: list[str], classes: tuple[str, ...]) -> None:
    names, numbers = number_classes([*labels, ""])
    assert names == classes and numbers.pop("") == -1
    assert set(numbers) == set(labels)


def test_spellings_of_one_class_are_one() -> None:
    names, numbers = number_classes(["angry", "Anger", "sad", "sadness"])
    assert numbers["angry"] == numbers["Anger"] == names.index("angry")
    assert numbers["sad"] == numbers["sadness"] == names.index("sad")
