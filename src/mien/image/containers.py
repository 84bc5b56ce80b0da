"""Looks into containers before a decoder may: what is cut off, what is not needed, and how large it says it is."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from mien.errors import ImageCorrupt, ImageTruncated
from mien.image.av1 import largest_frame
from mien.image.boxes import coded_pictures
from mien.image.limits import MAX_PARTS, MORE, busy

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT"})
MAX_EXIF_BYTES: Final = 1 << 20
PAYLOADS: Final = 4
PAYLOAD_SLACK_PIXELS: Final = 4_000_000
GIF_EXTENSION, GIF_IMAGE = 0x21, 0x2C


def bare_png(data: bytes) -> bytes:
    """The PNG with only the chunks that make its picture, checksums verified (W3C PNG, section 5).

    Compressed text, profiles and animation never reach a decoder. Raises ImageTruncated, ImageCorrupt.
    """
    view, at = memoryview(data), len(PNG_SIGNATURE)
    kept = [view[:at]]
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            raise ImageTruncated("The PNG ends before its picture does.", MORE)
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ImageTruncated("The PNG ends before its picture does.", MORE)
        if kind == b"IEND":
            return b"".join([*kept, view[at:end]])
        if kind in PNG_CHUNKS and not (kind == b"eXIf" and length > MAX_EXIF_BYTES):
            _check_crc(view[at:end])
            kept.append(view[at:end])
        at = end
    raise busy("PNG", "chunks")


def _check_crc(chunk: memoryview) -> None:
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        raise ImageCorrupt(f"A {bytes(chunk[4:8])!r} chunk of the PNG is damaged (its checksum differs).", MORE)


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP (RFC 9649): its decoder allocates the canvas before anybody can ask it.

    Raises ImageTruncated if the file is shorter than it says, ImageCorrupt if its first chunk holds no size.
    """
    if len(data) < 30 or len(data) < int.from_bytes(data[4:8], "little") + 8:
        raise ImageTruncated("The WebP ends before its picture does.", MORE)
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ImageCorrupt("The WebP begins with no picture.", MORE)


def check_payload(data: bytes, width: int, height: int) -> None:
    """Raise ImageCorrupt if the AV1 pictures in an AVIF are far larger than the header says.

    The decoder allocates what they say, and scales afterwards. Alpha, a thumbnail, a gain map and the margin of a
    grid's last tiles are allowed for. HEIC needs no such check: libheif holds its pictures to the header's size.
    """
    coded = sum(largest_frame(stream) for stream in coded_pictures(data))
    if coded > PAYLOADS * width * height + PAYLOAD_SLACK_PIXELS:
        raise ImageCorrupt(f"The AVIF says {width:,} x {height:,} pixels, and holds {coded:,}.", "Export it again.")


def check_gif_start(data: bytes) -> None:
    """Raise ImageCorrupt if a GIF has too many blocks of comments before its first picture (GIF89a, section 17)."""
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    left = MAX_PARTS
    while at + 2 < len(data) and data[at] == GIF_EXTENSION:
        at += 2
        while at < len(data) and (length := data[at]):
            at, left = at + 1 + length, left - 1
        at, left = at + 1, left - 1
        if left < 0:
            raise busy("GIF", "comments")


def check_tiff_start(data: bytes) -> None:
    """Raise ImageTruncated if the first directory of a TIFF lies beyond the file."""
    order = "<" if data[:2] == b"II" else ">"
    at, shape = (8, "Q") if data[2:4] in (b"+\0", b"\0+") else (4, "I")
    if len(data) < 16 or struct.unpack_from(order + shape, data, at)[0] + 2 > len(data):
        raise ImageTruncated("The TIFF ends before its directory.", MORE)
