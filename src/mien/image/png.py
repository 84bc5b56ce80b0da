"""PNG: what of it a decoder may see, and a way to decode it strip by strip (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from mien.errors import ImageCorrupt, ImageTruncated
from mien.image.limits import MAX_PARTS, MORE, busy

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT"})
MAX_EXIF_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 16
CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def bare_png(data: bytes) -> bytes:
    """The PNG with only the chunks that make its picture, checksums verified.

    Compressed text, profiles and animation never reach a decoder. Raises ImageTruncated, ImageCorrupt.
    """
    kept: list[bytes | memoryview] = [SIGNATURE]
    for kind, chunk in _chunks(data):
        if kind == b"IEND" or (kind in KEPT and not (kind == b"eXIf" and len(chunk) > MAX_EXIF_BYTES)):
            _check_crc(kind, chunk)
            kept.append(chunk)
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and all bytes of each chunk, up to and with IEND."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            raise ImageTruncated("The PNG ends before its picture does.", MORE)
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise ImageTruncated("The PNG ends before its picture does.", MORE)
        yield kind, view[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length
    raise busy("PNG", "chunks")


def _check_crc(kind: bytes, chunk: memoryview) -> None:
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        raise ImageCorrupt(f"A {kind!r} chunk of the PNG is damaged (its checksum differs).", MORE)


def plain_png(data: bytes) -> bool:
    """Whether a bare PNG has 8 bits per channel, row after row, so that PngStrips can cut it."""
    return data[12:16] == b"IHDR" and data[24] == 8 and data[28] == 0 and data[25] in CHANNELS


class PngStrips:
    """Cuts a plain PNG into PNGs of some rows each, so that a decoder never holds the whole picture."""

    def __init__(self, data: bytes) -> None:
        self._width, self._kind = data[16:20], data[24:29]
        self._row_bytes = int.from_bytes(self._width, "big") * CHANNELS[data[25]]
        self._colours = b"".join(chunk for kind, chunk in _chunks(data) if kind in (b"PLTE", b"tRNS"))
        self._pieces = _pieces(data)
        self._unpacker = zlib.decompressobj()

    def cut(self, rows: int, above: bytes) -> bytes:
        """A PNG of the row `above` (its decoded bytes; empty before the first) and the next `rows` rows.

        Raises ImageTruncated if there are fewer, ImageCorrupt where they cannot be unpacked.
        """
        body = bytearray(b"\0" + (above or bytes(self._row_bytes)))
        end = len(body) + rows * (self._row_bytes + 1)
        try:
            while len(body) < end:
                packed = self._unpacker.unconsumed_tail or next(self._pieces)
                body += self._unpacker.decompress(packed, end - len(body))
        except StopIteration as error:
            raise ImageTruncated("The PNG ends before its picture does.", MORE) from error
        except zlib.error as error:
            raise ImageCorrupt(f"The PNG is damaged ({error}).", MORE) from error
        header = _chunk(b"IHDR", self._width + (rows + 1).to_bytes(4, "big") + self._kind)
        pixels = _chunk(b"IDAT", zlib.compress(body, 0))
        return b"".join((SIGNATURE, header, self._colours, pixels, _chunk(b"IEND", b"")))


def _pieces(data: bytes) -> Iterator[memoryview]:
    """The packed pixels, in small pieces: what zlib leaves of one, it copies."""
    for kind, chunk in _chunks(data):
        if kind == b"IDAT":
            for at in range(8, len(chunk) - 4, PIECE_BYTES):
                yield chunk[at : min(at + PIECE_BYTES, len(chunk) - 4)]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
