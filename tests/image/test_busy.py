"""Files of countless small parts end in an error: a decoder would walk them for minutes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from image_samples import every_format, scene
from PIL import Image

from mien.errors import ImageCorrupt, ImageError, ImageTruncated
from mien.image import open_photo

SCENE = scene()
FORMATS = every_format()
COUNT = 101_000


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def before(name: str, mark: bytes, extra: bytes, back: int = 0) -> bytes:
    """The sample with `extra` put in, `back` bytes before the first `mark`."""
    data = FORMATS[name]
    at = data.index(mark) - back
    return data[:at] + extra + data[at:]


def gif_with(extra: bytes) -> bytes:
    """The GIF with `extra` between its colours and its picture."""
    data = FORMATS["gif"]
    at = 13 + (3 << (data[10] & 7) + 1)
    return data[:at] + extra + data[at:]


def tiff(*tags: tuple[int, int, int], big: bool = False) -> bytes:
    """A little-endian TIFF of nothing but tags: number, kind, count."""
    if big:
        entries = b"".join(struct.pack("<HHQQ", *tag, 16) for tag in tags)
        return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, len(tags)) + entries + bytes(8)
    entries = b"".join(struct.pack("<HHII", *tag, 8) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


SCANS = b"\xff\xda" * 70
BUSY = {
    "png-pixels": before("png", b"IDAT", chunk(b"IDAT", b"") * COUNT, 4),
    "png-texts": before("png", b"IDAT", chunk(b"tEXt", b"") * COUNT, 4),
    "gif": gif_with(b"\x21\xfe\x01a\0" * COUNT),
    "gif-inside": gif_with(b"\x21\xfe" + b"\x01a" * COUNT + b"\0"),
    "jpeg": FORMATS["jpeg"][:2] + b"\xff\xfe\0\2" * COUNT + FORMATS["jpeg"][2:],
    "jpeg-behind": FORMATS["jpeg-progressive"][:-2] + b"\xff\xfe\0\2" * COUNT + SCANS + b"\xff\xd9",
    "tiff-tags": tiff(*[(index, 3, 1) for index in range(9000)]),
    "tiff-tags-big": tiff(*[(index % 60_000, 3, 1) for index in range(90_000)], big=True),
    "tiff-strips": tiff((256, 3, 1), (273, 4, 3_000_000)),
    "tiff-strips-big": tiff((256, 3, 1), (273, 16, 3_000_000), big=True),
    "avif": FORMATS["avif"] + struct.pack(">I4s", 8, b"free") * COUNT,
    "heic": FORMATS["heic"] + struct.pack(">I4s", 8, b"free") * COUNT,
}


@pytest.mark.parametrize("name", sorted(BUSY))
def test_countless_parts_are_refused(name: str) -> None:
    with pytest.raises(ImageCorrupt, match="far too many"):
        open_photo(BUSY[name])


def test_many_parts_are_read() -> None:
    for data in (
        before("png", b"IDAT", chunk(b"tEXt", b"k\0v") * 1000, 4),
        gif_with(b"\x21\xfe\x01a\0" * 1000),
        FORMATS["jpeg"][:2] + b"\xff\xfe\0\2" * 1000 + FORMATS["jpeg"][2:],
        FORMATS["jpeg"][:2] + b"\xff" * 1_000_000 + FORMATS["jpeg"][2:],
    ):
        name = "jpeg" if data[0] == 0xFF else "png" if data[0] == 0x89 else "gif"
        assert np.array_equal(open_photo(data).pixels().pixels, open_photo(FORMATS[name]).pixels().pixels)


def png_of(width: int, height: int, idats: list[bytes]) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(b"IDAT", part) for part in idats) + chunk(b"IEND", b"")


def rows(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def test_a_png_in_crumbs_or_with_too_much_is_read_and_one_with_too_little_is_truncated() -> None:
    tall = scene(40, 600)
    packed = zlib.compress(rows(tall))
    crumbs = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    for idats in (crumbs, [b"", packed, b""], [packed + b"behind"], [zlib.compress(rows(tall) + bytes(1 << 20))]):
        assert np.array_equal(open_photo(png_of(40, 600, idats)).pixels().pixels, tall)
    for idats in ([packed[:-60]], [zlib.compress(rows(tall[:599]))], [b""], []):
        with pytest.raises(ImageTruncated):
            open_photo(png_of(40, 600, idats)).pixels()
    for idats in ([b"no zlib at all"], [zlib.compress(rows(tall)[:726] + b"\x09" + rows(tall)[727:])]):
        with pytest.raises(ImageError):
            open_photo(png_of(40, 600, idats)).pixels()


def test_a_compressed_tiff_whose_strips_lie_beyond_the_file_never_reaches_libtiff(
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = bytearray(FORMATS["tiff-lzw"])
    at = bytes(data).index(struct.pack("<HH", 279, 4))
    struct.pack_into("<I", data, at + 8, len(data))
    with pytest.raises(ImageTruncated):
        open_photo(bytes(data))
    assert capfd.readouterr().err == ""


def test_the_samples_are_what_they_seem() -> None:
    for name, data in BUSY.items():
        if name.startswith(("png", "gif")):
            with Image.open(io.BytesIO(data)) as image:
                assert image.size == (96, 64)
