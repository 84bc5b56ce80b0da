"""How well groups of faces agree with the people that they show. All figures are shares, 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.record import Record


@dataclass(frozen=True, slots=True)
class Agreement(Record):
    """precision: what was put together belongs together. recall: what belongs together was put together."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """The harmonic mean of the two."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class ClusterFigures(Record):
    """pairs: over pairs of faces, where large groups weigh most. bcubed: over faces, each as much as the other."""

    pairs: Agreement
    bcubed: Agreement
    n_faces: int
    n_people: int
    n_groups: int


def cluster_figures(labels: NDArray[np.integer], people: NDArray[np.integer]) -> ClusterFigures:
    """Compare groups with people; both (N,) int, equal numbers for the same group or person.

    Pairs: precision is the share of the pairs within one group that are of one person, recall the share of the pairs of
    one person that are within one group; 1 where there is no such pair. BCubed: for each face the share of its group
    that is of its person, and of its person that is in its group, averaged over faces (Bagga and Baldwin, Algorithms
    for scoring coreference chains, 1998; Amigo et al., Information Retrieval 12, 2009). Raises ValueError where the
    lengths differ or there is no face.
    """
    if len(labels) != len(people) or not len(labels):
        raise ValueError("Groups and people must name the same faces, at least one.")
    groups = np.unique(labels, return_inverse=True)[1]
    persons = np.unique(people, return_inverse=True)[1]
    sizes, counts = np.bincount(groups).astype(float), np.bincount(persons).astype(float)
    cells, shared = np.unique(np.column_stack([groups, persons]), axis=0, return_counts=True)
    both = shared.astype(float)
    pairs, grouped, meant = _pairs(both), _pairs(sizes), _pairs(counts)
    return ClusterFigures(
        pairs=Agreement(pairs / grouped if grouped else 1.0, pairs / meant if meant else 1.0),
        bcubed=Agreement(
            float((both**2 / sizes[cells[:, 0]]).sum() / len(labels)),
            float((both**2 / counts[cells[:, 1]]).sum() / len(labels)),
        ),
        n_faces=len(labels),
        n_people=len(counts),
        n_groups=len(sizes),
    )


def _pairs(sizes: NDArray[np.float64]) -> float:
    return float((sizes * (sizes - 1)).sum() / 2)
