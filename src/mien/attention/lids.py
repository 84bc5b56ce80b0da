"""How far shut a person's eyes are, against how far this person opens them."""

from __future__ import annotations

from math import dist
from typing import Final

import numpy as np

from mien.attention.policy import AttentionPolicy
from mien.face import FaceMesh

SHUT: Final = 0.8
"""Closure from which eyes count as shut: the P80 of PERCLOS (Wierwille et al., DOT HS 808 247, 1994)."""

# What shut eyes read, over what open ones read: the lids of a shut eye still have some height. The medians of 50 stills
# each (docs/attention.md).
SHUT_READING: Final = 0.28
# Eyes that never read more than this may be narrow, lowered or shut: nobody can say, and they are not judged.
LEAST_OPEN: Final = 0.18
LEARN_SECONDS: Final = 0.4
HALF_LIFE_SECONDS: Final = 300.0
LEVEL_QUANTILE: Final = 0.75
BINS: Final = 100
BIN: Final = 0.01
# The far eye counts fully up to the first yaw, and not at all from the second.
FAR_EYE_DEGREES: Final = (10.0, 30.0)
# An eye as open as this is not shut, whatever the other one does: a wink is no blink.
WINK_CLOSURE: Final = 0.5
LEAST_PRESENCE: Final = 0.5
EYE_CORNERS: Final = ((33, 133), (263, 362))


class OpenLevel:
    """A running upper quantile of an eye's openness, by time, with slow forgetting, in fixed memory."""

    def __init__(self) -> None:
        self._seconds = np.zeros(BINS)

    def learn(self, openness: float, seconds: float) -> None:
        """Take in that the eye was open so far for so long."""
        self._seconds *= 0.5 ** (seconds / HALF_LIFE_SECONDS)
        self._seconds[min(max(int(openness / BIN), 0), BINS - 1)] += seconds

    @property
    def value(self) -> float | None:
        """Openness of this eye when it is open; None until it was seen for long enough, and open."""
        total = float(self._seconds.sum())
        if total < LEARN_SECONDS:
            return None
        level = (int(np.searchsorted(np.cumsum(self._seconds), LEVEL_QUANTILE * total)) + 0.5) * BIN
        return level if level >= LEAST_OPEN else None


class Lids:
    """Both eyes of one track: their levels, and from these how far shut they are."""

    def __init__(self, policy: AttentionPolicy) -> None:
        self._policy = policy
        self._levels = (OpenLevel(), OpenLevel())

    def closure(self, mesh: FaceMesh, seconds: float, narrowed: bool = False) -> float | None:
        """How far shut the eyes are, 0 open to 1 shut (noise may go beyond); None where it cannot be said.

        seconds: since the last look. narrowed: by a smile; says nothing about how far the eyes open. Both eyes count as
        far as they can be seen; while one of them that can be seen is open, neither is called shut.
        """
        weights = eye_weights(mesh, self._policy)
        if not any(weights):
            return None
        openness = (mesh.eyes.right_openness, mesh.eyes.left_openness)
        value = self._combined(openness, weights)
        if value is None or (value < SHUT and not narrowed):
            for level, one, weight in zip(self._levels, openness, weights, strict=True):
                if weight > 0.5:
                    level.learn(one, seconds)
        return value

    def _combined(self, openness: tuple[float, float], weights: tuple[float, float]) -> float | None:
        closures = []
        for level, one, weight in zip(self._levels, openness, weights, strict=True):
            if weight and (own := level.value) is not None:
                closures.append((weight, (1 - one / own) / (1 - SHUT_READING)))
        if not closures:
            return None
        value = sum(weight * one for weight, one in closures) / sum(weight for weight, _ in closures)
        winks = min((one for weight, one in closures if weight > 0.5), default=value) < WINK_CLOSURE
        return min(value, SHUT - 0.05) if winks else value


def eye_weights(mesh: FaceMesh, policy: AttentionPolicy) -> tuple[float, float]:
    """How much right and left eye count, 0..1; both 0 where the eyes are not judged."""
    pose = mesh.pose
    width = sum(dist(mesh.points[a], mesh.points[b]) for a, b in EYE_CORNERS) / len(EYE_CORNERS)
    if (
        abs(pose.yaw_degrees) > policy.yaw_limit_degrees
        or pose.pitch_degrees > policy.pitch_down_limit_degrees
        or mesh.presence < LEAST_PRESENCE
        or width < policy.least_eye_px
    ):
        return 0.0, 0.0
    full, none = FAR_EYE_DEGREES
    far = min(max((none - abs(pose.yaw_degrees)) / (none - full), 0.0), 1.0)
    return (far, 1.0) if pose.yaw_degrees > 0 else (1.0, far)
