"""Pictures of a set to grey faces of one size, many at once."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.dataset.listing import Listed
from mien.errors import DataError, ImageError
from mien.face import Pixels
from mien.image import DEFAULT, open_photo
from mien.image.png import SIGNATURE, bare_png, plain_png
from mien.image.source import read_source

BLOCK: Final = 256
MOST_THREADS: Final = 4
# Beyond this the ordinary way costs little more.
SMALL_SIDE: Final = 256
SMALL_BYTES: Final = 1 << 16
HEAD_BYTES: Final = 33
END_BYTES: Final = 12
GREY: Final = 0
LAST_FILTER: Final = 4


def blocks(faces: Sequence[Listed], size: int) -> Iterator[Pixels]:
    """All faces in their order, in blocks (B, size, size) uint8 grey.

    Colour becomes grey by ITU-R BT.601; grey of `size` px stays as it is, to the bit. Any other size is scaled whole,
    by area where it shrinks and linearly where it grows: nothing is cropped, so a face that is not square is
    stretched. Raises DataError that names the first picture that cannot be read.
    """
    parts = [faces[start : start + BLOCK] for start in range(0, len(faces), BLOCK)]
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda part: np.stack([_face(face, size) for face in part]), parts)


def _face(face: Listed, size: int) -> Pixels:
    grey = _read(face.picture) if isinstance(face.picture, Path) else face.picture
    if face.box is not None:
        left, top, width, height = face.box
        grey = grey[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        if not grey.size:
            raise DataError(f"The box of {face.name} lies outside of its picture.", "Mend or remove its row.")
    if grey.shape == (size, size):
        return grey
    way = cv2.INTER_AREA if min(grey.shape) >= size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (size, size), interpolation=way), np.uint8)


def _read(path: Path) -> Pixels:
    """(H, W) uint8 grey."""
    try:
        data = _bytes_of(path)
        grey = _small_grey_png(data) if data.startswith(SIGNATURE) else None
        if grey is None:
            grey = cv2.cvtColor(open_photo(data).pixels().pixels, cv2.COLOR_RGB2GRAY)
        return np.asarray(grey, np.uint8)
    except ImageError as error:
        raise DataError(f"{path} cannot be read: {error.cause}", error.cure or "Mend or remove it.") from error


def _bytes_of(path: Path) -> bytes:
    """The ordinary way makes room for the largest file allowed, which takes longer than to read a small one."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size < SMALL_BYTES:
            return path.read_bytes()
    except (OSError, ValueError):
        pass  # it says why
    return read_source(path, DEFAULT)


def _small_grey_png(data: bytes) -> Pixels | None:
    """(H, W) uint8 of a small 8-bit grey PNG, several times faster than the ordinary way; None of any other.

    Checksums are verified and rows counted before: OpenCV refuses little, and prints what it thinks of the rest.
    """
    if len(data) < HEAD_BYTES or not plain_png(data) or data[25] != GREY:
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not (0 < width <= SMALL_SIDE and 0 < height <= SMALL_SIDE):
        return None
    bare = bare_png(data)
    packed = bare[HEAD_BYTES + 8 : -END_BYTES - 4]
    if bare[HEAD_BYTES : HEAD_BYTES + 8] != len(packed).to_bytes(4, "big") + b"IDAT":
        return None  # more than one chunk of pixels, or transparency, or a turn
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, height * (width + 1) + 1)
    except zlib.error:
        return None
    if not unpacker.eof or len(rows) != height * (width + 1) or max(rows[:: width + 1]) > LAST_FILTER:
        return None
    return np.asarray(cv2.imdecode(np.frombuffer(bare, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)
