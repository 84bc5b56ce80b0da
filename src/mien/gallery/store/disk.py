"""Bytes on disk: at a place in a file, and durable."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from contextlib import ExitStack, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO


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


def copy_keys(keys: Path, to: Path) -> None:
    """Replace the copy of a file of keys as a whole, durably, and overwrite what was there before."""
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    # What a kill left of an earlier one is a copy of the keys too.
    for left in to.parent.glob(f".{escape(to.name)}.*.part"):
        shred(left)
    with ExitStack() as stack:
        stack.callback(shred, part)
        old = stack.enter_context(to.open("r+b")) if os.name == "posix" and to.exists() else None
        with (
            keys.open("rb") as source,
            open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target,
        ):
            shutil.copyfileobj(source, target)
            target.flush()
            sync(target.fileno())
        part.replace(to)
        sync_folder(to.parent)
        if old:
            _overwrite(old)


def shred(path: Path) -> None:
    """Overwrite a file of keys and delete it, where it is."""
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            _overwrite(file)
        path.unlink()


def _overwrite(file: BinaryIO) -> None:
    file.write(os.urandom(os.fstat(file.fileno()).st_size))
    file.flush()
    sync(file.fileno())
