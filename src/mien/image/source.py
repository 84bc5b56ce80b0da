"""Bytes from wherever a caller has them, never more than allowed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from mien.errors import ImageArrayRefused, ImageFormatRefused, ImageMissing
from mien.image.limits import ImageLimits, check_bytes

# Of a stream whose length nobody says.
CHUNK_BYTES = 1 << 20


def read_source(source: object, limits: ImageLimits) -> bytes:
    """All bytes of a path, a bytes-like object or a binary file object.

    Raises ImageMissing for a path without a readable regular file, ImageTooLarge beyond `limits.max_bytes`.
    """
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(os.fsdecode(source)), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        check_bytes(memoryview(source).nbytes, limits)
        return bytes(source)
    if hasattr(source, "read"):
        return _read_stream(source, limits)
    raise ImageArrayRefused(
        f"A {type(source).__name__} is no path, bytes, binary file or array.",
        "Of a PIL image give numpy.asarray(image.convert('RGB')).",
    )


def _read_path(path: Path, limits: ImageLimits) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            _refuse_irregular(path, status.st_mode)
        check_bytes(status.st_size, limits)
        with path.open("rb") as stream:
            return _read_stream(stream, limits, status.st_size + 1)
    except FileNotFoundError as error:
        cure = "mien reads files, not web addresses." if "://" in str(path) or ":/" in str(path)[:7] else ""
        raise ImageMissing(f"There is no file {str(path)!r}.", cure or "Check the name and the folder.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageMissing(f"{str(path)!r} cannot be read: {reason}.", "Check its name and permissions.") from error


def _refuse_irregular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ImageMissing(f"{str(path)!r} is a folder.", "Give the files in it.")
    raise ImageMissing(f"{str(path)!r} is a device, pipe or socket.", "Open it yourself and give the file object.")


def _read_stream(stream: Any, limits: ImageLimits, chunk: int = CHUNK_BYTES) -> bytes:
    """All of it, `chunk` bytes at a time: asking for the limit at once would allocate it, for the smallest file too."""
    parts: list[bytes] = []
    left = limits.max_bytes + 1
    while left > 0 and (part := stream.read(min(left, chunk))):
        if not isinstance(part, bytes):
            raise ImageFormatRefused("The file object gives text, not bytes.", "Open it with mode 'rb'.")
        parts.append(part)
        left -= len(part)
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    check_bytes(len(data), limits)
    return data
