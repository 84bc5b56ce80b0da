"""The unified score: the similarity to the person's other photos to expect, in % of that of a faultless photo."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Hinge:
    """A fall of the score's logarithm: `weight` for each unit by which |measure| lies beyond `knee`.

    side: -1 below the knee, 1 above it. worst: the excess counted where the measure is nan, and the largest counted.
    """

    measure: str
    side: int
    knee: float
    weight: float
    worst: float


# Fitted by benchmarks/fit_quality.py on the DevTrain people of LFW's development view. Knees and worst excesses are
# chosen, weights fitted, none below a fall of 10 % at the worst excess: rare faults must count as well.
HINGES: Final[tuple[Hinge, ...]] = (
    Hinge("detection", -1, 0.95, 4.41, 0.05),
    Hinge("detection", -1, 0.92, 3.73, 0.4),
    Hinge("face_presence", -1, 0.95, 0.105, 0.95),
    Hinge("inter_eye_distance", -1, 40, 0.0033, 30),
    Hinge("sharpness", -1, 20, 0.0093, 20),
    Hinge("sharpness", -1, 35, 0.0029, 35),
    Hinge("sharpness", 1, 60, 0.005, 100),
    Hinge("blocks", 1, 20, 0.0005, 200),
    Hinge("luminance", -1, 30, 0.0033, 30),
    Hinge("luminance", 1, 70, 0.0033, 30),
    Hinge("contrast", -1, 25, 0.004, 25),
    Hinge("over_exposure", 1, 5, 0.0027, 95),
    Hinge("illumination_uniformity", -1, 75, 0.002, 75),
    Hinge("yaw", 1, 10, 0.0014, 70),
    Hinge("pitch", 1, 10, 0.0022, 60),
    Hinge("eyes_open", -1, 0.2, 0.5, 0.2),
    Hinge("mouth_closed", 1, 0.25, 0.2, 0.5),
    Hinge("uncovered", -1, 90, 0.0017, 90),
    Hinge("face_in_picture", -1, 100, 0.0029, 60),
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
