"""A frame as a photo that is also there at half, a quarter and an eighth of its size, each made once when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from mien.face import Pixels
from mien.image.limits import ImageLimits, check_size
from mien.image.photo import Photo

STEPS: Final = (0.125, 0.25, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class _Pyramid:
    pixels: Pixels
    _small: dict[float, Pixels] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def step(self, scale: float) -> float:
        """The smallest step that is not below `scale`."""
        return next((step for step in STEPS if step >= scale), 1.0)

    def decode(self, scale: float) -> Pixels:
        """The mean of each square of pixels that becomes one."""
        if scale == 1.0:
            return self.pixels
        if scale < 0.5 and not (self.size[0] % 8 or self.size[1] % 8):
            if not self._small:
                self._small.update(_quarter_and_eighth(self.pixels))
            return self._small[scale]
        size = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
        return np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _quarter_and_eighth(pixels: Pixels) -> dict[float, Pixels]:
    """What `cv2.INTER_AREA` makes of sides that 8 divides, bit for bit, in less than half of the time.

    OpenCV is quick at halving alone. Of 64 times the values three halvings lose nothing before the last rounding.
    """
    made = np.left_shift(pixels, 6, dtype=np.uint16)
    steps = {}
    for scale in (0.5, 0.25, 0.125):
        size = made.shape[1] // 2, made.shape[0] // 2
        made = np.asarray(cv2.resize(made, size, interpolation=cv2.INTER_AREA), np.uint16)
        steps[scale] = made
    return {scale: np.asarray(cv2.convertScaleAbs(steps[scale], alpha=1 / 64), np.uint8) for scale in (0.25, 0.125)}


def frame_photo(pixels: Pixels, limits: ImageLimits) -> Photo:
    """A photo of (H, W, 3) uint8 RGB, which must not change afterwards. Raises ImageTooLarge."""
    check_size(pixels.shape[1], pixels.shape[0], limits)
    return Photo(_Pyramid(pixels), "array")
