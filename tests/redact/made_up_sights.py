"""Rows, sights and stretches that no detector saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.redact.link import Linker, Sight, Stretch

RATE = 25.0


def row(x: float, y: float = 50.0, side: float = 40.0, score: float = 0.9) -> np.ndarray:
    """(20,) a face whose box begins at (x, y)."""
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * side + (x, y)
    return np.concatenate([[x, y, side, side], points.reshape(-1), [score], np.full(5, np.nan)]).astype(np.float32)


def stretch(xs: Sequence[float], start: int = 0, number: int = 1, score: float = 0.9) -> Stretch:
    """A face that goes from x to x, a frame each."""
    sights = [Sight((start + index) / RATE, row(x, score=score), False) for index, x in enumerate(xs)]
    return Stretch(number, sights)


def linked(frames: Sequence[Sequence[np.ndarray]], cuts: Sequence[int] = (), rate: float = RATE) -> Linker:
    """What became of frames of rows."""
    linker = Linker()
    for index, rows in enumerate(frames):
        linker.update(index / rate, np.stack(rows) if len(rows) else np.zeros((0, 20), np.float32), index in cuts)
    return linker
