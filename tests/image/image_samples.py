"""Synthetic pictures, encoded in every format that mien reads."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def scene(width: int = 96, height: int = 64) -> Pixels:
    """(H, W, 3) smooth colours with a different corner each, so that every turn and mirror can be told."""
    y, x = np.mgrid[0:height, 0:width]
    red = 40 + 200 * x / max(width - 1, 1)
    green = 30 + 180 * y / max(height - 1, 1)
    blue = np.where((x < width / 3) & (y < height / 3), 230.0, 60.0)
    return np.stack([red, green, blue], axis=-1).round().astype(np.uint8)


def encode(pixels: NDArray[Any] | Image.Image, format_: str, **options: Any) -> bytes:
    """Encode with Pillow (HEIC: pillow-heif), at a quality that keeps smooth colours within a few grey levels."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    if format_ == "HEIC":
        heif = pillow_heif.from_pillow(image)
        heif.save(out, quality=95, **options)
        return out.getvalue()
    if format_ in ("JPEG", "WEBP", "AVIF"):
        options = {"quality": 95, **options}
    image.save(out, format_, **options)
    return out.getvalue()


def every_format(width: int = 96, height: int = 64) -> dict[str, bytes]:
    """One or more valid files of each format, by a name that begins with the format's."""
    pixels = scene(width, height)
    image = Image.fromarray(pixels)
    frames = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    alpha = image.copy()
    alpha.putalpha(200)
    return {
        "jpeg": encode(pixels, "JPEG"),
        "jpeg-progressive": encode(pixels, "JPEG", progressive=True),
        "jpeg-grey": encode(image.convert("L"), "JPEG"),
        "jpeg-cmyk": encode(image.convert("CMYK"), "JPEG"),
        "jpeg-exif": encode(pixels, "JPEG", exif=exif(6)),
        "png": encode(pixels, "PNG"),
        "png-palette": encode(image.quantize(64), "PNG"),
        "png-16": encode(pixels[..., 0].astype(np.uint16) * 257, "PNG"),
        "png-alpha": encode(alpha, "PNG"),
        "png-animated": encode(image, "PNG", save_all=True, append_images=frames),
        "webp": encode(pixels, "WEBP"),
        "webp-lossless": encode(alpha, "WEBP", lossless=True),
        "webp-animated": encode(image, "WEBP", save_all=True, append_images=frames, lossless=True),
        "bmp": encode(pixels, "BMP"),
        "bmp-palette": encode(image.quantize(64), "BMP"),
        "tiff": encode(pixels, "TIFF"),
        "tiff-lzw": encode(pixels, "TIFF", compression="tiff_lzw"),
        "tiff-deflate": encode(alpha, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-jpeg": encode(pixels, "TIFF", compression="jpeg"),
        "tiff-16": encode(pixels[..., 0].astype(np.uint16) * 257, "TIFF"),
        "gif": encode(image.quantize(64), "GIF"),
        "gif-animated": encode(image.quantize(64), "GIF", save_all=True, append_images=[frames[0].quantize(64)]),
        "avif": encode(pixels, "AVIF"),
        "heic": encode(pixels, "HEIC"),
    }


def exif(orientation: int) -> bytes:
    """An EXIF block that holds an orientation, and a maker's name before it."""
    block = Image.Exif()
    block[0x010F] = "A maker"
    block[0x0112] = orientation
    return block.tobytes()


def difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Mean absolute difference in grey levels; infinite if the shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one.astype(float) - other.astype(float)).mean())
