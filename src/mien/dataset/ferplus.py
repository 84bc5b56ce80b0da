"""What ten taggers' votes say together (Barsoum, Zhang, Canton Ferrer and Zhang, ICMI 2016)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.expression.classes import FERPLUS
from mien.face import Floats


def majority(votes: Floats) -> NDArray[np.int64]:
    """(N,) the class of FERPLUS that won, -1 where none did.

    votes: (N, 10) counts in the order of FaceSet. A class that one tagger alone chose is an outlier and counts as
    zero. The winner has more than half of the votes that remain, among which those for unknown and NF are; where one
    of these two wins, no class does.
    """
    kept = _without_outliers(votes)
    winner = kept.argmax(axis=1)
    won = (2 * kept.max(axis=1) > kept.sum(axis=1)) & (winner < len(FERPLUS))
    return np.where(won, winner, -1).astype(np.int64)


def distribution(votes: Floats) -> Floats:
    """(N, 8) float32 shares of the votes for each class of FERPLUS, which add up to 1: soft labels.

    votes: (N, 10) counts in the order of FaceSet. Outliers count as zero, as in `majority`; votes for unknown and NF
    are left out. All zero where nothing remains.
    """
    kept = _without_outliers(votes)[:, : len(FERPLUS)]
    return np.asarray(kept / np.maximum(kept.sum(axis=1, keepdims=True), 1), np.float32)


def _without_outliers(votes: Floats) -> Floats:
    return np.where(votes > 1, votes, np.float32(0))
