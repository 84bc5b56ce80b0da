"""Files that are written bit by bit, and what can go wrong with them, in one place."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mien.errors import SinkError

SYNC_SECONDS = 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOWHERE = {errno.ENOENT, errno.ENOTDIR}


def refusal(name: object, error: Exception) -> SinkError:
    """The SinkError for an error of the operating system, or one of FFmpeg's, while `name` was written."""
    number = getattr(error, "errno", None)
    if number in _FULL:
        return SinkError(f"{name} cannot be written: the disk is full.", "Free some space, or write to another disk.")
    if number in _FORBIDDEN:
        return SinkError(f"{name} may not be written.", "Name a file in a folder that you may write to.")
    if number in _NOWHERE:
        return SinkError(f"{name} cannot be written: its folder does not exist.", "Create the folder first.")
    if number == errno.EISDIR:
        return SinkError(f"{name} is a folder.", "Name a file.")
    if number == errno.EPIPE:
        return SinkError(f"Whoever read {name} has gone.", "Write to a file where all of it is to be kept.")
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return SinkError(f"{name} cannot be written: {said}.", "Name another file.")


@contextmanager
def writing(name: object) -> Iterator[None]:
    """Turns an OSError into a SinkError that names what was written."""
    try:
        yield
    except OSError as error:
        raise refusal(name, error) from error


class GrowingFile:
    """A new file in which every `write` is whole after a kill, and on the disk a second later at most.

    Nothing is held back in this process, so that a kill leaves all that was written; power that fails takes what was
    written since the last second. Raises SinkError.
    """

    def __init__(self, path: Path) -> None:
        """Empties a file that is already there."""
        self._path, self._synced = path, time.monotonic()
        with writing(path):
            self._file: IO[bytes] | None = open(path, "w+b", buffering=0)  # noqa: SIM115 - `close` does
        self._at = 0

    def write(self, data: bytes) -> int:
        """Append; the offset in bytes at which `data` begins."""
        start = self._at
        with writing(self._path):
            self._put(data)
            self._at += len(data)
            self._sync()
        return start

    def overwrite(self, offset: int, data: bytes) -> None:
        """Put `data` in the place of as many bytes that were written before."""
        with writing(self._path):
            self._open().seek(offset)
            self._put(data)
            self._open().seek(self._at)
            self._sync()

    def close(self) -> None:
        """May be called twice."""
        file, self._file = self._file, None
        if file:
            with writing(self._path):
                file.close()

    def _open(self) -> IO[bytes]:
        if self._file is None:
            raise SinkError(f"{self._path} is closed already.", "Write before `close`.")
        return self._file

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        while left:  # a disk that fills up takes a part, and refuses only the next
            left = left[self._open().write(left) :]

    def _sync(self) -> None:
        if time.monotonic() - self._synced < SYNC_SECONDS:
            return
        self._synced = time.monotonic()
        try:
            os.fsync(self._open().fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a pipe or device has no disk
                raise


def write_whole(path: Path, data: bytes) -> None:
    """The file holds either what it held before or all of `data`, never a part. Raises SinkError."""
    with writing(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)  # mkstemp's files are for their owner alone
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def may_write(path: Path) -> None:
    """Raises SinkError now, rather than after an hour, where `path` cannot be written. Leaves what is there alone."""
    with writing(path):
        existed = path.exists()
        open(path, "ab").close()
        if not existed:
            path.unlink()
