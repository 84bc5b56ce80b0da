"""People with known geometry: unit vectors around a direction each, a calibration, and a search by brute force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mien.decide.calibration import Calibration, ErrorRate, Knot
from mien.gallery.people import Template

DIM = 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def calibration(smallest: float = 1e-6, counted: float = 1e-5) -> Calibration:
    """FMR = 10 ** (-10 score): 0.1 at a cosine of 0.1, 1e-4 at 0.4, 1e-6 at 0.6; intervals of a factor 2."""
    rates = 10.0 ** -np.arange(0, 20)
    knots = [Knot(-1.0, ErrorRate(1.0, 1.0, 1.0))]
    for rate in rates[(rates >= smallest * 0.99) & (rates < 1)]:
        score = -np.log10(rate) / 10
        knots.append(Knot(float(score), ErrorRate(rate, rate / 2, min(1.0, rate * 2), bool(rate < counted * 0.99))))
    return Calibration("made-up", "net@1", "made-up people", "these", 1000, 1000, 499_500, tuple(knots))


def directions(count: int, seed: int = 0) -> np.ndarray:
    """(count, DIM) orthogonal unit vectors, one a person."""
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))[0]
    return basis[:count].astype(np.float32)


def near(direction: np.ndarray, cosine: float, seed: int) -> np.ndarray:
    """(DIM,) a unit vector at exactly this cosine to `direction`."""
    other = np.random.default_rng(seed).normal(size=DIM)
    other -= (other @ direction) * direction
    other /= np.linalg.norm(other)
    return (cosine * direction + np.sqrt(1 - cosine**2) * other).astype(np.float32)


def template(vector: np.ndarray, quality: float = 80.0, number: int = 0) -> Template:
    """A template of a photo that never was."""
    return Template(np.asarray(vector, np.float32), quality, f"{number}.jpg", NOW, id=number)


@dataclass(frozen=True)
class BruteHit:
    """As the index has it."""

    person: str
    scores: np.ndarray
    best: float


class Brute:
    """A search through a list, to hold the index's place."""

    def __init__(self, people: Sequence[tuple[str, np.ndarray]]) -> None:
        self.people = people

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.people)

    def search(self, probes: np.ndarray, k: int = 10, keep: object = None) -> list[list[BruteHit]]:
        found = []
        for probe in probes:
            hits = [BruteHit(name, rows @ probe, float((rows @ probe).max())) for name, rows in self.people]
            found.append(sorted(hits, key=lambda hit: -hit.best)[:k])
        return found
