"""Looks into containers before a decoder may: what is cut off, and how large it says it is."""

from __future__ import annotations

import struct
from typing import Final

from mien.errors import ImageCorrupt, ImageTruncated
from mien.image.av1 import largest_frame
from mien.image.boxes import coded_pictures
from mien.image.limits import MAX_PARTS, MORE, busy

PAYLOADS: Final = 4
PAYLOAD_SLACK_PIXELS: Final = 4_000_000
GIF_EXTENSION: Final = 0x21
MAX_TAGS: Final = 4096
MAX_NUMBERS: Final = 200_000
PRIVATE_TAGS: Final = 700
BYTE_KINDS: Final = frozenset({1, 2, 6, 7})
WEBP_ANIMATION, WEBP_ALPHA = 0x02, 0x10


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


def coded_pixels(data: bytes) -> int:
    """How many pixels the AV1 pictures of an AVIF have, together, by their own headers.

    Raises ImageTruncated or ImageCorrupt for boxes or headers that cannot be right.
    """
    return sum(largest_frame(stream) for stream in coded_pictures(data))


def check_coded(coded: int, width: int, height: int) -> None:
    """Raise ImageCorrupt if the pictures inside an AVIF, `coded` px, are far larger than its header says.

    The decoder allocates what they say, and scales afterwards. Alpha, a thumbnail, a gain map and the margin of a
    grid's last tiles are allowed for. HEIC needs no such check: libheif holds its pictures to the header's size.
    """
    if coded > PAYLOADS * width * height + PAYLOAD_SLACK_PIXELS:
        raise ImageCorrupt(f"The AVIF says {width:,} x {height:,} pixels, and holds {coded:,}.", "Export it again.")


def plain_webp(data: bytes) -> bool:
    """Whether a WebP, whose size was read, is neither animated nor transparent."""
    if data[12:16] == b"VP8X":
        return not data[20] & (WEBP_ANIMATION | WEBP_ALPHA)
    return data[12:16] == b"VP8 " or not data[24] & WEBP_ALPHA


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
    """Raise ImageTruncated if the first directory of a TIFF lies beyond the file, ImageCorrupt if it has far too many
    tags, or one of the standard's own tags far too many numbers: Pillow makes Python integers of them.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    try:
        (first,) = struct.unpack_from(order + ("8xQ" if big else "4xI"), data)
        (tags,) = struct.unpack_from(order + ("Q" if big else "H"), data, first)
        if tags > MAX_TAGS:
            raise busy("TIFF", "tags")
        for index in range(tags):
            at = first + (8 + 20 * index if big else 2 + 12 * index)
            tag, kind, count = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, at)
            if tag < PRIVATE_TAGS and kind not in BYTE_KINDS and count > MAX_NUMBERS:
                raise busy("TIFF", "strips")
    except struct.error as error:
        raise ImageTruncated("The TIFF ends before its directory does.", MORE) from error
