"""PNG, WebP, BMP, TIFF, GIF and AVIF through Pillow; HEIC through pillow-heif, where that is installed."""

from __future__ import annotations

import io
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mien.errors import ImageCorrupt, ImageEmpty, ImageError, ImageFormatRefused, ImageTooLarge, ImageTruncated
from mien.face import Pixels
from mien.image.boxes import boxes
from mien.image.containers import (
    check_coded,
    check_gif_start,
    check_tiff_start,
    coded_pixels,
    plain_webp,
    webp_size,
)
from mien.image.exif import SIDEWAYS, orientation, upright
from mien.image.limits import MORE, ImageLimits, check_size
from mien.image.png import PngStrips, bare_png, plain_png
from mien.image.quiet import quiet

STRIP_ROWS: Final = 256
LARGEST_TILE_SIDE: Final = 4096
TILE_WIDTH_TAG, TILE_LENGTH_TAG, BITS_TAG, COMPRESSION_TAG, PHOTOMETRIC_TAG = 322, 323, 258, 259, 262
PART_TAGS: Final = ((273, 279), (324, 325))
WHITE_IS_ZERO: Final = 0
WHITE: Final = (255, 255, 255)
ALPHA_MODES: Final = frozenset({"LA", "PA", "RGBA"})
MODES: Final = ALPHA_MODES | {"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "I;16", "I;16L", "I;16B"}
TURNED_BY_DECODER: Final = frozenset({"tiff", "heic"})
NOTHING_INSIDE: Final = ("no more images", "not identified by this driver")
DECODER_ERRORS: Final = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, AttributeError, EOFError, ArithmeticError,
    RuntimeError, AssertionError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RasterFile:
    """An encoded image with its header read. `turn` is the EXIF orientation that is left to apply, 1..8."""

    data: bytes
    format: str
    stored_size: tuple[int, int]
    turn: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px, upright."""
        width, height = self.stored_size
        return (height, width) if self.turn in SIDEWAYS else (width, height)

    def step(self, scale: float) -> float:
        """Always the full size: these formats gain nothing from less."""
        return 1.0

    def decode(self, scale: float) -> Pixels:
        """Upright (H, W, 3) uint8 RGB."""
        if self.format == "webp" and plain_webp(self.data) and (pixels := self._decode_webp()) is not None:
            return upright(pixels, self.turn)
        try:
            if self.format == "png" and plain_png(self.data):
                return upright(self._decode_png(), self.turn)
            with quiet(), OPENERS[self.format](io.BytesIO(self.data)) as image:
                image.load()
                if image.size != self.stored_size:
                    raise ImageCorrupt("The picture's size differs from what its header says.", "Export it again.")
                return upright(_to_rgb(image), self.turn)
        except DECODER_ERRORS as error:
            raise _decoder_error(error, self.format) from error

    def _decode_png(self) -> Pixels:
        """Stored RGB, so that only one strip at a time is held in Pillow's four bytes per pixel."""
        width, height = self.stored_size
        rgb, strips, above = np.empty((height, width, 3), np.uint8), PngStrips(self.data), b""
        for top in range(0, height, STRIP_ROWS):
            rows = min(STRIP_ROWS, height - top)
            with quiet(), PngImageFile(io.BytesIO(strips.cut(rows, above))) as strip:
                strip.load()
                above = np.asarray(strip.crop((0, rows, width, rows + 1))).tobytes()
                rgb[top : top + rows] = _strip_to_rgb(strip.crop((0, 1, width, rows + 1)))
        return rgb

    def _decode_webp(self) -> Pixels | None:
        """Stored RGB through OpenCV, in a third of Pillow's memory; None where it fails, so that Pillow says why."""
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            pixels = cv2.imdecode(np.frombuffer(self.data, np.uint8), flags)
        except cv2.error:
            return None
        fits = pixels is not None and pixels.shape[1::-1] == self.stored_size
        return np.asarray(pixels, np.uint8) if fits else None


def open_raster(data: bytes, format_: str, limits: ImageLimits) -> RasterFile:
    """Read the header and check it, before any pixel is allocated.

    Raises ImageTruncated, ImageCorrupt, ImageEmpty, ImageTooLarge, or ImageFormatRefused for pixels without an honest
    RGB (floating point, 32-bit integers, Lab) and for HEIC where its extra is not installed.
    """
    data = _check_container(data, format_, limits)
    coded = coded_pixels(data) if format_ == "avif" else 0
    try:
        with quiet(), OPENERS[format_](io.BytesIO(data)) as image:
            check_size(*image.size, limits)
            _check_mode(image, len(data))
            check_coded(coded, *image.size)
            turn = 1 if format_ in TURNED_BY_DECODER else orientation(image.info.get("exif") or b"")
            return RasterFile(data, format_, image.size, turn)
    except DECODER_ERRORS as error:
        raise _decoder_error(error, format_) from error


def _open_heic(stream: io.BytesIO) -> ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImageFormatRefused("Reading HEIC needs an extra.", "pip install 'mien[heif]'") from error
    return HeifImageFile(stream)  # type: ignore[no-any-return, unused-ignore]


# Pillow's own class for each format: `Image.open` would try others too, and check against a limit that is global.
OPENERS: Final[dict[str, Callable[[io.BytesIO], ImageFile]]] = {
    "png": PngImageFile,
    "webp": WebPImageFile,
    "bmp": BmpImageFile,
    "tiff": TiffImageFile,
    "gif": GifImageFile,
    "avif": AvifImageFile,
    "heic": _open_heic,
}


def _check_container(data: bytes, format_: str, limits: ImageLimits) -> bytes:
    """The bytes that the decoder may see."""
    if format_ == "png":
        return bare_png(data)
    if format_ == "webp":
        check_size(*webp_size(data), limits)
    elif format_ == "tiff":
        check_tiff_start(data)
    elif format_ == "gif":
        check_gif_start(data)
    elif format_ in ("avif", "heic"):
        deque(boxes(memoryview(data), format_.upper()), maxlen=0)
    return data


def _check_mode(image: ImageFile, length: int) -> None:
    mode = image.mode
    if isinstance(image, TiffImageFile):
        _check_tiff(image, length)
        if mode.startswith("I;16") and image.tag_v2.get(BITS_TAG) != (16,):
            mode = "I;12"
    if mode not in MODES:
        kind = {"F": "floating-point", "I": "32-bit integer"}.get(mode, mode)
        raise ImageFormatRefused(f"The image has {kind} pixels.", "Convert it to 8 or 16 bits, grey or RGB.")


def _check_tiff(image: TiffImageFile, length: int) -> None:
    """What libtiff would allocate for nothing, or complain of on the standard error."""
    sides = [image.tag_v2.get(tag, 0) for tag in (TILE_WIDTH_TAG, TILE_LENGTH_TAG)]
    if any(side > max(*image.size, LARGEST_TILE_SIDE) for side in sides):
        raise ImageCorrupt("The TIFF's tiles are far larger than its picture.", "Export it again.")
    for starts, counts in PART_TAGS if image.tag_v2.get(COMPRESSION_TAG, 1) != 1 else ():
        parts = zip(image.tag_v2.get(starts, ()), image.tag_v2.get(counts, ()), strict=False)
        if any(start + count > length for start, count in parts):
            raise ImageTruncated("The TIFF ends before its picture does.", MORE)


def _to_rgb(image: Image.Image) -> Pixels:
    """(H, W, 3), strip by strip, so that no second copy of the whole picture is ever held."""
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, image.height)
        rgb[top:bottom] = _strip_to_rgb(image.crop((0, top, image.width, bottom)))
    if image.mode.startswith("I;16") and isinstance(image, TiffImageFile):
        # Pillow minds this tag up to 8 bits only.
        white_is_zero = image.tag_v2.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO
        return np.invert(rgb, out=rgb) if white_is_zero else rgb
    return rgb


def _strip_to_rgb(strip: Image.Image) -> Pixels:
    if strip.mode.startswith("I;16"):
        grey = (np.asarray(strip).astype(np.uint32) * 255 + 32767) // 65535
        return grey.astype(np.uint8)[..., np.newaxis]
    if strip.mode in ALPHA_MODES or "transparency" in strip.info:
        ink = strip.convert("RGBA")
        paper = Image.new("RGB", ink.size, WHITE)
        paper.paste(ink, mask=ink)
        return np.asarray(paper)
    return np.asarray(strip.convert("RGB"))


def _decoder_error(error: BaseException, format_: str) -> ImageError:
    name, text = format_.upper(), str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return ImageTooLarge(f"There is not enough memory for the {name}.", "Make it smaller.")
    if isinstance(error, Image.DecompressionBombError):
        return ImageTooLarge(f"The {name} has more pixels than Pillow allows.", "Raise PIL.Image.MAX_IMAGE_PIXELS.")
    if "unknown pixel mode" in text:
        return ImageFormatRefused(f"The {name} has a rare layout of its pixels.", "Save it in RGB.")
    if any(sign in text for sign in NOTHING_INSIDE):
        return ImageEmpty(f"The {name} holds no picture, or one without pixels.", "There is nothing in it to look at.")
    if any(sign in text.lower() for sign in ("truncated", "unexpected end", "end of file")):
        return ImageTruncated(f"The {name} ends before its picture does.", MORE)
    return ImageCorrupt(f"The {name} is damaged ({text}).", "Export it again.")
