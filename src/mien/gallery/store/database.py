"""Opening an encrypted SQLite file, bringing it to the newest format, and saying in plain words what went wrong."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from mien.gallery.errors import (
    GalleryBusy,
    GalleryDamaged,
    GalleryError,
    GalleryFull,
    GalleryNewer,
    GalleryReadOnly,
)
from mien.gallery.store.ground import Connection, number, roll_back
from mien.gallery.store.migrations import steps

FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
UNWRITTEN: Final = {apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE}
"""What SQLite says of a disk without room besides FULL: beyond a file's size limit, or for its shared index."""
READ_ONLY: Final = {errno.EROFS, errno.EACCES, errno.EPERM}


def connect(path: Path, key: bytes, *, create: bool = False, immutable: bool = False, wait: float) -> apsw.Connection:
    """Open the file with its raw key of 32 bytes. immutable: for a file that nobody can write. wait: seconds.

    Raises apsw.Error: translate it.
    """
    if immutable:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(path.resolve().as_uri() + "?immutable=1", flags=flags)
    else:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        connection = apsw.Connection(str(path), flags=flags)
    try:
        connection.pragma("cipher", "chacha20")
        connection.pragma("key", f"raw:{key.hex()}")
        connection.set_busy_timeout(int(wait * 1000))
        connection.pragma("synchronous", "FULL")
        connection.pragma("secure_delete", "ON")
        if create:
            connection.pragma("journal_mode", "wal")
        # The key is only tried when something is read.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def format_of(connection: apsw.Connection) -> int:
    """The number of the last migration that the file has seen."""
    return number(connection, "PRAGMA user_version")


def migrate(connection: apsw.Connection) -> None:
    """Run the steps that the file has not seen, each in a transaction. Raises GalleryNewer."""
    newest = steps()[-1][0]
    if format_of(connection) > newest:
        raise GalleryNewer(
            f"The gallery has format {format_of(connection)}, this version reads up to {newest}.", "Update mien."
        )
    for step, sql in steps():
        if format_of(connection) >= step:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster.
            if format_of(connection) < step:
                connection.execute(sql)
                connection.execute(f"PRAGMA user_version = {step}")
            connection.execute("COMMIT")
        except BaseException:
            roll_back(connection)
            raise


def sqlite(connection: Connection) -> apsw.Connection:
    """A connection of SQLite's own kind, for what only that has."""
    assert isinstance(connection, apsw.Connection)
    return connection


def truncate_log(connection: apsw.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False where a reader was in the way."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError, apsw.FullError):
        return False
    return True


def log_bytes(connection: apsw.Connection) -> int:
    """Size of the write-ahead log."""
    path = Path(connection.filename_wal)
    return path.stat().st_size if path.exists() else 0


def plain_error(error: apsw.Error | OSError, folder: Path) -> GalleryError:
    """The error that a user should see."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return GalleryBusy(f"Another process is writing to {folder}.", "Try again, or wait longer.")
    unwritten = isinstance(error, apsw.IOError) and getattr(error, "extendedresult", 0) in UNWRITTEN
    if isinstance(error, apsw.FullError) or number in FULL or unwritten:
        return GalleryFull(f"The disk of {folder} is full, or fails; nothing was changed.", "Make room and try again.")
    if isinstance(error, apsw.ReadOnlyError) or number in READ_ONLY:
        return read_only(folder)
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return damaged(folder, str(error))
    return GalleryError(f"{folder}: {error}.", "Check the disk, then run `mien gallery verify`.")


def damaged(folder: Path, why: str) -> GalleryDamaged:
    """The records cannot be trusted."""
    return GalleryDamaged(
        f"The records in {folder} are damaged: {why}.", "Restore a backup with `mien gallery restore`."
    )


def read_only(folder: Path) -> GalleryReadOnly:
    """The folder cannot be written."""
    return GalleryReadOnly(f"The gallery at {folder} is read-only.", "Make it writable, or copy it.")


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system into errors of the gallery."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise plain_error(error, folder) from error
