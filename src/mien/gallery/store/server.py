"""A gallery's schema on a PostgreSQL server: connections, transactions, and in plain words what went wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mien.gallery.errors import (
    GalleryBusy,
    GalleryDamaged,
    GalleryError,
    GalleryExists,
    GalleryFull,
    GalleryMissing,
    GalleryReadOnly,
)
from mien.gallery.store.address import Address, library, reason
from mien.gallery.store.ground import Connection, Value
from mien.gallery.store.receipt import Receipt, parse_receipt

if TYPE_CHECKING:
    import psycopg

MOST_CONNECTIONS: Final = 8
"""Of one `PostgresRecords`, for reading at the same time: a server has about a hundred for everybody."""
_SETTINGS: Final = """
    SET search_path = "{gallery}", "{keys}", pg_temp;
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""
_BEGIN: Final = """
    BEGIN; SET LOCAL lock_timeout = {wait}; SELECT value FROM counters WHERE name = 'seq' FOR UPDATE"""


class ServerConnection:
    """One connection, as `ground.Connection` has it."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.raw = raw
        self._last: psycopg.Cursor[Any] | None = None

    @property
    def in_transaction(self) -> bool:
        """As `Connection.in_transaction`; False on a connection that was lost."""
        status = library().pq.TransactionStatus
        return self.raw.info.transaction_status in (status.INTRANS, status.INERROR)

    def execute(self, sql: str, values: Sequence[Value] = (), /) -> psycopg.Cursor[Any]:
        """As `Connection.execute`."""
        self._last = self.raw.execute(_numbered(sql), values, binary=True)
        return self._last

    def executemany(self, sql: str, values: Iterable[Sequence[Value]], /) -> None:
        """As `Connection.executemany`."""
        self.raw.cursor().executemany(_numbered(sql), values)

    def changes(self) -> int:
        """As `Connection.changes`."""
        return self._last.rowcount if self._last else 0

    def script(self, sql: str) -> None:
        """Run several statements without values."""
        self.raw.execute(sql.encode(), prepare=False)


class Server:
    """As `Home` has it. Connections are kept and used again; safe in every thread."""

    def __init__(self, address: Address, wait_seconds: float) -> None:
        self.address = address
        self.wait_seconds = wait_seconds
        self._idle: list[ServerConnection] = []
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._is_closed = False

    @contextmanager
    def connection(self, writes: bool = False) -> Iterator[ServerConnection]:
        """A connection for one thread. writes: do not queue behind readers. Raises GalleryError once closed."""
        with nullcontext() if writes else self._room:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def connect(self) -> ServerConnection:
        """A connection of its own, that the caller closes. Raises GalleryMissing."""
        psycopg = library()
        try:
            raw = psycopg.connect(self.address.conninfo, autocommit=True, cursor_factory=psycopg.RawCursor)
        except psycopg.Error as error:
            raise GalleryMissing(
                f"The server at {self.address.shown} does not let us in: {reason(error)}.",
                "Check that it runs, and the host, port, database, user and password in the URL.",
            ) from error
        connection = ServerConnection(raw)
        try:
            connection.script(_SETTINGS.format(gallery=self.address.gallery, keys=self.address.keys))
        except BaseException:
            raw.close()
            raise
        return connection

    def forget_idle(self) -> None:
        """Close connections that are not in use: when one was lost, the others mostly were too."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.raw.close()

    def close(self) -> None:
        """Close them, and those in use as they come back."""
        self._is_closed = True
        self.forget_idle()

    def _take(self) -> ServerConnection:
        with self._lock:
            if self._is_closed:
                raise GalleryError(f"The gallery at {self.address.shown} was closed.", "Open it again.")
            while self._idle:
                connection = self._idle.pop()
                if not connection.raw.closed:
                    return connection
        return self.connect()

    def _give_back(self, connection: ServerConnection) -> None:
        idle = library().pq.TransactionStatus.IDLE
        with self._lock:
            if not self._is_closed and connection.raw.info.transaction_status == idle:
                self._idle.append(connection)
                return
        connection.raw.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """As `Home.translated`."""
        try:
            yield
        except library().Error as error:
            raise self._plain(error) from error

    def plain(self, error: BaseException) -> GalleryError | None:
        """As `Home.plain`."""
        return self._plain(error) if isinstance(error, library().Error) else None

    def begin(self, connection: Connection) -> None:
        """As `Home.begin`."""
        assert isinstance(connection, ServerConnection)
        connection.script(_BEGIN.format(wait=max(1, int(self.wait_seconds * 1000))))

    def commit(self, connection: Connection) -> None:
        """As `Home.commit`. Raises GalleryError where the connection is lost and so is the answer."""
        assert isinstance(connection, ServerConnection)
        try:
            connection.execute("COMMIT")
        except library().OperationalError as error:
            if not connection.raw.closed:
                raise
            raise GalleryError(
                f"The connection to {self.address.shown} was lost while a change was being kept: {reason(error)}.",
                "Look whether it was before you make it again.",
            ) from error

    def conclude(self, connection: Connection, receipts: Sequence[Receipt], seq: int) -> None:
        """As `Home.conclude`."""
        sql = "INSERT INTO receipts VALUES (?, ?) ON CONFLICT (person_sha256) DO UPDATE SET content = EXCLUDED.content"
        for receipt in receipts:
            connection.execute(sql, (receipt.person_sha256, receipt.to_json()))
        connection.execute("SELECT pg_notify(?, ?)", (self.channel, str(seq)))

    @property
    def channel(self) -> str:
        """What changes are announced on."""
        return f"mien {self.address.gallery}"

    def check(self, connection: Connection) -> list[str]:
        """Settings that break promises, and destroyed keys that still lie in the table's file."""
        sql = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'"
        off = connection.execute(sql).fetchall()
        found = [f"{name} is off: a power cut may lose changes or damage the gallery" for (name,) in off]
        if connection.execute("SELECT marks = erased FROM header").fetchone() != (True,):
            found.append(
                "destroyed keys still lie, wrapped, in the file of the table of keys: the next change erases them"
            )
        return found

    def receipts(self, connection: Connection) -> Iterator[tuple[str, Receipt | GalleryError]]:
        """As `Home.receipts`."""
        for name, text in connection.execute("SELECT * FROM receipts ORDER BY person_sha256").fetchall():
            try:
                yield name, parse_receipt(text, name)
            except GalleryError as error:
                yield name, error

    def _plain(self, error: psycopg.Error) -> GalleryError:
        """The error that a user should see, by PostgreSQL's error codes (its manual, appendix A)."""
        where, code, said = self.address.shown, error.sqlstate or "", reason(error)
        if code == "55P03":
            return GalleryBusy(f"Another process is writing to {where}.", "Try again, or wait longer.")
        if code == "53100":
            return GalleryFull(f"The disk of {where} is full; nothing was changed.", "Make room and try again.")
        if code == "25006":
            return self.read_only()
        if code in ("42P06", "42P07", "23505"):
            return GalleryExists(f"Something was made at {where} at the same moment: {said}.", "Try again.")
        if code[:2] == "XX" or code in ("42P01", "3F000", "58P01"):
            return GalleryDamaged(f"The records at {where} are damaged: {said}.", "Restore a backup.")
        if code == "42501":
            return GalleryError(f"{where}: {said}.", "Grant it to the user in the URL, or use another.")
        if not code or code[:2] in ("08", "57"):
            return GalleryError(f"The connection to {where} was lost: {said}.", "Look after the server and try again.")
        return GalleryError(f"{where}: {said}.", "Look into the server's log.")

    def read_only(self) -> GalleryReadOnly:
        """The gallery can be read and not written."""
        return GalleryReadOnly(
            f"The gallery at {self.address.shown} is read-only: a standby, or the user may not write.",
            "Use the primary server, and a user with the rights of its owner.",
        )


@lru_cache(maxsize=256)
def _numbered(sql: str) -> bytes:
    """SQLite's placeholders as PostgreSQL has them: $1, $2, ..."""
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${found[1] or count}"

    return re.sub(r"\?(\d*)", place, sql).encode()
