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


HINGES: Final[tuple[Hinge, ...]] = (
    Hinge("inter_eye_distance", -1, 40, 0.02, 30),
    Hinge("sharpness", -1, 20, 0.02, 20),
    Hinge("sharpness", -1, 35, 0.01, 35),
    Hinge("sharpness", 1, 60, 0.01, 100),
    Hinge("blocks", 1, 20, 0.005, 200),
    Hinge("luminance", -1, 30, 0.01, 30),
    Hinge("luminance", 1, 70, 0.01, 30),
    Hinge("contrast", -1, 25, 0.02, 25),
    Hinge("over_exposure", 1, 5, 0.01, 95),
    Hinge("illumination_uniformity", -1, 75, 0.01, 75),
    Hinge("yaw", 1, 10, 0.01, 70),
    Hinge("pitch", 1, 10, 0.01, 60),
    Hinge("eyes_open", -1, 0.2, 1.0, 0.2),
    Hinge("mouth_closed", 1, 0.25, 0.5, 0.5),
    Hinge("uncovered", -1, 90, 0.01, 90),
    Hinge("face_in_picture", -1, 100, 0.02, 60),
    Hinge("face_presence", -1, 0.95, 1.0, 0.95),
    Hinge("face_presence", -1, 0.9995, 20.0, 0.005),
    Hinge("detection", -1, 0.95, 5.0, 0.05),
    Hinge("detection", -1, 0.92, 1.0, 0.4),
)
SCORED: Final = tuple(dict.fromkeys(hinge.measure for hinge in HINGES))


def unified_score(values: Mapping[str, float]) -> float:
    """0..100, from the measures named in `SCORED`: 100 exp(-sum of weight times excess)."""
    return 100 * math.exp(-sum(hinge.weight * excess(hinge, values[hinge.measure]) for hinge in HINGES))


def excess(hinge: Hinge, value: float) -> float:
    """How far |value| lies beyond the knee, at most `worst`, which also stands for nan."""
    if math.isnan(value):
        return hinge.worst
    return min(max(0.0, hinge.side * (abs(value) - hinge.knee)), hinge.worst)
