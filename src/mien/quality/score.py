"""The unified score: how well the face will be recognised, 0 to 100."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Hinge:
    """A fall of the score: `weight` for each unit by which |measure| lies beyond `knee`.

    side: -1 below the knee, 1 above it. worst: the excess counted where the measure is nan, and the largest counted.
    """

    measure: str
    side: int
    knee: float
    weight: float
    worst: float


BIAS: Final = 3.0
HINGES: Final[tuple[Hinge, ...]] = (
    Hinge("inter_eye_distance", -1, 60, 0.05, 60),
    Hinge("sharpness", -1, 40, 0.1, 40),
    Hinge("luminance", -1, 25, 0.12, 25),
    Hinge("luminance", 1, 80, 0.12, 20),
    Hinge("contrast", -1, 25, 0.05, 25),
    Hinge("yaw", 1, 15, 0.06, 75),
    Hinge("pitch", 1, 15, 0.06, 75),
    Hinge("uncovered", -1, 85, 0.05, 85),
    Hinge("face_in_picture", -1, 99, 0.05, 99),
    Hinge("face_presence", -1, 0.9, 3.0, 0.9),
)
SCORED: Final = tuple(dict.fromkeys(hinge.measure for hinge in HINGES))


def unified_score(values: Mapping[str, float]) -> float:
    """0..100, from the measures named in `SCORED`: a logistic model that each measure can only lower."""
    logit = BIAS - sum(hinge.weight * _excess(hinge, values[hinge.measure]) for hinge in HINGES)
    return 100 / (1 + math.exp(-logit))


def _excess(hinge: Hinge, value: float) -> float:
    if math.isnan(value):
        return hinge.worst
    return min(max(0.0, hinge.side * (abs(value) - hinge.knee)), hinge.worst)
