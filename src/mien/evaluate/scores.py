"""All pairs of a set of templates, block by block, so that N images never need N x N floats at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.templates import Templates
from mien.face import Floats

ROWS: Final = 512
BINS: Final = 20_000
Counts = NDArray[np.int64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scores (P,) float32 of image pairs; `first` and `second` (P,) index the templates."""

    scores: Floats
    first: Indices
    second: Indices


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """Histograms of all genuine and all impostor pairs: (BINS,) each, equal bins over the cosine's -1..1."""

    genuine: Counts
    impostor: Counts

    def threshold(self, fmr: float) -> float:
        """The lower edge of the highest bin from which at least `fmr` of the impostor pairs lie upwards."""
        upwards = np.cumsum(self.impostor[::-1])[::-1]
        reached = np.flatnonzero(upwards >= fmr * upwards[0])
        return bin_edges()[int(reached[-1])] if len(reached) else -1.0

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """FMR and FNMR (BINS,) at the lower edge of each bin."""
        fmr = np.cumsum(self.impostor[::-1])[::-1] / max(1, self.impostor.sum())
        fnmr = (np.cumsum(self.genuine) - self.genuine) / max(1, self.genuine.sum())
        return fmr, fnmr


def bin_edges() -> NDArray[np.float64]:
    """(BINS,): the lower edge of each bin of `ScoreCounts`."""
    return np.linspace(-1, 1, BINS + 1)[:-1]


def count_scores(templates: Templates) -> ScoreCounts:
    """Histograms over every pair of two images."""
    genuine, impostor = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    for _, scores, same, later in _blocks(templates):
        bins = np.clip(((scores + 1) * (BINS / 2)).astype(np.int64), 0, BINS - 1)
        genuine += np.bincount(bins[same & later], minlength=BINS)
        impostor += np.bincount(bins[~same & later], minlength=BINS)
    return ScoreCounts(genuine, impostor)


def impostor_pairs(templates: Templates, from_score: float) -> Pairs:
    """The pairs of different people that score at least `from_score`, the highest first."""
    return _collect(
        (start, scores, ~same & later & (scores >= from_score)) for start, scores, same, later in _blocks(templates)
    )


def genuine_pairs(templates: Templates) -> Pairs:
    """Every pair of two images of one person, the highest score first."""
    return _collect((start, scores, same & later) for start, scores, same, later in _blocks(templates))


def n_impostor_pairs(templates: Templates) -> int:
    """How many pairs of images show different people."""
    sizes = np.bincount(templates.people)
    return int((sizes.sum() ** 2 - (sizes**2).sum()) // 2)


def n_people_pairs(templates: Templates) -> int:
    """How many pairs of different people there are: what a rule for independent trials may count at most."""
    return templates.n_people * (templates.n_people - 1) // 2


def _collect(blocks: Iterator[tuple[int, Floats, NDArray[np.bool_]]]) -> Pairs:
    parts = []
    for start, scores, wanted in blocks:
        rows, columns = np.nonzero(wanted)
        parts.append((scores[rows, columns], rows + start, columns + start))
    scores, first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return Pairs(scores[order], first[order], second[order])


def _blocks(templates: Templates) -> Iterator[tuple[int, Floats, NDArray[np.bool_], NDArray[np.bool_]]]:
    """The first row's index, then (rows, N - start): cosines, same person, and column later than row."""
    vectors, people = templates.vectors, templates.people
    for start in range(0, len(vectors), ROWS):
        rows = slice(start, start + ROWS)
        scores = np.clip(vectors[rows] @ vectors[start:].T, -1, 1)
        same = people[rows, None] == people[None, start:]
        later = np.arange(scores.shape[1])[None, :] > np.arange(scores.shape[0])[:, None]
        yield start, scores, same, later
