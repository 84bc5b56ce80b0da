"""The one EXIF tag that matters to a picture: its orientation (Exif 2.32, tag 0x0112)."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from mien.face import Pixels

ORIENTATION_TAG = 0x0112
PREAMBLE = b"Exif\0\0"
SIDEWAYS = frozenset({5, 6, 7, 8})


def orientation(block: bytes) -> int:
    """Orientation 1..8 that an EXIF block (with or without its `Exif` preamble) asks for; 1 where it says nothing sane.

    Damaged EXIF does not refuse the picture: cameras and editors write too much of it.
    """
    tiff = block.removeprefix(PREAMBLE)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, first)
        for index in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * index)
            if tag == ORIENTATION_TAG and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def upright(pixels: Pixels, turn: int) -> Pixels:
    """(H, W, 3) stored pixels, turned and mirrored as orientation `turn` (1..8) asks; in place for 1 to 4."""
    flips = {2: 1, 3: -1, 4: 0}
    if turn == 1:
        return pixels
    if turn in flips:
        return np.asarray(cv2.flip(pixels, flips[turn], dst=pixels), np.uint8)
    if turn in (6, 8):
        way = cv2.ROTATE_90_CLOCKWISE if turn == 6 else cv2.ROTATE_90_COUNTERCLOCKWISE
        return np.asarray(cv2.rotate(pixels, way), np.uint8)
    mirrored = cv2.transpose(pixels)
    return np.asarray(mirrored if turn == 5 else cv2.flip(mirrored, -1), np.uint8)
