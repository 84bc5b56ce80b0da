"""A gallery that commands find, whose photos show made-up faces: no network, no weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_people import directions
from made_up_photos import MASTER, Studio, face, new_gallery, opened

from mien.cli.main import run
from mien.gallery.gallery import Gallery

ANNA, BEN, CARL, DORA, ED = directions(5)
CONSENT = ("--consent", "by=herself", "--consent", "purpose=the door", "--consent", "how=signed form")
HOSTILE = "[red]Eve[/] \x1b[31m\nforged line"


class Shell:
    """Runs commands on one gallery, and takes photos for them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.gallery, self.studio, self._capsys = (
            folder,
            folder / "gallery",
            Studio(folder / "photos"),
            capsys,
        )
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        """The exit code of `mien gallery ...`; `out` and `err` have what it printed."""
        code = run(["gallery", *map(str, arguments)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self) -> list[dict[str, Any]]:
        """The lines of JSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    def enrol(self, name: str, direction: np.ndarray, count: int = 1, *more: str) -> str:
        """Somebody with so many photos; the id."""
        photos = self.studio.of(direction, count)
        assert self("enrol", *photos, "--name", name, *CONSENT, *more, "--json", "-") == 0, self.err
        person: str = self.json()[0]["person_id"]
        return person

    def photo(self, *vectors: np.ndarray, quality: float = 80.0) -> Path:
        """A photo of faces with these embeddings."""
        return self.studio.shoot(*(face(vector, quality) for vector in vectors))

    @contextmanager
    def opened(self) -> Iterator[Gallery]:
        """The gallery in Python."""
        with opened(self.gallery, self.studio) as gallery:
            yield gallery


def shell_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **policy: object
) -> Shell:
    """A shell whose settings name an empty gallery."""
    new_gallery(folder, **policy).close()
    shell = Shell(folder, capsys)
    monkeypatch.setenv("MIEN_GALLERY_KEY", MASTER.text)
    monkeypatch.setenv("MIEN_GALLERY", str(shell.gallery))

    def open_it(place: str | None, settings: Any, progress: object = None) -> Gallery:
        return opened(Path(place or settings.gallery), shell.studio)

    monkeypatch.setattr("mien.gallery.gallery.Gallery", open_it)
    return shell
