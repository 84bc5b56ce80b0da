"""Small sets of labelled faces, built on the spot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


class Builder:
    """Writes faces that differ from each other, and remembers them by their names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faces: dict[str, np.ndarray] = {}
        self._random = np.random.default_rng(7)

    def grey(self, side: int = 48) -> np.ndarray:
        return self._random.integers(0, 256, (side, side), np.uint8)

    def picture(self, name: str, pixels: np.ndarray | None = None) -> Path:
        """`pixels` (48 x 48 of chance without any) as a file, in the format of its suffix; colour is RGB."""
        pixels = self.grey() if pixels is None else pixels
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), pixels if pixels.ndim == 2 else pixels[:, :, ::-1])
        self.faces[name] = pixels
        return path

    def text(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "set")
