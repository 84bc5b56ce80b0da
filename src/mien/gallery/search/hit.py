"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A person found: scores (T,) float32 of all the person's templates, in the order in which they were put.

    template_ids: (T,) int64, theirs. best: the highest score, a cosine of -1..1 to the stored precision.
    """

    person: str
    scores: Floats
    template_ids: NDArray[np.int64]
    best: float
