from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mien.cli.calibrate as command
from mien.cli.main import run
from mien.decide.calibration import Calibration, calibrations_dir, file_name
from mien.evaluate.people import PeoplePhotos
from mien.evaluate.templates import Missing, Templates
from mien.settings import load_settings

PEOPLE = 300


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty files in the layout of people, and embeddings made up for them in the place of the pipeline's."""
    for person in range(PEOPLE):
        for photo in range(2):
            path = tmp_path / "people" / f"p{person:03d}" / f"p{person:03d}_{photo}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def embed(analyzer: object, photos: PeoplePhotos, progress: object) -> Templates:
        random = np.random.default_rng(0)
        centres = random.normal(size=(PEOPLE, 64))
        whose = np.array([int(path.name[1:4]) for path in photos.paths])
        vectors = centres[whose] + 0.3 * random.normal(size=(len(whose), 64))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        people = np.unique(np.array(photos.people), return_inverse=True)[1]
        missing = (Missing(Path("lost.jpg"), "no face found"),)
        quality = np.full(len(people), np.nan, np.float32)
        return Templates(vectors.astype(np.float32), people, photos.paths, quality, "net@1", missing)

    monkeypatch.setattr(command, "Analyzer", lambda *_, **__: None)
    monkeypatch.setattr(command, "embed_photos", embed)
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    rows = [
        f"p{p:03d}_{i}.jpg,{'young' if p < 60 else 'old'},{'x' if p % 2 else 'y'}"
        for p in range(PEOPLE)
        for i in (0, 1)
    ]
    (tmp_path / "labels.csv").write_text("file,age,sex\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_it_is_written_where_compare_finds_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calibrate", str(folder / "people"), "--about", "made up"]) == 0
    found = Calibration.for_model("net@1")
    assert found is not None and found.source == "made up" and found.n_people == PEOPLE
    assert (calibrations_dir(load_settings()) / file_name("net@1")).is_file()
    out = capsys.readouterr()
    assert found.id in out.out and "1e-03" in out.out and "not supported" in out.out
    assert "lost.jpg: no face found" in out.err


def test_groups_and_what_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--labels", str(folder / "labels.csv"), "--group", "sex", "--leave-out", "age=young"]
    assert run(["calibrate", str(folder / "people"), "--out", str(folder / "c.json"), *options]) == 0
    calibration = Calibration.load(folder / "c.json")
    assert calibration.n_people == PEOPLE - 60
    assert {(rate.group, rate.within) for rate in calibration.groups} == {
        ("x", True), ("y", True), ("age=young", False)
    }  # fmt: skip
    assert "age=young (left out)" in capsys.readouterr().out


def test_strangers_who_are_one_person_are_joined(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["calibrate", str(folder / "people"), "--strangers", "--same-from", "0.75"]
    assert run([*arguments, "--out", str(folder / "c.json")]) == 0
    calibration = Calibration.load(folder / "c.json")
    assert calibration.n_people == PEOPLE
    assert calibration.misses == ()
    assert "300 of 600 people were joined" in calibration.notes[0]


def test_the_worse_of_two_sets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = folder / "one.json", folder / "two.json"
    assert run(["calibrate", str(folder / "people"), "--out", str(one), "--about", "first"]) == 0
    assert run(["calibrate", str(folder / "people"), str(one), "--out", str(two), "--about", "second"]) == 0
    joint = Calibration.load(two)
    assert joint.source == "first and second" and joint.n_people == 2 * PEOPLE
    assert joint.threshold(1e-3) == pytest.approx(Calibration.load(one).threshold(1e-3))


def test_labels_that_are_needed_are_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calibrate", str(folder / "people"), "--group", "sex"]) == 2
    assert "--labels" in capsys.readouterr().err


def test_too_few_people(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for person in range(10):
        (tmp_path / "people" / f"p{person:03d}").rename(few / f"p{person:03d}")
    assert run(["calibrate", str(few)]) == 2
    assert "10 people are too few" in capsys.readouterr().err


def test_what_the_analyzer_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(command, "Analyzer", lambda *_, embedder, fast, **__: asked.append((embedder, fast)))
    options = ["--out", str(folder / "c.json"), "--embedder", "mine", "--fast"]
    assert run(["calibrate", str(folder / "people"), *options]) == 0
    assert asked == [("mine", True)]
