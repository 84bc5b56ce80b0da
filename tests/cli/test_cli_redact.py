"""`mien redact` at a shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.cli.main import run
from mien.cli.redact import policy_of, targets
from mien.errors import SettingsError
from mien.image import encode_image, open_photo
from mien.redact.policy import RedactPolicy
from mien.settings import Settings


@pytest.fixture
def photos(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A folder with a face, with none, and with a file that is no photo but in name."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "face.png").write_bytes(encode_image(astronaut[:240, 64:384], ".png"))
    (folder / "more" / "plain.jpg").write_bytes(encode_image(np.full((200, 300, 3), 128, np.uint8), ".jpg"))
    return folder


def test_a_folder(weights: Settings, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["redact", str(photos), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "covered 1 face;" in said.out and "NOTHING is covered" in said.err and "plain.jpg" in said.err
    assert sorted(path.name for path in out.iterdir()) == ["face.png", "plain.jpg"]
    assert (open_photo(out / "face.png").pixels().pixels != open_photo(photos / "face.png").pixels().pixels).any()


def test_a_file_that_fails_is_told_and_the_others_are_done(
    weights: Settings, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    assert run(["redact", str(photos), "--out", str(tmp_path / "out"), "--how", "mosaic", "--json"]) == 1
    lines = {Path(line["source"]).name: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert lines["broken.jpg"]["error"]["code"].startswith("image")
    assert lines["face.png"]["faces"]["covered"] == 1 and lines["face.png"]["how"] == "mosaic"
    assert lines["plain.jpg"]["warnings"] and {line["schema"] for line in lines.values()} == {"mien.redaction/1"}
    assert not (tmp_path / "out" / "broken.jpg").exists()
    assert run(["redact", str(photos / "broken.jpg"), "--out", str(tmp_path / "one.jpg")]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["face.png", "--out", "face.png"],
        [".", "--out", "."],
        ["face.png", "absent.png", "--out", "face.png"],
        ["face.png", "--out", "new.png", "--how", "sticker"],
        ["face.png", "--out", "new.png", "--set", "mood=good"],
        ["face.png", "--out", "new.png", "--set", "fpir=many"],
        ["face.png", "--out", "new.png", "--keep", "A", "--gallery", "nowhere"],
        ["empty", "--out", "new"],
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    weights: Settings, photos: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(photos)
    (photos / "empty").mkdir()
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    assert run(["redact", *arguments]) == 2
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_policy_of_settings() -> None:
    assert policy_of(["fpir=1e-4", "min_face_px=12"]) == RedactPolicy(fpir=1e-4, min_face_px=12)
    with pytest.raises(SettingsError, match="not known"):
        policy_of(["how=blur"])


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "photo.jpg").write_bytes(b"a photo")
    with pytest.raises(SettingsError, match="would both become"):
        targets([str(tmp_path / "a"), str(tmp_path / "b")], tmp_path / "out")
    assert not (tmp_path / "out").exists()
