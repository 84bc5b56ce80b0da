"""Photos in a folder. A file named by itself is read whatever its name, since the content decides."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"}
)


def photos_in(folder: Path) -> list[Path]:
    """Every file in a folder and its folders whose name ends as a photo's does, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
