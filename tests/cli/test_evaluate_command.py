from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mien.cli.evaluate as command
from mien.cli.main import run
from mien.evaluate.people import PeoplePhotos
from mien.evaluate.templates import Missing, Templates
from mien.image import write_image

PEOPLE = 120


@pytest.fixture
def lfw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small pictures in LFW's layout, and embeddings made up for them; P_000_0002 has no face."""
    for person in range(PEOPLE):
        folder = tmp_path / "images" / f"P_{person:03d}"
        folder.mkdir(parents=True)
        for photo in (1, 2):
            write_image(folder / f"{folder.name}_{photo:04d}.png", np.full((20, 20, 3), person, np.uint8))

    def embed(analyzer: object, photos: PeoplePhotos, progress: object) -> Templates:
        random = np.random.default_rng(0)
        centres = random.normal(size=(PEOPLE, 64))
        paths = tuple(path for path in photos.paths if path.stem != "P_000_0002")
        people = np.array([int(path.stem[2:5]) for path in paths])
        vectors = centres[people] + 0.5 * random.normal(size=(len(people), 64))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        missing = (Missing(tmp_path / "images/P_000/P_000_0002.png", "no face found"),)
        return Templates(
            vectors.astype(np.float32), people, paths, random.random(len(people)).astype(np.float32), "net@1", missing
        )

    monkeypatch.setattr(command, "Analyzer", lambda *_, **__: None)
    monkeypatch.setattr(command, "embed_photos", embed)
    lines = [f"P_{p:03d}\t1\t2" for p in range(40)] + [f"P_{p:03d}\t1\tP_{p + 1:03d}\t2" for p in range(40)]
    (tmp_path / "test.txt").write_text("40\n" + "\n".join(lines) + "\n")
    lines = [f"P_{p:03d}\t1\t2" for p in range(60, 100)] + [f"P_{p:03d}\t1\tP_{p + 1:03d}\t2" for p in range(60, 100)]
    (tmp_path / "train.txt").write_text("40\n" + "\n".join(lines) + "\n")
    return tmp_path


def arguments(lfw: Path) -> list[str]:
    return ["evaluate", "verification", "--images", str(lfw / "images"), "--pairs", str(lfw / "test.txt")]


def test_json_alone_on_stdout(lfw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments(lfw), "--fit", str(lfw / "train.txt"), "--json", "-", "--discard"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "mien.verification/1"
    assert report["accuracy"]["n_pairs"] == 80
    assert report["accuracy"]["no_embedding"] == 1
    assert report["accuracy"]["fitted_on"] == "80 other pairs"
    assert report["all_pairs"]["n_images"] == 2 * PEOPLE - 1
    assert [point["fmr"] for point in report["all_pairs"]["points"]] == [1e-3, 1e-4, 1e-5]
    assert len(report["discard"]) == 3


def test_text_names_the_errors_and_the_lost_photo(lfw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(lfw)) == 0
    out = capsys.readouterr()
    assert "optimistic" in out.out
    assert "1 for want of a face" in out.out
    assert "P_000_0002.png: no face found" in out.err


def test_pictures_and_file(lfw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = lfw / "report"
    assert run([*arguments(lfw), "--out", str(out), "--json", str(lfw / "report.json")]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["det.png", "misjudged.png", "scores.png"]
    assert json.loads((lfw / "report.json").read_text())["model"] == "net@1"


def test_a_bad_pairs_file_is_an_error(lfw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lfw / "test.txt").write_text("3\nP_000\t1\t2\n")
    assert run(arguments(lfw)) == 2
    assert "announces 6 pairs" in capsys.readouterr().err


def test_what_the_analyzer_is_asked_for(
    lfw: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(command, "Analyzer", lambda stages, *_, fast, **__: asked.append((stages, fast)))
    assert run([*arguments(lfw), "--fast", "--json", "-"]) == 0
    assert run([*arguments(lfw), "--discard", "--json", "-"]) == 0
    assert asked == [(["embed"], True), (["quality", "embed"], False)]
