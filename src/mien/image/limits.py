"""How large an image may be: checked before its pixels are allocated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.errors import ImageCorrupt, ImageEmpty, ImageTooLarge


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """max_pixels: width times height of the full image. max_bytes: of the encoded file.

    pixels_setting, bytes_setting: what to raise, as errors call it.
    """

    max_pixels: int = 100_000_000
    max_bytes: int = 200_000_000
    pixels_setting: str = "max_pixels"
    bytes_setting: str = "max_bytes"


DEFAULT: Final = ImageLimits()
MAX_PARTS: Final = 100_000
MORE: Final = "Copy or download it again."


def check_bytes(count: int, limits: ImageLimits) -> None:
    """Raise ImageTooLarge if the encoded image has more bytes than allowed."""
    if count > limits.max_bytes:
        raise ImageTooLarge(
            f"The image has more than {limits.max_bytes:,} bytes.",
            f"Raise {limits.bytes_setting} if you trust where it comes from.",
        )


def check_size(width: int, height: int, limits: ImageLimits) -> None:
    """Raise ImageEmpty for an image without pixels, ImageTooLarge for one with more than allowed."""
    if width < 1 or height < 1:
        raise ImageEmpty(f"The image is {width} x {height} pixels.", "There is nothing in it to look at.")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"The image is {width:,} x {height:,} pixels, {limits.max_pixels:,} are allowed.",
            f"Make it smaller, or raise {limits.pixels_setting} if you trust where it comes from.",
        )


def busy(name: str, parts: str) -> ImageCorrupt:
    """The error for a file of more chunks, boxes or segments than any picture needs: it would take minutes to read."""
    return ImageCorrupt(f"The {name} has far too many {parts}: it was made to keep a reader busy.")
