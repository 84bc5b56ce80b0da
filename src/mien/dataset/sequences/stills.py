"""Sequences that lie on the disk as one picture a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.errors import DataError, ImageError
from mien.face import Floats, Pixels
from mien.image import open_photo

# Pictures have no clock: video's usual rate is taken for theirs.
FRAMES_PER_SECOND: Final = 25.0


def picture_times(n_pictures: int, numbers: Sequence[int] | None = None) -> Floats:
    """(T,) float32 seconds from 0, at 25 frames a second; `numbers` of frames leave room for those that are absent."""
    counted = np.arange(n_pictures) if numbers is None else np.array(numbers) - min(numbers)
    return (counted / FRAMES_PER_SECOND).astype(np.float32)


def frames_of_pictures(files: Sequence[Path], times: Floats) -> Iterator[tuple[float, Pixels]]:
    """Seconds and pixels of each: (H, W) uint8 where red, green and blue agree everywhere, else (H, W, 3) uint8 RGB.

    Raises DataError that names a picture which cannot be read.
    """
    for time, file in zip(times, files, strict=True):
        try:
            pixels = open_photo(file).pixels().pixels
        except ImageError as error:
            raise DataError(f"{file} cannot be read: {error.cause}", error.cure or "Mend or remove it.") from error
        grey = (pixels == pixels[:, :, :1]).all()
        yield float(time), np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if grey else pixels, np.uint8)
