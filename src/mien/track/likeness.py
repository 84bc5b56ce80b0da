"""What a track's face looks like: the mean of a few embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.face import Floats

# Older looks fade after so many, so that a beard, a light or a turn of the head is followed.
MOST_LOOKS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """total: (D,) float32, the sum of embeddings of unit length; looks: how many they were."""

    total: Floats
    looks: int = 1

    def joined(self, other: Likeness | None) -> Likeness:
        """With the looks of another one; the later they came, the longer they count."""
        if other is None:
            return self
        looks = self.looks + other.looks
        total = self.total + other.total
        if looks > MOST_LOOKS:
            total, looks = total * np.float32(MOST_LOOKS / looks), MOST_LOOKS
        return Likeness(total, looks)

    def score(self, other: Likeness) -> float:
        """The cosine of the means, -1..1; 0 where one of them has no direction."""
        length = float(np.linalg.norm(self.total) * np.linalg.norm(other.total))
        return float(self.total @ other.total) / length if length > 0 else 0.0
