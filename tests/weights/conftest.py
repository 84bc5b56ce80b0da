"""Cards, wheels and caches of the tests: small, made here, and without a network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.settings import Settings
from mien.weights.card import Card, parse_card

CONTENT = b"weights" * 1000
CardMaker = Callable[..., Card]


class Recorder:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.notes: list[str] = []
        self.done: list[int] = []
        self.open = 0

    def begin(self, text: str, total: int | None) -> None:
        self.began.append(text)
        self.open += 1

    def advance(self, done: int) -> None:
        self.done.append(done)

    def end(self) -> None:
        self.open -= 1

    def note(self, text: str) -> None:
        self.notes.append(text)


def card_table(name: str = "toy", content: bytes = CONTENT, **over: Any) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": name,
        "task": "detect",
        "title": f"Toy model {name}",
        "file": f"{name}.bin",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "license": "MIT",
        "commercial": "yes",
        "training_data": "made up",
        "origin": "the tests",
        "input": "nothing",
        "reported": "nothing",
        "sources": [],
    }
    return table | over


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty cache, and leave to fetch: these tests bring their own downloads."""
    return Settings(cache_dir=tmp_path / "cache", offline=False, policy="any")


@pytest.fixture
def make_card() -> CardMaker:
    return lambda *args, **over: parse_card(card_table(*args, **over), "test")


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Path]:
    """Build a wheel that pip accepts, with the given files in it."""

    def build(name: str, files: dict[str, bytes], tag: str = "py3-none-any", requires_python: str = ">=3.8") -> Path:
        folder = tmp_path / "wheels"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}-1.0-{tag}.whl"
        info = f"{name}-1.0.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: {requires_python}\n"
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in files.items():
                archive.writestr(member, content)
            archive.writestr(f"{info}/METADATA", metadata)
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", "")
        return path

    return build
