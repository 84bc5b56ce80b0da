"""Where the pixels of a face move to: tracking that is never quite right, heads that turn, mouths that speak, lids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.face import Floats
from mien.train.sequence.motion import Course, bursts, wander
from mien.train.sequence.scene import Scene

# Places of the eyes and of the mouth in the crop, as shares of its side (`train.export.FER2013_POINTS`).
EYES: Final = ((0.33, 0.38), (0.67, 0.38))
MOUTH: Final = (0.5, 0.76)
TURN_SECONDS: Final = (0.4, 1.4)


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """Courses over T frames, in shares of the side, radians and factors; `turn` -1..1, `mouth` and `lids` 0..1.

    shift: (T, 2). The rest: (T,).
    """

    shift: Course
    angle: Course
    zoom: Course
    shear: Course
    turn: Course
    mouth: Course
    lids: Course


def movement(scene: Scene, level: float, rng: np.random.Generator) -> Movement:
    """Tracking jitter always, of `level` 0..1; `turn` and `speech` where they are among the kinds.

    At level 1 the crop wanders by 4 % of its side and trembles by 1.5 %, turns by 7 degrees, zooms by 7 %. Heads turn
    as a perspective of the flat face. Lids shut now and then in every sequence.
    """
    times, kinds, n = scene.times, scene.kinds, len(scene.times)
    slow = np.stack([wander(times, 2, rng), wander(times, 2, rng)], axis=1)
    speaking = bursts(times, 1.5, (0.5, 2.0), rng) if "speech" in kinds else np.zeros(n)
    turning = (
        bursts(times, scene.every_seconds, TURN_SECONDS, rng) * rng.uniform(0.6, 1.3)
        if "turn" in kinds
        else np.zeros(n)
    )
    return Movement(
        shift=level * (0.04 * slow + 0.015 * rng.standard_normal((n, 2))),
        angle=level * np.deg2rad(7 * wander(times, 2, rng) + 1.5 * rng.standard_normal(n)),
        zoom=np.exp(level * (0.07 * wander(times, 2, rng) + 0.015 * rng.standard_normal(n))),
        shear=0.05 * level * wander(times, 3, rng),
        turn=turning * rng.choice([-1.0, 1.0]) + 0.15 * level * wander(times, 2, rng),
        mouth=speaking * np.clip(0.5 + 0.8 * wander(times, rng.uniform(0.2, 0.4), rng), 0, 1),
        lids=bursts(times, 3, (0.1, 0.3), rng) * (rng.random() < 0.6),
    )


def moved(face: Floats, course: Movement, i: int) -> Floats:
    """(S, S) float32 grey at frame `i`; what comes from outside is as the crop's edge is."""
    side = len(face)
    places = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    x, y = np.meshgrid(places, places)
    x, y = x - course.shift[i, 0], y - course.shift[i, 1]
    cosine, sine = np.cos(course.angle[i]) / course.zoom[i], np.sin(course.angle[i]) / course.zoom[i]
    x, y = cosine * x + sine * y + course.shear[i] * y, -sine * x + cosine * y
    # A flat face turned about its vertical middle, seen from two widths away.
    yaw = 0.7 * course.turn[i]
    depth = np.cos(yaw) + x * np.sin(yaw) / 2
    x, y = x / depth, y * np.cos(yaw) / depth
    x, y = x + 0.5, y + 0.5
    y = _speak(x, _blink(x, y, course.lids[i]), course.mouth[i])
    pixels = [(part * side - 0.5).astype(np.float32) for part in (x, y)]
    warped = cv2.remap(face, pixels[0], pixels[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _open(np.asarray(warped, np.float32), x, y, course.mouth[i])


def _blink(x: Floats, y: Floats, lids: float) -> Floats:
    """The skin above each eye comes down over it."""
    for eye_x, eye_y in EYES:
        near = np.exp(-(((x - eye_x) / 0.11) ** 2) - ((y - eye_y) / 0.05) ** 2)
        y = np.asarray(y - 0.055 * lids * near, np.float32)
    return y


def _speak(x: Floats, y: Floats, mouth: float) -> Floats:
    """What lies below the lips' line comes from higher up: the chin drops by up to a fifteenth of the side."""
    below = np.clip((y - MOUTH[1]) / 0.06, 0, 1) * np.exp(-(((x - MOUTH[0]) / 0.25) ** 2))
    return np.asarray(y - 0.065 * mouth * below, np.float32)


def _open(face: Floats, x: Floats, y: Floats, mouth: float) -> Floats:
    """The dark between the lips."""
    if mouth < 0.05:
        return face
    height = 0.004 + 0.035 * mouth
    dark = np.exp(-((((x - MOUTH[0]) / 0.085) ** 2 + ((y - MOUTH[1]) / height) ** 2) ** 2))
    return np.asarray(face * (1 - 0.65 * mouth * dark), np.float32)
