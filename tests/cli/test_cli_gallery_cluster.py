"""`mien gallery cluster`: one folder a person, nothing lost, nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_people import calibration, directions, near
from made_up_photos import Studio, face

import mien.cli.gallery.clustering as command
from mien.cli.main import run
from mien.gallery.enrol import folders_of_people

ANNA, BEN, CARL = directions(3)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Anna on three photos, two of them of one name, Ben on two, one of both, and a file that is no photo."""
    made = Studio(tmp_path / "photos")
    for number, (name, direction) in enumerate(
        [("a/one.png", ANNA), ("b/one.png", ANNA), ("2-one.png", ANNA), ("ben 1.png", BEN), ("ben 2.png", BEN)]
    ):
        made.shoot(face(near(direction, 0.9, number)), name=name)
    made.shoot(face(ANNA), face(BEN), name="both.png")
    (made.folder / "c.png").write_bytes(b"no picture at all")
    monkeypatch.setattr(command, "Analyzer", lambda *_, **__: made)
    monkeypatch.setattr(command.Calibration, "for_model", lambda *_: calibration())
    return made


def test_one_folder_a_person(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "sorted"
    assert run(["gallery", "cluster", str(studio.folder), str(tmp_path / "absent.png"), "--to", str(to)]) == 1
    out = capsys.readouterr().out
    assert "2 people, 0 of them with a single photo." in out and "3 photos left out" in out
    assert "both.png: The photo shows 2 faces" in out and "absent.png: There is no file" in out
    copies = {path.relative_to(to).as_posix(): path.read_bytes() for path in to.rglob("*") if path.is_file()}
    assert {name.partition("/")[0] for name in copies} == {"person-0001", "person-0002", "_left-out"}
    groups = [sorted(copies[name] for name in copies if name.startswith(f"person-000{one}")) for one in (1, 2)]
    taken = [studio.folder / name for name in ("a/one.png", "b/one.png", "2-one.png", "ben 1.png", "ben 2.png")]
    photos = [path.read_bytes() for path in taken]
    assert groups == [sorted(photos[:3]), sorted(photos[3:])]
    assert sorted(path.name for path in (to / "_left-out").iterdir()) == ["both.png", "c.png"]
    assert [name for name, _ in folders_of_people(to)] == ["person-0001", "person-0002"]


def test_what_is_there_stays(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sorted").mkdir()
    (tmp_path / "sorted" / "mine.txt").touch()
    assert run(["gallery", "cluster", str(studio.folder), "--to", str(tmp_path / "sorted")]) == 2
    assert "not empty" in capsys.readouterr().err


def test_a_smaller_rate_makes_more_people(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Photos at 0.81 of each other are one person at 1e-5, whose score is 0.5; a rate that is too small is refused."""
    photos = [str(studio.folder / name) for name in ("ben 1.png", "ben 2.png")]
    assert run(["gallery", "cluster", *photos, "--to", str(tmp_path / "one"), "--fmr", "1e-5", "--json", "-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [len(group["photos"]) for group in record["groups"]] == [2] and record["left_out"] == []
    assert run(["gallery", "cluster", *photos, "--to", str(tmp_path / "two"), "--fmr", "1e-9"]) == 2
    assert not (tmp_path / "two").exists()


def test_no_face_at_all(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = str(studio.folder / "both.png")
    assert run(["gallery", "cluster", photo, "--to", str(tmp_path / "sorted"), "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["groups"] == []
