"""Where a video cuts from one scene to another: once so that no cut is missed, once so that none is made up."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.face import Floats, Pixels

THUMB: Final = (32, 18)
# Mean difference of two thumbs in grey levels: from the first on it may be a cut, from the second on it can be one.
MAYBE: Final = 12.0
SURELY: Final = 18.0
# A cut stands out: the pictures before and after it are this much more alike. A fast pan does not.
STANDS_OUT: Final = 4.0
# Thumbs that correlate so much show the same scene under another light: a face that is missed may still be there.
SAME_SCENE: Final = 0.9


class Scenes:
    """Fed with every frame; remembers four numbers a frame."""

    def __init__(self) -> None:
        self._thumbs: list[Floats] = []
        self._steps: list[float] = []
        self._leaps: list[float] = []
        self._alike: list[float] = []

    def add(self, pixels: Pixels) -> bool:
        """Whether this frame may show another scene than the one before; pans and flashes count too."""
        thumb = np.asarray(cv2.resize(pixels, THUMB, interpolation=cv2.INTER_AREA), np.float32)
        distances = [float(np.abs(thumb - one).mean()) for one in self._thumbs]
        self._alike.append(_correlation(self._thumbs[-1], thumb) if self._thumbs else 1.0)
        self._thumbs = [*self._thumbs, thumb][-2:]
        self._steps.append(distances[-1] if distances else 0.0)
        self._leaps.append(distances[0] if len(distances) == 2 else 0.0)
        return self._steps[-1] >= MAYBE

    def cuts(self) -> list[int]:
        """Indices of the frames that surely are the first of another scene; to be asked after the last frame."""
        steps, leaps = np.array(self._steps), np.array(self._leaps)
        found = []
        for index in np.flatnonzero(steps >= SURELY):
            around = np.concatenate([steps[max(0, index - 3) : index], steps[index + 1 : index + 4]])
            flash = index + 1 < len(leaps) and leaps[index + 1] < steps[index] / 2
            stands_out = len(around) and steps[index] >= STANDS_OUT * around.max()
            if stands_out and not flash and self._alike[index] < SAME_SCENE:
                found.append(int(index))
        return found


def _correlation(one: Floats, other: Floats) -> float:
    """-1..1, of all values; 1 where one is all alike: black says nothing about the scene behind it."""
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else 1.0
