"""A scene as pictures: the crops that a tracker would hand to the frame model."""

from __future__ import annotations

import numpy as np

from mien.face import Pixels
from mien.train.sequence.degrade import GREY_LEVELS, KINDS, Trouble
from mien.train.sequence.pose import moved, movement
from mien.train.sequence.scene import Scene
from mien.train.sequence.stills import Stills


def render(scene: Scene, stills: Stills) -> Pixels:
    """(T, S, S) uint8 grey, the frames in which no face is seen included. The same scene gives the same pixels.

    One face becomes the next by a cross-dissolve: two people's faces, aligned by their points, not warped.
    """
    rng = np.random.default_rng(scene.seed)
    course = movement(scene, 0.3 + 0.7 * rng.random(), rng)
    changes = [
        KINDS[kind](scene.times, Trouble(scene.level * rng.uniform(0.8, 1), scene.every_seconds), rng)
        for kind in KINDS
        if kind in scene.kinds
    ]
    frames = []
    for i, (before, after) in enumerate(scene.stills):
        share = np.float32(scene.mix[i])
        face = stills.faces[before].astype(np.float32)
        if share > 0:
            face = (1 - share) * face + share * stills.faces[after].astype(np.float32)
        face = moved(face, course, i)
        for change in changes:
            face = np.clip(change(face, i), 0, GREY_LEVELS)
        frames.append(np.round(face).astype(np.uint8))
    return np.stack(frames)
