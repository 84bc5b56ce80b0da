"""A decoded picture as FFmpeg has it, made an upright RGB array."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import cv2
import numpy as np

from mien.face import Pixels
from mien.image import ImageLimits
from mien.video.source.libav import check_pixels, pyav

# FFmpeg's AVColorSpace, as far as its scaler can tell: RGB, BT.709, FCC, BT.470BG, SMPTE 170M, SMPTE 240M, BT.2020.
KNOWN_COLOURS: Final = frozenset({0, 1, 4, 5, 6, 7, 9})
# Where nothing is said, players take BT.709 from this height on, and BT.601 below.
HIGH_DEFINITION: Final = 720
LARGEST_STRETCH: Final = 4
SQUARE_ENOUGH: Final = 0.01


class Developer:
    """Turns decoded pictures into (H, W, 3) uint8 RGB: upright, with square pixels, contiguous, read-only.

    It knows grey, 10 and 12 bit, palettes and every layout of YUV; alpha is dropped, interlaced pictures stay so. One
    thread at a time.
    """

    def __init__(self, aspect: Fraction | None, name: str, limits: ImageLimits) -> None:
        self._reformatter = pyav().video.reformatter.VideoReformatter()
        self._aspect = 1.0 if aspect is None else float(aspect)
        self._name, self._limits = name, limits
        self._rotation: int | None = None
        self._transform = False, False, False

    def __call__(self, picture: Any) -> Pixels:
        """The pixels of an `av.VideoFrame`. Raises VideoTooLarge for one beyond the limit."""
        width, height = self._square(picture.width, picture.height)
        check_pixels(width, height, self._name, self._limits)
        frame = self._reformatter.reformat(
            picture, width=width, height=height, format="rgb24", src_colorspace=_colours(picture), threads=1
        )
        plane = frame.planes[0]
        seen = np.ndarray((height, width, 3), np.uint8, plane, strides=(plane.line_size, 3, 1))
        pixels: Pixels = np.ascontiguousarray(self._upright(seen, picture)).view()
        pixels.flags.writeable = False
        return pixels

    def _square(self, width: int, height: int) -> tuple[int, int]:
        """The size with square pixels: the shorter side grows, nothing is lost."""
        aspect = self._aspect
        if not 1 / LARGEST_STRETCH <= aspect <= LARGEST_STRETCH or abs(aspect - 1) < SQUARE_ENOUGH:
            return width, height
        return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))

    def _upright(self, seen: Pixels, picture: Any) -> Pixels:
        # Side data and frame refer to each other, so that every frame asked for it would wait for the collector.
        if picture.rotation != self._rotation:
            self._rotation, self._transform = picture.rotation, _transform(picture)
        turned, across, down = self._transform
        if turned:
            seen = cv2.transpose(seen)
        flip = {(True, True): -1, (True, False): 1, (False, True): 0}.get((across, down))
        return seen if flip is None else cv2.flip(seen, flip)


def _colours(picture: Any) -> str | None:
    """What the scaler is told of the colours; None: what the picture says itself."""
    if int(picture.colorspace) in KNOWN_COLOURS:
        return None
    return "ITU709" if picture.height >= HIGH_DEFINITION else "ITU601"


def _transform(picture: Any) -> tuple[bool, bool, bool]:
    """Whether to swap the axes, then to mirror across, and down, as the display matrix says.

    It sends (x, y) to (a x + c y, b x + d y): ISO/IEC 14496-12, 8.3.2. Turns between the quarters count as the nearest.
    """
    matrix = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    across, down = (c, b) if turned else (a, d)
    return turned, across < 0, down < 0
