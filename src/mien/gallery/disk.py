"""Bytes on disk: at a place in a file, and durable."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def sync(handle: int) -> None:
    """Return only once the disk has the file's bytes."""
    if sys.platform == "darwin":
        import fcntl

        # fsync on macOS leaves the bytes in the disk's own cache.
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(handle)
    else:
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Make new, renamed and deleted names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_at(handle: int, size: int, offset: int) -> bytes:
    """Up to `size` bytes from `offset`, whatever other threads read meanwhile."""
    if hasattr(os, "pread"):
        return os.pread(handle, size, offset)
    copy = os.dup(handle)
    with os.fdopen(copy, "rb", buffering=0) as file:
        file.seek(offset)
        return file.read(size) or b""


def write_at(handle: int, content: bytes, offset: int) -> None:
    """Write all of `content` at `offset`."""
    written = 0
    while written < len(content):
        if hasattr(os, "pwrite"):
            written += os.pwrite(handle, content[written:], offset + written)
        else:
            os.lseek(handle, offset + written, os.SEEK_SET)
            written += os.write(handle, content[written:])
