"""Every layout of sequences, as small trees in the published shape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mien.dataset.sequences.read import LAYOUTS, read_sequences
from mien.dataset.sequences.sequence import SequenceSet
from mien.errors import DataError

if TYPE_CHECKING:
    from conftest import Builder


def touch(root: Path, *names: str) -> None:
    """Files that differ; listing does not decode."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def told(data: SequenceSet) -> list[tuple[str, str | None, str, str]]:
    """Name, subject, class and part of each sequence."""
    return [(one.name, one.subject, data.classes[one.label], one.part) for one in data.sequences]


def test_ckplus_keeps_three_frames_together_and_in_order(build: Builder) -> None:
    for frame in (19, 18, 21):
        build.picture(f"anger/S010_004_000000{frame}.png")
    for subject in ("S010", "S999"):
        build.picture(f"happy/{subject}_006_00000007.png")
    data = read_sequences(build.root)
    assert data.layout == "ckplus48" and data.classes == ("happiness", "anger")
    assert told(data) == [
        ("anger/S010_004", "S010", "anger", ""),
        ("happy/S010_006", "S010", "happiness", ""),
        ("happy/S999_006", "S999", "happiness", ""),
    ]
    frames = list(data.sequences[0].frames())
    assert np.allclose([time for time, _ in frames], [0, 0.04, 0.12])
    names = [f"anger/S010_004_000000{frame}.png" for frame in (18, 19, 21)]
    for (_, pixels), name in zip(frames, names, strict=True):
        assert np.array_equal(pixels, build.faces[name])


def test_ravdess_takes_each_take_once_and_no_sound_alone(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "Actor_01/01-01-02-01-01-01-01.mp4",
        "Actor_01/02-01-02-01-01-01-01.mp4",
        "Actor_12/02-02-08-02-01-01-12.mp4",
        "Actor_12/03-01-05-01-01-01-12.wav",
        "Actor_12/03-01-05-01-01-01-12.mp4",
    )
    data = read_sequences(tmp_path)
    assert data.layout == "ravdess" and data.classes == ("surprise", "calm")
    assert told(data) == [
        ("Actor_01/01-01-02-01-01-01-01.mp4", "01", "calm", "5"),
        ("Actor_12/02-02-08-02-01-01-12.mp4", "12", "surprise", "3"),
    ]
    assert data.sequences[0].is_clip


def test_crema_d(tmp_path: Path) -> None:
    touch(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1002_IEO_NEU_LO.flv", "VideoFlash/notes.txt")
    data = read_sequences(tmp_path)
    assert data.layout == "crema-d"
    assert [row[1:3] for row in told(data)] == [("1001", "anger"), ("1002", "neutral")]


def test_afew_has_parts_and_nobody_named(tmp_path: Path) -> None:
    touch(tmp_path, "Train/Angry/a.avi", "Val_AFEW/Happy/b.avi", "Val_AFEW/Happy/c/1.jpg", "Test/d.avi")
    data = read_sequences(tmp_path)
    assert data.layout == "afew" and data.subjects == ()
    assert [row[1:] for row in told(data)] == [
        (None, "anger", "train"), (None, "happiness", "valid"), (None, "happiness", "valid"),
    ]  # fmt: skip


def dfew_tables(root: Path, rows: list[str]) -> None:
    folder = root / "EmoLabel_DataSplit" / "test(single-labeled)"
    folder.mkdir(parents=True)
    for fold, row in enumerate(rows, 1):
        (folder / f"set_{fold}.csv").write_text(f"video_name,label\n{row}\n")


@pytest.mark.parametrize("clips", ["Clip/original/{}.mp4", "Clip/clip_224x224/{:05}/00001.jpg"])
def test_dfew(tmp_path: Path, clips: str) -> None:
    dfew_tables(tmp_path, ["00001,1", "2,6", "3,7", "4,4", "5,3"])
    touch(tmp_path, *(clips.format(number) for number in range(1, 6)))
    data = read_sequences(tmp_path)
    assert data.layout == "dfew"
    assert [row[2:] for row in told(data)] == [
        ("happiness", "1"), ("disgust", "2"), ("fear", "3"), ("anger", "4"), ("neutral", "5"),
    ]  # fmt: skip
    assert data.sequences[0].is_clip == clips.endswith("mp4")


@pytest.mark.parametrize(
    ("row", "says"),
    [("7,1", "no clip 7"), ("1,8", "no label 8"), ("1,x", "no number"), ("one,1", "no number")],
)
def test_dfew_names_the_wrong_line(tmp_path: Path, row: str, says: str) -> None:
    dfew_tables(tmp_path, ["1,1", row, "1,2", "1,3", "1,4"])
    touch(tmp_path, "Clip/original/1.mp4")
    with pytest.raises(DataError, match=f"set_2.csv, line 2.*{says}"):
        read_sequences(tmp_path)


def test_folders_of_clips_and_of_frames(tmp_path: Path) -> None:
    touch(tmp_path / "clips", "happy/a.mp4", "bored/b.mkv")
    touch(tmp_path / "frames", "happy/a/2.jpg", "happy/a/1.jpg", "sad/b/1.jpg")
    clips, frames = read_sequences(tmp_path / "clips"), read_sequences(tmp_path / "frames")
    assert (clips.layout, clips.classes) == ("clips", ("happiness", "bored"))
    assert (frames.layout, frames.classes) == ("frames", ("happiness", "sadness"))
    assert [file.name for file in frames.sequences[0].files] == ["1.jpg", "2.jpg"]
    assert clips.subjects == () and len(frames.sequences[0].times) == 2


def test_subjects_come_from_a_table_beside(tmp_path: Path) -> None:
    touch(tmp_path, "happy/a.mp4", "sad/b.mp4")
    (tmp_path / "subjects.csv").write_text("sequence,subject\nhappy/a.mp4,Ann\nsad/b.mp4,Bob\n")
    assert read_sequences(tmp_path).subjects == ("Ann", "Bob")
    (tmp_path / "subjects.csv").write_text("sequence,subject\nhappy/a.mp4,Ann\n")
    with pytest.raises(DataError, match=r"no subject for sad/b\.mp4"):
        read_sequences(tmp_path)


def test_the_hash_is_of_content_labels_and_names(tmp_path: Path) -> None:
    touch(tmp_path, "happy/a.mp4", "sad/b.mp4")
    first = read_sequences(tmp_path)
    assert read_sequences(tmp_path).sha256 == first.sha256
    (tmp_path / "sad/b.mp4").write_bytes(b"other")
    second = read_sequences(tmp_path)
    assert second.sha256 != first.sha256
    assert [a.sha256 == b.sha256 for a, b in zip(first.sequences, second.sequences, strict=True)] == [True, False]


def test_what_is_refused_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_sequences(tmp_path / "absent")
    with pytest.raises(DataError) as refused:
        read_sequences(tmp_path)
    assert all(looks in refused.value.cure for looks, _ in LAYOUTS.values())
    touch(tmp_path, "happy/a.mp4")
    with pytest.raises(DataError, match="one class only"):
        read_sequences(tmp_path)
    with pytest.raises(DataError, match="holds no labelled sequences"):
        read_sequences(tmp_path, "ravdess")
    with pytest.raises(DataError, match="no layout 'mmi'"):
        read_sequences(tmp_path, "mmi")


def test_ckplus_as_it_lies_here(data: Path) -> None:
    found = read_sequences(data / "ckplus48")
    assert (found.layout, len(found.sequences), len(found.subjects)) == ("ckplus48", 257, 94)
    assert {len(one.files) for one in found.sequences} == {3} and "neutral" not in found.classes
