"""A frame as a photo that is also there at half, a quarter and an eighth of its size, each made once when asked for."""

from __future__ import annotations

from dataclasses import dataclass
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
        size = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
        return np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def frame_photo(pixels: Pixels, limits: ImageLimits) -> Photo:
    """A photo of (H, W, 3) uint8 RGB, which must not change afterwards. Raises ImageTooLarge."""
    check_size(pixels.shape[1], pixels.shape[0], limits)
    return Photo(_Pyramid(pixels), "array")
