"""The file that the service keeps its own things in: encrypted, durable before an answer, shared by its processes."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

import apsw

from mien.gallery.errors import GalleryNewer
from mien.gallery.store.content import id_text
from mien.gallery.store.database import connect, format_of, translated
from mien.gallery.store.ground import Value, roll_back
from mien.gallery.store.seal import ID_BYTES, derive
from mien.server.state.steps import steps

FILE: Final = "state.db"
WAIT_SECONDS: Final = 10.0
SECOND: Final = 1_000_000
"""Times are whole microseconds since 1970."""

Row = tuple[Any, ...]


def new_id() -> str:
    """26 characters of base32 from 16 random bytes, as people of the gallery have."""
    return id_text(secrets.token_bytes(ID_BYTES))


def now_micros() -> int:
    """The time of day."""
    return time.time_ns() // 1000


class State:
    """Each thread has a connection of its own; one transaction writes at a time, over all threads and processes."""

    def __init__(self, folder: Path, root: bytes, now: Callable[[], int] = now_micros) -> None:
        """Open the file in `folder`, or make it, and bring it to the newest format.

        root: 32 bytes that its key and all others of the service come from. now: the time, in microseconds since 1970.
        Raises what a gallery's file raises: GalleryBusy, GalleryFull, GalleryReadOnly, GalleryDamaged, GalleryNewer.
        """
        self.folder, self.now = folder, now
        self._root = root
        self._turn = threading.Lock()
        self._local = threading.local()
        self._connections: WeakSet[apsw.Connection] = WeakSet()
        with translated(folder):
            _migrate(self._connection)

    def key(self, purpose: str) -> bytes:
        """32 secret bytes for one purpose; the same after a restart."""
        return derive(self._root, f"service {purpose}")

    def read(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """All rows that a query finds."""
        with translated(self.folder):
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row that a query finds."""
        with translated(self.folder):
            return self._connection.execute(sql, values).fetchone()

    @contextmanager
    def write(self) -> Iterator[apsw.Connection]:
        """One transaction: durable when the block ends, undone where it raises. Within another, a part of that."""
        connection = self._connection
        if connection.in_transaction:
            yield connection
            return
        self._local.after = []
        # Threads of one process queue here, in turn; those of others wait for the file.
        with self._turn:
            with translated(self.folder):
                connection.execute("BEGIN IMMEDIATE")
            try:
                with translated(self.folder):
                    yield connection
                    connection.execute("COMMIT")
            finally:
                roll_back(connection)
        for work in self._local.after:
            work()

    def once_kept(self, work: Callable[[], None]) -> None:
        """Within `write`: do this when the transaction is durable."""
        self._local.after.append(work)

    def close(self) -> None:
        """Let go of the file; calls after it open it again."""
        for connection in list(self._connections):
            # A thread in the middle of a query keeps its connection; it goes with the thread.
            with suppress(apsw.Error):
                connection.close()
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _connection(self) -> apsw.Connection:
        found: apsw.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = open_file(self.folder / FILE, self.key("database"))
            self._connections.add(found)
            self._local.connection = found
        return found


def open_file(path: Path, key: bytes) -> apsw.Connection:
    """An encrypted file that only its owner can read, made where it is not there."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = connect(path, key, create=True, wait=WAIT_SECONDS)
    connection.pragma("foreign_keys", "ON")
    return connection


def _migrate(connection: apsw.Connection) -> None:
    """Run the steps that the file has not seen, each in a transaction. Raises GalleryNewer."""
    newest = steps()[-1][0]
    if format_of(connection) > newest:
        raise GalleryNewer(f"The service's state has format {format_of(connection)}, not {newest}.", "Update mien.")
    for step, sql in steps():
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster.
            if format_of(connection) < step:
                connection.execute(sql)
                connection.execute(f"PRAGMA user_version = {step}")
            connection.execute("COMMIT")
        finally:
            roll_back(connection)
