"""Pictures to files, without any metadata."""

from __future__ import annotations

import io
import os
import secrets
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from mien.errors import ImageFormatRefused
from mien.face import Pixels

SUFFIXES: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def encode_image(pixels: Pixels, suffix: str, quality: int = 92) -> bytes:
    """Encode (H, W, 3) uint8 RGB as `.png`, `.jpg`, `.jpeg` or `.webp`; `quality` 1..100 is for the lossy ones.

    Raises ImageFormatRefused for another suffix.
    """
    format_ = SUFFIXES.get(suffix.lower())
    if format_ is None:
        raise ImageFormatRefused(f"mien does not write {suffix!r} files.", f"It writes {', '.join(SUFFIXES)}.")
    out = io.BytesIO()
    options = {} if format_ == "PNG" else {"quality": quality}
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, format_, **options)
    return out.getvalue()


def write_image(path: str | os.PathLike[str], pixels: Pixels, quality: int = 92) -> None:
    """Write (H, W, 3) uint8 RGB to `path`, in the format of its suffix: the whole file appears at once, or none.

    Raises ImageFormatRefused for a suffix that mien does not write, OSError where the disk refuses.
    """
    target = Path(path)
    data = encode_image(pixels, target.suffix, quality)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
