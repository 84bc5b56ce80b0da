"""JPEG through libjpeg-turbo, decoded at a reduced scale where less is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import simplejpeg

from mien.errors import ImageCorrupt, ImageError, ImageFormatRefused, ImageTooLarge, ImageTruncated
from mien.face import Pixels
from mien.image.exif import PREAMBLE, SIDEWAYS, orientation, upright
from mien.image.limits import MORE, ImageLimits, busy, check_size

EIGHTHS: Final = 8
# 5/8 to 7/8 take longer than the full size: libjpeg-turbo has vector code for powers of two only.
FAST_EIGHTHS: Final = (1, 2, 3, 4, 8)
# Up to here a reduced decode saves next to nothing, and a second decode costs as much as the first.
SMALL_PIXELS: Final = 1_000_000
INKS: Final = 4
DECODER_ERRORS: Final = (ValueError, KeyError, MemoryError, RuntimeError)
FILLING: Final = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
SOI_LENGTH: Final = 2
SOF_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BASELINE_TO_PROGRESSIVE: Final = frozenset({0xC0, 0xC1, 0xC2})
APP1: Final = 0xE1
MAX_SCANS: Final = 64
MAX_SEGMENTS: Final = 20_000
MARKER: Final = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
STRIP_ROWS: Final = 256


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Stored size in px, before orientation; `turn` is the EXIF orientation, 1..8; `components` 1, 3 or 4."""

    width: int
    height: int
    components: int
    turn: int


@dataclass(frozen=True, slots=True)
class JpegFile:
    """An encoded JPEG with its header read."""

    data: bytes
    header: JpegHeader

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px, upright."""
        width, height = self.header.width, self.header.height
        return (height, width) if self.header.turn in SIDEWAYS else (width, height)

    def step(self, scale: float) -> float:
        """The smallest of 1/8, 1/4, 3/8, 1/2 and 1 that is at least `scale`; 1 for photos up to a megapixel."""
        if self.header.width * self.header.height <= SMALL_PIXELS:
            return 1.0
        return min(known for known in FAST_EIGHTHS if known >= scale * EIGHTHS - 1e-9) / EIGHTHS

    def decode(self, scale: float) -> Pixels:
        """Upright (H, W, 3) uint8 RGB at `step(scale)`."""
        wanted: dict[str, Any] = {"colorspace": "CMYK" if self.header.components == INKS else "RGB"}
        eighths = round(self.step(scale) * EIGHTHS)
        if eighths < EIGHTHS:
            wanted["min_width"] = -(-self.header.width * eighths // EIGHTHS)
            wanted["min_height"] = -(-self.header.height * eighths // EIGHTHS)
        try:
            stored = simplejpeg.decode_jpeg(self.data, **wanted)
        except DECODER_ERRORS as error:
            if not _is_harmless(str(error), len(self.data)):
                raise _decoder_error(error, self.data) from error
            stored = simplejpeg.decode_jpeg(self.data, strict=False, **wanted)
        return upright(_cmyk_to_rgb(stored) if self.header.components == INKS else stored, self.header.turn)


def open_jpeg(data: bytes, limits: ImageLimits) -> JpegFile:
    """Read the header and check it.

    Raises ImageTruncated, ImageCorrupt, ImageEmpty, ImageTooLarge, and ImageFormatRefused for the rare kinds of JPEG
    (12 bits, lossless, arithmetic coding).
    """
    header = read_header(data)
    check_size(header.width, header.height, limits)
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
    except DECODER_ERRORS as error:
        raise _decoder_error(error, data) from error
    if (width, height) != (header.width, header.height):
        raise ImageCorrupt("The JPEG says two different sizes.", "Export it again.")
    if data.count(START_OF_SCAN) > MAX_SCANS:
        _check_scans(data)
    return JpegFile(data, header)


def read_header(data: bytes) -> JpegHeader:
    """Walk the segments up to the first scan (ITU-T T.81, annex B)."""
    turn, frame = 1, b""
    at = SOI_LENGTH
    for _ in range(MAX_SEGMENTS):
        marker, body, at = _segment(data, at)
        if marker == APP1 and body.startswith(PREAMBLE) and turn == 1:
            turn = orientation(body)
        elif marker in SOF_MARKERS:
            _check_frame(marker, body)
            frame = body
        elif marker == START_OF_SCAN[1]:
            break
    else:
        raise busy("JPEG", "segments")
    if not frame:
        raise ImageCorrupt("The JPEG has no frame header.", "Export it again.")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return JpegHeader(width, height, frame[5], turn)


def _segment(data: bytes, at: int) -> tuple[int, bytes, int]:
    """The next segment's marker and body, and where the one after it begins."""
    found = MARKER.search(data, at)
    at = found.start() if found else len(data)
    if at + 4 > len(data) or data[at + 1] == END_OF_IMAGE[1]:
        raise ImageTruncated("The JPEG ends before its picture begins.", MORE)
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if length < 2:
        raise ImageCorrupt("The JPEG has a segment of impossible length.", "Export it again.")
    end = at + 2 + length
    if end > len(data):
        raise ImageTruncated("The JPEG ends before its picture begins.", MORE)
    return data[at + 1], data[at + 4 : end], end


def _check_scans(data: bytes) -> None:
    """Count scans up to the first end of image: what follows may be a second picture, or a phone's video clip."""
    scans, at = 0, SOI_LENGTH
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(data, at)
        if scans > MAX_SCANS:
            raise busy("JPEG", "scans")
        if not found or found[0] == END_OF_IMAGE:
            return
        scans += found[0] == START_OF_SCAN
        at = found.end() + max(2, int.from_bytes(data[found.end() : found.end() + 2], "big"))
    raise busy("JPEG", "segments")


def _check_frame(marker: int, body: bytes) -> None:
    if len(body) < 6:
        raise ImageCorrupt("The JPEG's frame header is too short.", "Export it again.")
    if marker not in BASELINE_TO_PROGRESSIVE or body[0] != 8:
        raise ImageFormatRefused(
            f"This is a rare kind of JPEG (frame type {marker - 0xC0}, {body[0]} bits).",
            "Save it as an ordinary 8-bit JPEG or as PNG.",
        )
    if body[5] not in (1, 3, 4):
        raise ImageFormatRefused(f"This JPEG has {body[5]} colour channels.", "Save it in RGB.")


def _is_harmless(message: str, length: int) -> bool:
    """Whether libjpeg only found a few bytes of filling before the end, which some phones write."""
    found = FILLING.search(message)
    return found is not None and int(found[1]) <= max(16, length // 100)


def _decoder_error(error: Exception, data: bytes) -> ImageError:
    """Our error for one of simplejpeg: a KeyError stands for a colour layout that it has no name for."""
    message = str(error)
    if isinstance(error, MemoryError) or "emory" in message:
        return ImageTooLarge("There is not enough memory for the JPEG.", "Make it smaller.")
    if isinstance(error, KeyError) or "subsampling" in message:
        return ImageFormatRefused("This JPEG has a rare layout of its colour channels.", "Save it again, or as PNG.")
    if "remature end of JPEG" in message or data.rfind(END_OF_IMAGE) < data.rfind(START_OF_SCAN):
        return ImageTruncated("The JPEG ends before its picture does.", MORE)
    return ImageCorrupt(f"The JPEG is damaged ({message}).", "Export it again.")


def _cmyk_to_rgb(inks: Pixels) -> Pixels:
    """(H, W, 4) as stored to RGB; JPEG files hold inks inverted (255 is no ink), as Adobe writes and browsers read."""
    rgb = np.empty((*inks.shape[:2], 3), np.uint8)
    for top in range(0, len(inks), STRIP_ROWS):
        strip = inks[top : top + STRIP_ROWS].astype(np.uint16)
        rgb[top : top + STRIP_ROWS] = (strip[..., :3] * strip[..., 3:] + 127) // 255
    return rgb
