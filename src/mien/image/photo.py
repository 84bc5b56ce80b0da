"""A photo with its header read, and its pixels when somebody asks."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageArrayRefused
from mien.face import Pixels
from mien.image.jpeg import open_jpeg
from mien.image.limits import DEFAULT, ImageLimits, check_size
from mien.image.raster import open_raster
from mien.image.sniff import sniff
from mien.image.source import read_source


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Decoded pixels: (H, W, 3) uint8 RGB, upright, C-contiguous, read-only.

    scale_x, scale_y: px of this picture per px of the full photo, 0..1; they differ by a hair where a decoder rounds.
    """

    pixels: Pixels
    scale_x: float
    scale_y: float


class Encoded(Protocol):
    """What a format's opener gives: a checked header and a way to the pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px, upright."""

    def step(self, scale: float) -> float:
        """The scale at which a request for `scale` is decoded, 0..1."""

    def decode(self, scale: float) -> Pixels:
        """Upright (H, W, 3) uint8 RGB, of at least `scale` times the full size."""


@dataclass(frozen=True, slots=True)
class RawPixels:
    """An array that is a picture already."""

    pixels: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def step(self, scale: float) -> float:
        """Always the full size."""
        return 1.0

    def decode(self, scale: float) -> Pixels:
        """The array itself, whatever the scale."""
        return self.pixels


class Photo:
    """A picture whose header is read and checked, and whose pixels are decoded when asked for. Thread-safe.

    Transparent parts are laid on white. Colour profiles are not applied: what they change is small against what light
    does to a face.
    """

    def __init__(self, encoded: Encoded, format_: str) -> None:
        self._encoded = encoded
        self._format = format_
        self._lock = threading.Lock()
        self._decoded: dict[float, Picture] = {}

    @property
    def width(self) -> int:
        """Full width in px, upright."""
        return self._encoded.size[0]

    @property
    def height(self) -> int:
        """Full height in px, upright."""
        return self._encoded.size[1]

    @property
    def format(self) -> str:
        """`jpeg`, `png`, `webp`, `bmp`, `tiff`, `gif`, `avif`, `heic`, or `array`."""
        return self._format

    def pixels(self, scale: float = 1.0) -> Picture:
        """The picture at `scale` (0 < scale <= 1) or larger: JPEG comes at 1/8, 1/4, 3/8, 1/2 or 1,
        everything else at full size.

        Each step is decoded once and kept, and what a request gets does not depend on the requests before it. Raises
        ImageTruncated or ImageCorrupt where the content betrays its header, ValueError for a scale out of range.
        """
        if not 0 < scale <= 1:
            raise ValueError(f"scale is {scale}, and must lie above 0 and not above 1")
        step = self._encoded.step(scale)
        with self._lock:
            if step not in self._decoded:
                self._decoded[step] = self._decode(step)
            return self._decoded[step]

    def _decode(self, scale: float) -> Picture:
        pixels = np.ascontiguousarray(self._encoded.decode(scale)).view()
        pixels.flags.writeable = False
        height, width = pixels.shape[:2]
        return Picture(pixels, width / self.width, height / self.height)


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | NDArray[np.uint8] | Photo


def open_photo(source: Source, limits: ImageLimits = DEFAULT) -> Photo:
    """Read a header and check it: no pixel is allocated yet.

    source: a path, the encoded bytes, a binary file object, or an array (H, W, 3) uint8 RGB (which is not copied, so
    do not change it afterwards); a Photo passes through. The format is told by the content. Raises an ImageError.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return Photo(_check_array(source, limits), "array")
    data = read_source(source, limits)
    format_ = sniff(data)
    encoded = open_jpeg(data, limits) if format_ == "jpeg" else open_raster(data, format_, limits)
    return Photo(encoded, format_)


def _check_array(array: NDArray[np.uint8], limits: ImageLimits) -> RawPixels:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageArrayRefused(
            f"The array is {array.shape} {array.dtype}, not (H, W, 3) uint8 RGB.", _array_cure(array)
        )
    check_size(array.shape[1], array.shape[0], limits)
    return RawPixels(array)


def _array_cure(array: NDArray[np.uint8]) -> str:
    if array.dtype.kind == "f":
        return "Floats in 0..1 become bytes with (array * 255).round().astype(numpy.uint8)."
    if array.dtype != np.uint8:
        return "16-bit values become bytes with (array // 257).astype(numpy.uint8)."
    if array.ndim == 2 or array.shape[-1] == 1:
        return "Grey becomes RGB with numpy.repeat(array.reshape(H, W, 1), 3, axis=2)."
    if array.ndim == 4:
        return "Give the images of a batch one by one."
    if array.ndim == 3 and array.shape[2] == 4:
        return "Drop alpha with array[:, :, :3]."
    if array.ndim == 3 and array.shape[0] == 3:
        return "Planes become pixels with array.transpose(1, 2, 0)."
    return "OpenCV's BGR becomes RGB with array[:, :, ::-1]."
