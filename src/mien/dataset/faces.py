"""FaceSet: one split of a set of labelled faces, ready for training and for measuring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats, Pixels

Split = Literal["train", "valid", "test"]


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Face crops of one split, with labels, with votes where the set has them.

    faces: (N, S, S) uint8 grey. classes: names of the labels, in the order of their numbers. labels: (N,) int64, -1
    where a face has none. votes: (N, 10) float32 counts of the FER+ taggers, in the order of `expression.classes`
    (eight expressions, unknown, NF), all zero where a face has none; None where the set has no votes at all.
    twins: (N,) bool, a pixel-exact copy of the face lies in another split. names: a file or a row, for people.
    sha256: of faces, labels and votes, the hash of the data.
    """

    name: str
    split: Split
    classes: tuple[str, ...]
    faces: Pixels
    labels: NDArray[np.int64]
    votes: Floats | None
    twins: NDArray[np.bool_]
    names: tuple[str, ...]
    sha256: str

    def take(self, rows: NDArray[np.int64]) -> FaceSet:
        """Some of the faces; `sha256` stays that of the set they come from."""
        votes = None if self.votes is None else self.votes[rows]
        names = tuple(self.names[row] for row in rows)
        faces, labels, twins = self.faces[rows], self.labels[rows], self.twins[rows]
        return replace(self, faces=faces, labels=labels, votes=votes, twins=twins, names=names)
