"""What an AVIF's pictures say of themselves is held against what its container says; and what decoding costs."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_samples import Pixels, difference, encode, scene
from PIL import Image

from mien.errors import ImageCorrupt, ImageError
from mien.image import open_photo
from mien.image.av1 import largest_frame
from mien.image.boxes import boxes, coded_pictures
from mien.image.containers import coded_pixels

MEGA = 1 << 20
SIDE = 3000
PROGRAM = """
import pathlib, re, resource, sys
from mien.errors import ImageError
from mien.image import open_photo
def peak():
    if sys.platform == "linux":  # whose ru_maxrss counts from the parent's on
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
open_photo(sys.argv[1]).pixels()
data = open(sys.argv[2], "rb").read()
before = peak()
try:
    outcome = "x".join(map(str, open_photo(data).pixels().pixels.shape))
except ImageError as error:
    outcome = type(error).__name__
print(outcome, peak() - before)
"""
needs_resource = pytest.mark.skipif(sys.platform == "win32", reason="peak memory is asked of a POSIX system")


def cost(folder: Path, data: bytes, warm: bytes) -> tuple[str, int]:
    """How a fresh process that has decoded `warm` fares with `data`, and by how many bytes its peak grows."""
    for name, content in (("warm", warm), ("data", data)):
        (folder / name).write_bytes(content)
    command = [sys.executable, "-c", PROGRAM, str(folder / "warm"), str(folder / "data")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    outcome, grown = run.stdout.split()
    return outcome, int(grown)


def with_size(avif: bytes, width: int, height: int) -> bytes:
    """The AVIF with another size in each place outside its AV1 (ISO/IEC 14496-12, 8.3.2, 12.1.3; 23008-12, 6.5.3)."""
    data, wide = bytearray(avif), struct.pack(">II", width, height)
    start = 0
    while (at := avif.find(b"ispe", start)) > 0:
        data[at + 8 : at + 16] = wide
        start = at + 4
    if (at := avif.find(b"tkhd")) > 0:
        end = at - 4 + int.from_bytes(avif[at - 4 : at], "big")
        data[end - 8 : end] = struct.pack(">II", width << 16, height << 16)
        entry = avif.index(b"av01", avif.index(b"stsd"))
        data[entry + 28 : entry + 32] = struct.pack(">HH", width, height)
    return bytes(data)


@needs_resource
@pytest.mark.parametrize("animated", [False, True])
def test_an_avif_with_a_large_picture_behind_a_small_header_costs_nothing(tmp_path: Path, animated: bool) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), colour) for colour in ("navy", "teal")]
    options = {"save_all": True, "append_images": frames[1:]} if animated else {}
    honest = encode(frames[0], "AVIF", speed=10, **options)
    lying = with_size(honest, 96, 64)
    warm = encode(scene(), "AVIF")
    assert len(lying) < 20_000
    outcome, grown = cost(tmp_path, lying, warm)
    assert outcome == "ImageCorrupt"
    assert grown < 8 * MEGA
    outcome, grown = cost(tmp_path, honest, warm)
    assert outcome == f"{SIDE}x{SIDE}x3"
    assert grown > SIDE * SIDE, "this measure sees nothing"


@needs_resource
@pytest.mark.parametrize(
    ("format_", "bytes_per_pixel"),
    [("PNG", 7.0), ("WEBP", 8.0), ("JPEG", 4.5)],
)
def test_a_decode_needs_little_beside_its_picture(tmp_path: Path, format_: str, bytes_per_pixel: float) -> None:
    pixels = scene(3000, 2000)
    options = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0}}.get(format_, {})
    outcome, grown = cost(tmp_path, encode(pixels, format_, **options), encode(scene(), format_))
    assert outcome == "2000x3000x3"
    assert pixels.size * 0.9 < grown < bytes_per_pixel * 3000 * 2000


@pytest.mark.parametrize("size", [(301, 201), (256, 128), (17, 33)])
@pytest.mark.parametrize("animated", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_coded_size_is_read_right(size: tuple[int, int], animated: bool, mode: str) -> None:
    image = Image.fromarray(scene(*size)).convert(mode)
    if mode == "RGBA":
        image.putalpha(77)
    frames = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)] if animated else []
    data = encode(image, "AVIF", save_all=animated, append_images=frames, speed=9)
    planes = (2 if mode == "RGBA" else 1) * (2 if animated else 1)  # an animation has its first frame as item and track
    assert coded_pixels(data) == planes * size[0] * size[1]
    assert open_photo(data).pixels().pixels.shape == (size[1], size[0], 3)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def av1_config(avif: bytes) -> bytes:
    at = avif.index(b"av1C")
    return avif[at - 4 : at - 4 + int.from_bytes(avif[at - 4 : at], "big")]


def grid_avif(tiles: list[bytes], columns: int, tile: tuple[int, int], size: tuple[int, int]) -> bytes:
    """An AVIF of tiles (each an AVIF of one picture) in a grid, whose description lies in `idat`."""
    payloads = [coded_pictures(avif)[0] for avif in tiles]
    count = len(payloads)
    full = bytes(4)
    grid = struct.pack(">BBBBHH", 0, 0, count // columns - 1, columns - 1, *size)
    entries = [
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), b"grid" if number == 1 else b"av01", b"\0")
        for number in range(1, count + 2)
    ]
    properties = box(
        b"ipco",
        box(b"ispe", full, struct.pack(">II", *size)),
        box(b"ispe", full, struct.pack(">II", *tile)),
        av1_config(tiles[0]),
        box(b"pixi", full, b"\3\x08\x08\x08"),
    )
    uses = b"".join(
        struct.pack(">HB", number, 2 if number == 1 else 3) + (b"\1\4" if number == 1 else b"\2\x83\4")
        for number in range(1, count + 2)
    )
    links = box(b"dimg", struct.pack(f">HH{count}H", 1, count, *range(2, count + 2)))

    def meta(first: int) -> bytes:
        rows = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(grid))
        for number, payload in enumerate(payloads, 2):
            rows += struct.pack(">HHHHII", number, 0, 0, 1, first, len(payload))
            first += len(payload)
        return box(
            b"meta",
            full,
            box(b"hdlr", full, bytes(4), b"pict", bytes(13)),
            box(b"pitm", full, b"\0\1"),
            box(b"iloc", b"\1\0\0\0\x44\0", struct.pack(">H", count + 1), rows),
            box(b"iinf", full, struct.pack(">H", count + 1), *entries),
            box(b"iprp", properties, box(b"ipma", full, struct.pack(">I", count + 1), uses)),
            box(b"iref", full, links),
            box(b"idat", grid),
        )

    start = box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")
    head = len(start) + len(meta(0)) + 8
    return start + meta(head) + box(b"mdat", *payloads)


def tile_of(pixels: Pixels) -> bytes:
    return encode(np.ascontiguousarray(pixels), "AVIF")


def test_a_grid_of_tiles_that_reach_beyond_the_picture_is_read() -> None:
    whole = scene(400, 300)
    padded = np.pad(whole, ((0, 84), (0, 112), (0, 0)), mode="edge")
    tiles = [tile_of(padded[y : y + 128, x : x + 128]) for y in range(0, 384, 128) for x in range(0, 512, 128)]
    data = grid_avif(tiles, 4, (128, 128), (400, 300))
    assert coded_pixels(data) == 12 * 128 * 128
    photo = open_photo(data)
    assert (photo.width, photo.height) == (400, 300)
    assert difference(photo.pixels().pixels, whole) < 3


def test_a_grid_whose_tiles_are_larger_than_they_say_is_refused() -> None:
    tiles = [tile_of(np.zeros((1200, 1200, 3), np.uint8))] * 4
    with pytest.raises(ImageCorrupt, match="says 256 x 256 pixels, and holds"):
        open_photo(grid_avif(tiles, 2, (128, 128), (256, 256)))


def header(*fields: tuple[int, int]) -> bytes:
    """An AV1 stream of a temporal delimiter and one sequence header, from (value, bits) fields."""
    bits = "".join(f"{value:0{count}b}" for value, count in fields) + "1"
    body = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return b"\x12\0\x0a" + bytes([len(body)]) + body


def sides(width: int, height: int, bits: int) -> tuple[tuple[int, int], ...]:
    return (bits - 1, 4), (bits - 1, 4), (width - 1, bits), (height - 1, bits)


STILL = ((0, 3), (1, 1), (1, 1), (8, 5))
MOVING = ((0, 3), (0, 1), (0, 1))
ONE_POINT = ((0, 1), (0, 1), (0, 5), (0, 12), (9, 5), (0, 1))
TIMED = (
    (1, 1), (1, 32), (30, 32), (1, 1), (0b00101, 5),  # five ticks per picture, in uvlc
    (1, 1), (9, 5), (1, 32), (3, 5), (4, 5),  # a decoder model with delays of ten bits
    (1, 1), (1, 5),  # display delays, two operating points
    (0x101, 12), (8, 5), (1, 1), (1, 1), (7, 10), (8, 10), (0, 1), (1, 1), (3, 4),
    (0x100, 12), (5, 5), (0, 1), (0, 1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "pixels"),
    [
        ((*STILL, *sides(96, 64, 7)), 96 * 64),
        ((*STILL, *sides(96, 64, 16)), 96 * 64),
        ((*MOVING, *ONE_POINT, *sides(96, 64, 7)), 96 * 64),
        ((*MOVING, *TIMED, *sides(4000, 3000, 12)), 4000 * 3000),
        ((*MOVING, *ONE_POINT, *sides(96, 64, 16)), 65_536**2),
    ],
)
def test_sequence_headers_of_every_shape(fields: tuple[tuple[int, int], ...], pixels: int) -> None:
    """The last: its frames may be of any size in 16 bits, whatever the header's own."""
    assert largest_frame(header(*fields)) == pixels


def test_the_largest_of_several_sequence_headers_counts() -> None:
    small, large = (header(*STILL, *sides(side, side, 9)) for side in (64, 512))
    assert largest_frame(small + large + small) == 512 * 512
    assert largest_frame(b"") == 0


def test_streams_that_only_keep_a_reader_busy_are_refused() -> None:
    for stream in (b"\x12\0" * 200_000, b"\x0a\1\0", b"\x12" + b"\xff" * 20):
        with pytest.raises(ImageCorrupt):
            largest_frame(stream)


def with_extents(avif: bytes, count: int) -> bytes:
    """An AVIF of one item of `count` extents, each as long as `avif`."""
    rows = struct.pack(">HHH", 1, 0, count) + struct.pack(">II", 0, len(avif)) * count
    meta = box(
        b"meta",
        bytes(4),
        box(b"iloc", b"\0\0\0\0\x44\0\0\1", rows),
        box(b"iinf", bytes(4), b"\0\1", box(b"infe", b"\2\0\0\0\0\1\0\0", b"av01\0")),
    )
    return box(b"ftyp", b"avif", bytes(4), b"avif") + meta + box(b"free", avif)


@pytest.mark.parametrize(
    "data",
    [
        with_extents(encode(scene(), "AVIF"), 5000),
        box(b"ftyp", b"avif", bytes(4), b"avif") + box(b"free") * 200_000,
        box(b"ftyp", b"avif", bytes(4), b"avif") + box(b"meta", bytes(4), box(b"iloc", bytes(2_000_000))),
        box(b"ftyp", b"avif", bytes(4), b"avif")
        + box(b"meta", bytes(4), box(b"iinf", bytes(6)), box(b"iloc", bytes(6), b"\xff\xff" * 400_000)),
        box(b"ftyp", b"avis", bytes(4), b"avis") + box(b"moov", box(b"trak") * 500),
    ],
    ids=["extents", "boxes", "items", "extents-of-nothing", "tracks"],
)
def test_boxes_that_only_keep_a_reader_busy_are_refused(data: bytes) -> None:
    with pytest.raises(ImageCorrupt, match="far too many"):
        open_photo(data)


@pytest.mark.parametrize("path", [b"meta", b"iloc"])
def test_a_second_box_where_one_belongs_is_refused(path: bytes) -> None:
    inside = box(b"iloc", bytes(8)) * (2 if path == b"iloc" else 1)
    data = box(b"ftyp", b"avif", bytes(4), b"avif") + box(b"meta", bytes(4), inside) * (2 if path == b"meta" else 1)
    with pytest.raises(ImageCorrupt, match="two"):
        open_photo(data)


def test_no_damage_to_the_boxes_escapes_as_another_error() -> None:
    rng = np.random.default_rng(5)
    frames = [Image.fromarray(scene()), Image.fromarray(scene()[:, ::-1].copy())]
    for seed in (encode(scene(), "AVIF"), encode(frames[0], "AVIF", save_all=True, append_images=frames[1:])):
        for _ in range(400):
            data = bytearray(seed)
            for at in rng.integers(0, min(len(data), 1200), 3):
                data[at] = rng.integers(0, 256)
            try:
                assert coded_pixels(bytes(data)) >= 0
            except ImageError:
                continue


def test_boxes_know_each_way_to_write_a_length() -> None:
    large = struct.pack(">I4sQ", 1, b"wide", 18) + b"ab"
    rest = struct.pack(">I4s", 0, b"last") + b"cde"
    found = [(kind, bytes(body)) for kind, body in boxes(memoryview(box(b"free", b"x") + large + rest))]
    assert found == [(b"free", b"x"), (b"wide", b"ab"), (b"last", b"cde")]
