"""Which bytes of an AVIF are coded pictures (ISO/IEC 14496-12 and 23008-12), so that they can be measured before."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from mien.errors import ImageCorrupt, ImageTruncated
from mien.image.limits import MAX_PARTS, MORE, busy

TABLE_PATH: Final = (b"mdia", b"minf", b"stbl")
SINGLE: Final = frozenset(
    {b"meta", b"moov", b"iinf", b"iloc", b"iref", b"idat", b"mdia", b"minf", b"stbl", b"stsz", b"stco", b"co64"}
)
MAX_TABLE_BYTES: Final = 1_000_000
MAX_TRACKS: Final = 16


def boxes(body: memoryview, name: str = "AVIF") -> Iterator[tuple[bytes, memoryview]]:
    """Type and body of each box in `body`.

    Raises ImageTruncated if one reaches beyond its end, ImageCorrupt if one has an impossible length or there are more
    than any file needs.
    """
    at, left = 0, MAX_PARTS
    while at + 8 <= len(body):
        if not (left := left - 1):
            raise busy(name, "boxes")
        length, head = int.from_bytes(body[at : at + 4], "big"), 8
        if length == 0:
            length = len(body) - at
        elif length == 1:
            length, head = int.from_bytes(body[at + 8 : at + 16], "big"), 16
        if length < head:
            raise ImageCorrupt(f"The {name} has a box of impossible length.", MORE)
        if at + length > len(body):
            break
        yield bytes(body[at + 4 : at + 8]), body[at + head : at + length]
        at += length
    if at != len(body):
        raise ImageTruncated(f"The {name} ends before its picture does.", MORE)


def coded_pictures(data: bytes) -> list[bytes]:
    """The bytes of every AV1 image item, and of the first frame of every track.

    Raises ImageCorrupt where the boxes contradict themselves, or name more bytes than two of the file would hold.
    """
    file = memoryview(data)
    try:
        top = _children(file)
        spans = [*_items(top.get(b"meta", file[:0]), file), *_first_frames(top.get(b"moov", file[:0]), file)]
    except struct.error as error:
        raise ImageCorrupt("The AVIF has a box that is too short.", MORE) from error
    if sum(len(part) for parts in spans for part in parts) > 2 * len(data):
        raise busy("AVIF", "pictures")
    return [b"".join(parts) for parts in spans]


def _children(body: memoryview) -> dict[bytes, memoryview]:
    """The boxes in `body`, by their type; which of two a decoder would take is not for us to guess."""
    found: dict[bytes, memoryview] = {}
    for kind, inner in boxes(body):
        if kind in found and kind in SINGLE:
            raise ImageCorrupt(f"The AVIF has two {kind.decode()!r} boxes where one belongs.", MORE)
        found.setdefault(kind, inner)
    return found


def _items(meta: memoryview, file: memoryview) -> list[list[memoryview]]:
    """The parts of each item of type av01."""
    inner = _children(meta[4:])
    if any(len(inner.get(kind, b"")) > MAX_TABLE_BYTES for kind in (b"iinf", b"iloc", b"iref")):
        raise busy("AVIF", "items")
    if not {b"iinf", b"iloc"} <= inner.keys():
        return []
    coded = _coded_ids(inner[b"iinf"])
    sources = {0: file, 1: inner.get(b"idat", file[:0])}
    return [
        [_part(sources[method], start, length) for start, length in extents]
        for number, method, extents in _locations(inner[b"iloc"])
        if number in coded and method in sources
    ]


def _part(source: memoryview, start: int, length: int) -> memoryview:
    """`length` bytes from `start`; to the end if `length` is 0."""
    return source[start : start + length] if length else source[start:]


def _coded_ids(iinf: memoryview) -> set[int]:
    found = set()
    for kind, entry in boxes(iinf[8 if any(iinf[:1]) else 6 :]):
        if kind == b"infe" and len(entry) >= 12:
            wide = entry[0] > 2
            number, sort = struct.unpack_from(">I2x4s" if wide else ">H2x4s", entry, 4)
            if sort == b"av01":
                found.add(number)
    return found


def _locations(iloc: memoryview) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Number, construction method and (start, length) extents of each item."""
    reader = _Numbers(iloc)
    version, sizes = reader.take(4) >> 24, reader.take(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide, left = 4 if version == 2 else 2, MAX_PARTS
    for _ in range(reader.take(wide)):
        number = reader.take(wide)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)
        start = reader.take(base)
        extents = []
        count = reader.take(2)
        if (left := left - 1 - count) < 0:
            raise busy("AVIF", "items")
        for _ in range(count):
            reader.take(index if version else 0)
            extents.append((start + reader.take(offset), reader.take(length)))
        yield number, method, extents


class _Numbers:
    """Unsigned big-endian integers, one after the other."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> int:
        """The next integer of `size` bytes, 0 for none. Raises struct.error beyond the end."""
        if self._at + size > len(self._body):
            raise struct.error("beyond the end")
        self._at += size
        return int.from_bytes(self._body[self._at - size : self._at], "big")


def _first_frames(moov: memoryview, file: memoryview) -> Iterator[list[memoryview]]:
    """The first sample of each track."""
    tracks = [track for kind, track in boxes(moov) if kind == b"trak"]
    if len(tracks) > MAX_TRACKS:
        raise busy("AVIF", "tracks")
    for track in tracks:
        table = _children(track)
        for step in TABLE_PATH:
            table = _children(table.get(step, file[:0]))
        if b"stsz" not in table:
            continue
        one, _, first = struct.unpack(">4xIII", bytes(table[b"stsz"][:16]).ljust(16, b"\0"))
        for kind, shape in ((b"stco", ">I"), (b"co64", ">Q")):
            if kind in table:
                (start,) = struct.unpack_from(shape, table[kind], 8)
                yield [_part(file, start, one or first)]
