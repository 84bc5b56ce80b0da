"""Every format comes out upright, in RGB, whatever it was stored as."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from image_samples import difference, encode, every_format, exif, scene
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mien.image import open_photo

SCENE = scene()
FORMATS = every_format()
GREY = {"jpeg-grey": SCENE.mean(axis=2), "png-16": SCENE[..., 0], "tiff-16": SCENE[..., 0]}


def decoded(data: bytes) -> NDArray[np.uint8]:
    return open_photo(data).pixels().pixels


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The stored form of an upright picture, worked out from Exif 2.32's words for where row 0 and column 0 are."""
    rows_first = orientation <= 4
    bottom = orientation in (3, 4, 7, 6) if rows_first else orientation in (7, 8)
    right = orientation in (2, 3) if rows_first else orientation in (6, 7)
    pixels = pixels[::-1] if bottom else pixels
    pixels = pixels[:, ::-1] if right else pixels
    return np.ascontiguousarray(pixels if rows_first else pixels.transpose(1, 0, 2))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_gives_read_only_rgb(name: str) -> None:
    photo = open_photo(FORMATS[name])
    picture = photo.pixels()
    size = (64, 96) if name == "jpeg-exif" else (96, 64)
    assert photo.format == name.split("-")[0]
    assert (photo.width, photo.height) == size
    assert picture.pixels.shape == (size[1], size[0], 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert not picture.pixels.flags.writeable
    assert (picture.scale_x, picture.scale_y) == (1.0, 1.0)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"png-alpha", "webp-lossless", "tiff-deflate", "jpeg-exif"}))
def test_every_format_keeps_the_colours(name: str) -> None:
    wanted = SCENE.astype(float)
    if name in GREY:
        wanted = np.repeat(np.asarray(GREY[name], float)[..., None], 3, axis=2)
    if name == "jpeg-grey":
        wanted = np.repeat(np.asarray(Image.fromarray(SCENE).convert("L"), float)[..., None], 3, axis=2)
    palette = name.startswith("gif") or "palette" in name
    assert difference(decoded(FORMATS[name]), wanted) < (8 if palette else 3)


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "BMP"])
def test_lossless_formats_are_exact(format_: str) -> None:
    assert np.array_equal(decoded(encode(SCENE, format_)), SCENE)


@pytest.mark.parametrize("name", ["png-animated", "webp-animated", "gif-animated"])
def test_of_an_animation_the_first_frame_is_taken(name: str) -> None:
    assert difference(decoded(FORMATS[name]), SCENE) < 8
    assert difference(decoded(FORMATS[name])[:, ::-1], SCENE) > 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_exif_orientation_is_applied(format_: str, orientation: int) -> None:
    stored = turned(SCENE, orientation)
    options: dict[str, Any] = {"lossless": True} if format_ == "WEBP" else {}
    photo = open_photo(encode(stored, format_, exif=exif(orientation), **options))
    assert (photo.width, photo.height) == (96, 64)
    assert difference(photo.pixels().pixels, SCENE) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_agrees_with_pillow(orientation: int) -> None:
    data = encode(SCENE, "PNG", exif=exif(orientation))
    with Image.open(io.BytesIO(data)) as image:
        reference = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decoded(data), reference)


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_damaged_exif_does_not_refuse_the_picture(block: bytes) -> None:
    assert difference(decoded(encode(SCENE, "JPEG", exif=block)), SCENE) < 3


def test_orientation_out_of_range_is_ignored() -> None:
    assert difference(decoded(encode(SCENE, "JPEG", exif=exif(9))), SCENE) < 3


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    wanted = np.round(ramp / 257.0).astype(int)
    for format_ in ("PNG", "TIFF"):
        grey = decoded(encode(ramp, format_))
        assert np.array_equal(grey[..., 0], wanted)
        assert np.array_equal(grey[..., 0], grey[..., 2])


def test_big_endian_16_bit_tiff() -> None:
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    image = Image.frombytes("I;16B", (64, 64), ramp.astype(">u2").tobytes())
    assert np.array_equal(decoded(encode(image, "TIFF"))[..., 1], np.round(ramp / 257.0))


def white_is_zero(tiff: bytes) -> bytes:
    """The TIFF with PhotometricInterpretation 0 in place of 1 (TIFF 6.0, tag 262)."""
    order = "<" if tiff[:2] == b"II" else ">"
    at = tiff.index(struct.pack(f"{order}HHI", 262, 3, 1)) + 8
    assert struct.unpack_from(f"{order}H", tiff, at) == (1,)
    return tiff[:at] + struct.pack(f"{order}H", 0) + tiff[at + 2 :]


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_tiffs_whose_zero_is_white_are_inverted(bits: int, compression: str | None) -> None:
    shades: NDArray[Any] = np.where(SCENE[..., 0] > 128, 255, 0) if bits == 1 else SCENE[..., 0].astype(int)
    image = Image.fromarray((shades * 257).astype(np.uint16) if bits == 16 else shades.astype(np.uint8))
    data = encode(image.convert("1") if bits == 1 else image, "TIFF", compression=compression)
    assert np.array_equal(decoded(data)[..., 0], shades)
    assert np.array_equal(decoded(white_is_zero(data))[..., 0], 255 - shades)


def test_big_endian_16_bit_tiffs_whose_zero_is_white() -> None:
    shades = SCENE[..., 0].astype(np.uint16)
    image = Image.frombytes("I;16B", (96, 64), (shades * 257).astype(">u2").tobytes())
    packed = white_is_zero(encode(image, "TIFF", compression="tiff_lzw"))
    assert np.array_equal(decoded(packed)[..., 0], 255 - shades)


def test_one_bit_is_black_and_white() -> None:
    bits = (SCENE[..., 0] > 128).astype(np.uint8) * 255
    for format_ in ("PNG", "TIFF", "BMP"):
        assert np.array_equal(decoded(encode(Image.fromarray(bits).convert("1"), format_))[..., 0], bits)


def test_alpha_is_laid_on_white() -> None:
    alpha = np.zeros((64, 96), np.uint8)
    alpha[:, 48:] = 255
    alpha[:8] = 128
    image = Image.fromarray(np.dstack([SCENE, alpha]))
    weight = alpha[..., None] / 255.0
    wanted = SCENE * weight + 255 * (1 - weight)
    for format_, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        assert np.abs(decoded(encode(image, format_, **options)) - wanted).max() <= 1


def test_grey_with_alpha_and_palette_with_transparency() -> None:
    shade, alpha = np.full((20, 30), 40, np.uint8), np.full((20, 30), 255, np.uint8)
    alpha[:, :10] = 0
    grey = decoded(encode(Image.fromarray(np.dstack([shade, alpha]), "LA"), "PNG"))
    assert tuple(grey[0, 0]) == (255, 255, 255)
    assert tuple(grey[0, 20]) == (40, 40, 40)
    palette = Image.fromarray(np.repeat(np.array([[0, 1, 2]], np.uint8), 4, axis=0), "P")
    palette.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    for options in ({"transparency": 1}, {"transparency": bytes([255, 0, 255])}):
        row = decoded(encode(palette, "PNG", **options))[0].tolist()
        assert row == [[200, 0, 0], [255, 255, 255], [0, 0, 200]]
    assert decoded(encode(palette, "GIF", transparency=1))[0].tolist() == [[200, 0, 0], [255, 255, 255], [0, 0, 200]]


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(format_: str) -> None:
    assert difference(decoded(encode(Image.fromarray(SCENE).convert("CMYK"), format_)), SCENE) < 3


def test_cmyk_jpeg_agrees_with_pillow_at_each_strip_edge() -> None:
    data = encode(Image.fromarray(scene(40, 700)).convert("CMYK"), "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        reference = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(decoded(data) - reference).max() <= 1


@pytest.mark.parametrize("height", [255, 256, 257, 1000])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_tall_pictures_are_whole(mode: str, height: int) -> None:
    """They are decoded in strips: noise on a slope makes an encoder filter a row by the one above."""
    noise = np.random.default_rng(height).integers(0, 9, (height, 30, 3))
    image = Image.fromarray((scene(30, height) // 2 + noise).astype(np.uint8))
    image = image.quantize(32) if mode == "P" else image.convert(mode)
    assert np.array_equal(decoded(encode(image, "PNG")), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_tall_transparent_pictures_are_laid_on_white(mode: str) -> None:
    image = Image.fromarray(scene(30, 600)).convert(mode)
    image.putalpha(Image.fromarray(scene(30, 600)[..., 1]))
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image.convert("RGBA"), mask=image.getchannel("A"))
    assert np.array_equal(decoded(encode(image, "PNG")), np.asarray(paper))


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif(1)}, {"exif": exif(3)}])
def test_webp_agrees_with_pillow(options: dict[str, Any]) -> None:
    data = encode(scene(61, 47), "WEBP", **options)
    with Image.open(io.BytesIO(data)) as image:
        reference = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decoded(data), reference)


def test_jpeg_may_have_junk_behind_it_or_a_second_picture() -> None:
    data = FORMATS["jpeg"]
    for tail in (b"junk" * 5000, b"\xff\xda" * 3000, data):
        assert np.array_equal(decoded(data + tail), decoded(data))


def test_jpeg_with_a_little_filling_before_its_end_is_read() -> None:
    data = FORMATS["jpeg"]
    assert np.array_equal(decoded(data[:-2] + b"\0\0\0\0" + data[-2:]), decoded(data))


def test_multi_picture_jpeg_gives_the_first() -> None:
    first, second = Image.fromarray(SCENE), Image.fromarray(SCENE[:, ::-1].copy())
    data = encode(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert open_photo(data).format == "jpeg"
    assert difference(decoded(data), SCENE) < 3


def test_no_warning_of_the_decoder_leaks_and_the_filters_stay_as_they_were() -> None:
    tiff = bytearray(encode(SCENE, "TIFF", compression="tiff_lzw", description="d" * 40))
    at = bytes(tiff).index((0x010E).to_bytes(2, "little"))
    tiff[at + 4 : at + 8] = (10**6).to_bytes(4, "little")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        assert np.array_equal(decoded(bytes(tiff)), SCENE)
        assert list(warnings.filters) == before
        assert caught == []
        Image.open(io.BytesIO(bytes(tiff))).close()
        assert caught != [], "this sample no longer makes Pillow warn by itself"
