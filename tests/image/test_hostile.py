"""Damaged, lying and oversized files: each has its own error, and none takes memory that the limits do not allow."""

from __future__ import annotations

import builtins
import io
import resource
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_samples import encode, every_format, scene
from PIL import Image

from mien.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageError,
    ImageFormatRefused,
    ImageTooLarge,
    ImageTruncated,
)
from mien.image import DEFAULT, ImageLimits, open_photo

SCENE = scene()
FORMATS = every_format()
SMALL = ImageLimits(max_pixels=1_000_000, max_bytes=1_000_000)
FUZZER = Path(__file__).parents[2] / "benchmarks" / "fuzz_image.py"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, idat: bytes = b"", extra: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def deflated_zeros(count: int) -> bytes:
    packer, piece = zlib.compressobj(9), bytes(1 << 20)
    parts = [packer.compress(piece) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count & 0xFFFFF)), packer.flush()])


def lying_jpeg(width: int, height: int) -> bytes:
    data = bytearray(FORMATS["jpeg"])
    at = bytes(data).index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, height, width)
    return bytes(data)


def lying_webp(width: int, height: int) -> bytes:
    data = bytearray(FORMATS["webp-lossless"])
    at = 21 if data[12:16] == b"VP8L" else data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") & ~0xFFFFFFF
    data[at : at + 4] = (bits | (width - 1) | (height - 1) << 14).to_bytes(4, "little")
    return bytes(data)


def lying_tiff(width: int, height: int) -> bytes:
    data = bytearray(FORMATS["tiff-lzw"])
    for tag, value in ((256, width), (257, height)):
        at = bytes(data).index(struct.pack("<HHI", tag, 3, 1))
        struct.pack_into("<I", data, at + 8, value)
    return bytes(data)


def lying_bmp(width: int, height: int) -> bytes:
    return FORMATS["bmp"][:18] + struct.pack("<ii", width, height) + FORMATS["bmp"][26:]


def lying_gif(width: int, height: int) -> bytes:
    return FORMATS["gif"][:6] + struct.pack("<HH", width, height) + FORMATS["gif"][10:]


def lying_boxes(name: str, width: int, height: int) -> bytes:
    data = FORMATS[name]
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


HUGE = {
    "png": png(30_000, 30_000, idat=deflated_zeros(30_000 * 1000)),
    "jpeg": lying_jpeg(30_000, 30_000),
    "webp": lying_webp(16_000, 16_000),
    "tiff": lying_tiff(30_000, 30_000),
    "bmp": lying_bmp(30_000, 30_000),
    "gif": lying_gif(30_000, 30_000),
    "avif": lying_boxes("avif", 16_000, 16_000),
    "heic": lying_boxes("heic", 16_000, 16_000),
}


@pytest.mark.parametrize("format_", sorted(HUGE))
def test_too_many_pixels_are_refused_by_the_header(format_: str) -> None:
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageTooLarge, match=r"are allowed\. .*max_pixels"):
        open_photo(HUGE[format_])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(peak, grown) < 8_000_000


def test_a_real_png_bomb_is_small_and_refused() -> None:
    rows = deflated_zeros((30_000 * 3 + 1) * 300)
    assert len(rows) < 100_000
    with pytest.raises(ImageTooLarge):
        open_photo(png(30_000, 30_000, idat=rows))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_any_cut_is_an_error_or_changes_nothing(name: str) -> None:
    data = FORMATS[name]
    whole = open_photo(data).pixels().pixels
    accepted = 0
    for length in sorted(
        {*range(0, min(len(data), 200)), *range(0, len(data), max(1, len(data) // 40)), len(data) - 1}
    ):
        try:
            part = open_photo(data[:length]).pixels().pixels
        except ImageError:
            continue
        accepted += 1
        if not name.startswith(("tiff", "gif-animated", "bmp")):
            assert np.array_equal(part, whole), f"cut at {length} of {len(data)}"
    assert accepted <= len(data) // 4


@pytest.mark.parametrize("scale", [0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("name", [name for name in sorted(FORMATS) if name.startswith("jpeg")])
def test_a_cut_jpeg_is_truncated_at_every_scale(name: str, scale: float) -> None:
    with pytest.raises(ImageTruncated, match="Copy or download it again"):
        open_photo(FORMATS[name][:-60]).pixels(scale)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp", "tiff", "gif", "avif", "heic", "jpeg-progressive"])
def test_half_a_file_is_called_truncated(name: str) -> None:
    with pytest.raises(ImageTruncated):
        open_photo(FORMATS[name][: len(FORMATS[name]) // 2]).pixels()


def test_a_damaged_png_is_corrupt() -> None:
    data = bytearray(FORMATS["png"])
    data[data.index(b"IDAT") + 10] ^= 0xFF
    with pytest.raises(ImageCorrupt, match="checksum"):
        open_photo(bytes(data))


def test_damage_inside_a_jpeg_is_corrupt() -> None:
    data = bytearray(encode(np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8), "JPEG"))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff\x01" * 20
    with pytest.raises((ImageCorrupt, ImageTruncated)):
        open_photo(bytes(data)).pixels()


EMPTY = {
    "bytes": b"",
    "png": png(0, 0),
    "jpeg": lying_jpeg(0, 64),
    "bmp": lying_bmp(0, 0),
    "gif": FORMATS["gif"][:13] + b";",
    "tiff": lying_tiff(0, 64),
}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_no_bytes_or_no_pixels_is_empty(name: str) -> None:
    with pytest.raises(ImageEmpty):
        open_photo(EMPTY[name])


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1 << 20))
    return out.getvalue()


STRANGERS = {
    "text": b"Dear all, this is only text.\n" * 10,
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "zip": zipped(),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "SVG": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "HTML": b"<!DOCTYPE html><html></html>",
    "XML": b"<?xml version='1.0'?><plist/>",
    "video": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(50),
    "Matroska": b"\x1aE\xdf\xa3" + bytes(50),
    "AVI": b"RIFF\0\0\0\0AVI LIST",
    "JPEG XL": b"\xff\x0a" + bytes(20),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "Photoshop": b"8BPS\0\1" + bytes(30),
    "raw": b"II*\0\x10\0\0\0CR\2\0" + bytes(30),
    "no format": bytes(range(128, 256)) * 4,
}


@pytest.mark.parametrize("kind", sorted(STRANGERS))
def test_other_content_is_refused_and_named(kind: str) -> None:
    with pytest.raises(ImageFormatRefused, match=kind) as caught:
        open_photo(STRANGERS[kind])
    assert "JPEG, PNG" in caught.value.cure


def test_the_name_does_not_decide(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(FORMATS["png"])
    assert open_photo(path).format == "png"
    path.write_bytes(STRANGERS["PDF"])
    with pytest.raises(ImageFormatRefused):
        open_photo(path)


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


RARE_JPEGS = {
    "12 bits": patched(FORMATS["jpeg"], b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
    "frame type 9": patched(FORMATS["jpeg"], b"\xff\xc0\0\x11", b"\xff\xc9\0\x11"),
    "frame type 3": patched(FORMATS["jpeg"], b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"),
}


@pytest.mark.parametrize("kind", sorted(RARE_JPEGS))
def test_rare_jpegs_are_refused_by_kind(kind: str) -> None:
    with pytest.raises(ImageFormatRefused, match=kind):
        open_photo(RARE_JPEGS[kind])


@pytest.mark.parametrize("height", [32, 640])
def test_a_jpeg_that_lies_about_its_height_is_an_error(height: int) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (64, 96, 3), np.uint8)
    data = bytearray(encode(noise, "JPEG"))
    struct.pack_into(">H", data, bytes(data).index(b"\xff\xc0") + 5, height)
    with pytest.raises(ImageError):
        open_photo(bytes(data)).pixels()


@pytest.mark.parametrize("size", [(48, 32), (960, 640)])
def test_a_heic_that_lies_about_its_size_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError):
        open_photo(lying_boxes("heic", *size)).pixels()


@pytest.mark.parametrize("size", [(48, 32), (960, 640)])
def test_an_avif_that_lies_about_its_size_is_scaled_to_what_was_checked(size: tuple[int, int]) -> None:
    assert open_photo(lying_boxes("avif", *size)).pixels().pixels.shape == (size[1], size[0], 3)


def test_a_jpeg_with_countless_scans_is_refused() -> None:
    data = FORMATS["jpeg-progressive"]
    start = data.index(b"\xff\xda")
    end = data.index(b"\xff", start + 2)
    with pytest.raises(ImageCorrupt, match="scans"):
        open_photo(data[:start] + data[start:end] * 2000 + data[end:])


def test_floating_point_and_32_bit_are_refused() -> None:
    for kind, array in (("floating", SCENE[..., 0].astype(np.float32)), ("32-bit", SCENE[..., 0].astype(np.int32))):
        with pytest.raises(ImageFormatRefused, match=kind):
            open_photo(encode(array, "TIFF"))


def test_tiff_with_huge_tiles_is_refused() -> None:
    entries = [
        (256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 5), (262, 3, 1), (277, 3, 1), (322, 4, 60_000),
        (323, 4, 60_000), (324, 4, 8), (325, 4, 8),
    ]  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    with pytest.raises(ImageCorrupt, match="tiles"):
        open_photo(b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(16))


def test_png_text_and_profile_bombs_are_not_unpacked() -> None:
    bomb = deflated_zeros(64 << 20)
    extra = chunk(b"zTXt", b"k\0\0" + bomb) * 3 + chunk(b"iCCP", b"p\0\0" + bomb)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in SCENE))
    tracemalloc.start()
    photo = open_photo(png(96, 64, idat=rows, extra=extra))
    assert np.array_equal(photo.pixels().pixels, SCENE)
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_an_animation_is_not_decoded_beyond_its_first_frame() -> None:
    frames = [Image.fromarray(np.full((64, 96, 3), shade, np.uint8)) for shade in range(0, 250, 10)]
    data = encode(Image.fromarray(SCENE), "PNG", save_all=True, append_images=frames)
    broken = patched(data, b"fdAT", b"fdAX")
    assert np.array_equal(open_photo(broken).pixels().pixels, SCENE)


def test_bytes_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    big = FORMATS["jpeg"] + bytes(SMALL.max_bytes)
    path = tmp_path / "big.jpg"
    path.write_bytes(big)
    stream = io.BytesIO(big * 3)
    for source in (big, bytearray(big), memoryview(big), path, stream):
        with pytest.raises(ImageTooLarge, match="bytes"):
            open_photo(source, SMALL)
    assert stream.tell() <= SMALL.max_bytes + 1


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as stream:
        stream.truncate(10**11)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(ImageTooLarge):
        open_photo(path)


def test_limits_are_inclusive() -> None:
    assert open_photo(FORMATS["png"], ImageLimits(96 * 64, len(FORMATS["png"]))).width == 96
    with pytest.raises(ImageTooLarge):
        open_photo(FORMATS["png"], ImageLimits(96 * 64 - 1))
    assert (DEFAULT.max_pixels, DEFAULT.max_bytes) == (100_000_000, 200_000_000)


def test_pillows_own_limit_is_neither_changed_nor_felt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    for name in ("png", "bmp", "tiff", "webp", "gif"):
        assert open_photo(FORMATS[name]).pixels().pixels.shape[2] == 3
    assert Image.MAX_IMAGE_PIXELS == 4000


def test_heic_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_heif(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pillow_heif":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_heif)
    with pytest.raises(ImageFormatRefused, match=r"pip install 'mien\[heif\]'"):
        open_photo(FORMATS["heic"])


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(FORMATS)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=6),
    keep=st.floats(0, 1),
)
def test_any_damage_ends_in_a_picture_or_an_image_error(
    name: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(FORMATS[name])
    for where, new in changes:
        at = int(where * len(data))
        data[at : at + len(new)] = new
    try:
        picture = open_photo(bytes(data[: int(len(data) * keep) + 1]), SMALL).pixels()
    except ImageError as error:
        assert error.cause
    else:
        assert picture.pixels.ndim == 3
        assert picture.pixels.dtype == np.uint8


@pytest.mark.skipif(sys.platform == "win32", reason="the fuzzer limits memory as POSIX systems do")
def test_the_fuzzer_finds_nothing_in_300_files(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(FUZZER), "--n", "300", "--seed", "11", "--keep", str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "decoded" in run.stdout
    assert not (tmp_path / "kept").exists()
