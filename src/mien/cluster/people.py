"""An unsorted collection of faces, grouped into people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import Calibration
from mien.errors import CalibrationError
from mien.face import Floats

# The best on the people of LFW's View 1 for training; collections of tens of thousands may want less.
DEFAULT_FMR: Final = 5e-5
ROWS: Final = 1024
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """labels: (N,) int, the person of each face: 0 is the largest group, ties by their first face; no gaps.

    threshold: the mean cosine from which two groups are one person. fmr: the false match rate that it stands for.
    """

    labels: Indices
    threshold: float
    fmr: float

    @property
    def n_people(self) -> int:
        """How many groups there are, those of a single face included."""
        return int(self.labels.max()) + 1 if len(self.labels) else 0

    def members(self, person: int) -> Indices:
        """The faces of one group, in their given order."""
        return np.flatnonzero(self.labels == person)


def cluster_people(vectors: Floats, calibration: Calibration, fmr: float = DEFAULT_FMR) -> Clusters:
    """Group faces by average linkage: the two groups with the highest mean cosine join, while it reaches the threshold.

    vectors: (N, D) float32 of unit length. fmr: the false match rate whose score is the threshold. The result depends
    on nothing but the vectors and their order; memory is N times 1,024 floats. The mean of all cosines between two
    groups is the product of their sums over their sizes, so that no matrix of distances is kept; groups that are each
    other's closest join at once, which gives the same tree as joining one pair at a time. Sources: Sokal and Michener,
    University of Kansas Science Bulletin 38 (1958); Murtagh, The Computer Journal 26 (1983), on reciprocal neighbours.
    Raises CalibrationError where the calibration does not support `fmr`, or for vectors that are not of unit length.
    """
    threshold = calibration.threshold(fmr)
    lengths = np.linalg.norm(vectors, axis=1)
    if len(vectors) and not np.allclose(lengths, 1, atol=1e-2):
        raise CalibrationError(
            "The vectors to group are not of unit length.", "Give embeddings as `Embedding` has them."
        )
    return Clusters(_by_size(_Groups(vectors).joined(threshold)), threshold, fmr)


class _Groups:
    """Groups while they grow: sums and sizes, and for each its closest other group."""

    def __init__(self, vectors: Floats) -> None:
        count = len(vectors)
        self._sums = vectors.astype(np.float32)
        self._sizes = np.ones(count, np.float32)
        self._labels = np.arange(count)
        self._closest = np.zeros(count, np.intp)
        self._scores = np.full(count, -2, np.float32)

    def joined(self, threshold: float) -> Indices:
        """(N,): the group of each face, once no two groups reach the threshold."""
        stale = np.arange(len(self._sizes))
        while len(self._sizes) > 1 and len(stale):
            self._look(stale)
            places = np.arange(len(self._sizes))
            mutual = self._closest[self._closest] == places
            first = np.flatnonzero(mutual & (places < self._closest) & (self._scores >= threshold))
            if not len(first):
                break
            stale = self._join(first, self._closest[first])
        return self._labels

    def _look(self, rows: Indices) -> None:
        """Find the closest group of each of the rows; of equals the one that comes first."""
        means = self._sums / self._sizes[:, None]
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            scores = means[some] @ means.T
            scores[np.arange(len(some)), some] = -2
            self._closest[some] = scores.argmax(axis=1)
            self._scores[some] = scores.max(axis=1)

    def _join(self, first: Indices, second: Indices) -> Indices:
        """Add each second group to its first. Returns the groups whose closest must be looked for anew."""
        count = len(self._sizes)
        self._sums[first] += self._sums[second]
        self._sizes[first] += self._sizes[second]
        into = np.arange(count)
        into[second] = first
        keep = np.ones(count, np.bool_)
        keep[second] = False
        # Joining brings no two groups closer than the closer part was: all others keep their closest.
        changed = ~keep
        changed[first] = True
        stale = (changed | changed[self._closest])[keep]
        number = np.cumsum(keep) - 1
        self._labels = number[into[self._labels]]
        self._sums, self._sizes, self._scores = self._sums[keep], self._sizes[keep], self._scores[keep]
        self._closest = number[into[self._closest[keep]]]
        return np.flatnonzero(stale)


def _by_size(labels: Indices) -> Indices:
    """The same groups, numbered from the largest; ties by their first face."""
    if not len(labels):
        return labels
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return rank[inverse]
