"""`mien gallery` on a real photo, with the networks, as a user at a shell has it; they are loaded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien import Analyzer
from mien.cli.main import run
from mien.image import encode_image, open_photo
from mien.settings import Settings

CONSENT = ["--consent", "by=Eileen", "--consent", "purpose=a test", "--consent", "how=public domain"]


def test_from_the_first_command_to_the_last(
    weights: Settings, astronaut: np.ndarray, cat: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    analyzer = Analyzer(("quality", "embed"), weights)
    for module in ("mien.gallery.asking", "mien.cli.gallery.clustering"):
        monkeypatch.setattr(f"{module}.Analyzer", lambda *_, **__: analyzer)
    monkeypatch.delenv("MIEN_GALLERY_KEY", raising=False)
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.setattr("mien.gallery.store.master.config_file", lambda: tmp_path / "config" / "mien.toml")
    photo, darker, animal = (tmp_path / f"{name}.png" for name in ("photo", "darker", "cat"))
    photo.write_bytes(encode_image(astronaut, ".png"))
    darker.write_bytes(encode_image((astronaut * 0.7).astype(np.uint8), ".png"))
    animal.write_bytes(encode_image(cat, ".png"))
    assert run(["gallery", "init", "--set", "keep_crops=true"]) == 0
    assert run(["gallery", "enrol", str(photo), str(animal), "--name", "Eileen", *CONSENT]) == 1
    assert "No face was found" in capsys.readouterr().out
    assert run(["gallery", "identify", str(darker), "--save", str(tmp_path / "saved")]) == 0
    assert "1  Eileen" in capsys.readouterr().out
    assert open_photo(next(iter((tmp_path / "saved").iterdir()))).width == 512
    assert run(["gallery", "identify", str(animal)]) == 1
    assert run(["gallery", "enrol", str(darker), "--to", "Eileen"]) == 0
    assert run(["gallery", "doctor", "--sheet", str(tmp_path / "sheet.png")]) == 1
    assert "duplicate template" in capsys.readouterr().out
    assert run(["gallery", "cluster", str(photo), str(darker), str(animal), "--to", str(tmp_path / "sorted")]) == 1
    assert sorted(path.name for path in (tmp_path / "sorted" / "person-0001").iterdir()) == ["darker.png", "photo.png"]
    assert run(["gallery", "remove", "Eileen", "--yes"]) == 0
    assert run(["gallery", "identify", str(darker)]) == 1
    assert run(["gallery", "verify"]) == 0
