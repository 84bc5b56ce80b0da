"""Whether a file is a video, by its first bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mien.errors import ImageError
from mien.image.sniff import sniff

HEAD_BYTES: Final = 1024
SIGNATURES: Final = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV",
    b"OggS",
    b".RMF",
    b"DKIF",  # IVF
    b"DHAV",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01",  # MXF
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11",  # WTV
    b"\x1f\x07\x00",  # DV
    b"YUV4MPEG2 ",
    b"nut/multimedia container\0",
)
# QuickTime's boxes, of which any may come first.
BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp"})
# MPEG's start codes: a pack, a sequence, an H.264 or H.265 parameter set.
START_CODE: Final = re.compile(rb"\0?\0\0\x01(\xba|\xb3|\xb0|[\x27\x47\x67]|\x40\x01|\x42\x01)", re.DOTALL)
TS_PACKETS: Final = ((0, 188), (4, 192), (0, 204))
TS_SYNC: Final = 0x47


def is_video(path: Path) -> bool:
    """Whether a file begins as a video does, whatever its name; False for photos, and for what cannot be read.

    Containers that may hold nothing but sound count; `open_source` tells.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return begins_as_video(file.read(HEAD_BYTES))
    except (OSError, ValueError):  # whoever opens the file says what is wrong with it
        return False


def begins_as_video(head: bytes) -> bool:
    """Whether these first bytes of a file, 1024 or all, are a video's."""
    try:
        sniff(head)
    except ImageError:
        pass
    else:
        return False
    return (
        head.startswith(SIGNATURES)
        or head[4:8] in BOXES
        or (head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"))
        or START_CODE.match(head) is not None
        or any(_is_transport_stream(head, start, length) for start, length in TS_PACKETS)
    )


def _is_transport_stream(head: bytes, start: int, length: int) -> bool:
    marks = head[start::length]
    return len(marks) >= 3 and set(marks) == {TS_SYNC}
