"""What records ask of the database under them, so that the same statements run over SQLite and over PostgreSQL.

Placeholders are `?`, or `?1` for a value used twice. Only what both databases understand alike is written in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from mien.gallery.errors import GalleryError
from mien.gallery.store.receipt import Receipt
from mien.gallery.store.slots import GalleryKeys, Header

Value: TypeAlias = int | float | str | bytes | None


class Rows(Protocol):
    """What a query found."""

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, None at the end."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        ...


class Connection(Protocol):
    """One connection, for one thread at a time. Each statement is its own transaction unless one was begun."""

    @property
    def in_transaction(self) -> bool:
        """Whether one was begun and not ended, by us or by the database."""
        ...

    def execute(self, sql: str, values: Sequence[Value] = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, sql: str, values: Iterable[Sequence[Value]], /) -> object:
        """Run a statement once for each row of values."""
        ...

    def changes(self) -> int:
        """Rows changed by the last `execute`."""
        ...


class Keys(Protocol):
    """The gallery's keys, apart from its rows; see `SlotKeys` and `KeyFile`, which is the one in a file."""

    @property
    def header(self) -> Header:
        """What is written before any key."""
        ...

    @property
    def secrets(self) -> GalleryKeys:
        """The gallery's own keys."""
        ...

    def get(self, slot: int) -> bytes | None:
        """The data key in a slot, None where it was destroyed."""
        ...

    def get_many(self, slots: Sequence[int]) -> list[bytes | None]:
        """As `get`, for many."""
        ...

    def put(self, keys: Mapping[int, bytes]) -> None:
        """Write data keys into free slots; they are kept at the latest when the rows are."""
        ...

    def destroy(self, slot: int) -> int:
        """Make a data key unreadable, durably and whatever becomes of the transaction; the new epoch."""
        ...

    def epoch(self) -> int:
        """How many times keys were destroyed."""
        ...

    def mend(self) -> None:
        """Finish a destruction that a kill interrupted."""
        ...


class Home(Protocol):
    """Where a gallery is: what differs between databases besides the connection."""

    def translated(self) -> AbstractContextManager[None]:
        """Turn errors of the database and of the system into errors of the gallery."""
        ...

    def plain(self, error: BaseException) -> GalleryError | None:
        """The gallery's error for one of the database's; None for any other."""
        ...

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that nobody else's writing runs beside. Raises the database's error after a wait."""
        ...

    def commit(self, connection: Connection) -> None:
        """End it: kept, durably."""
        ...

    def conclude(self, connection: Connection, receipts: Sequence[Receipt], seq: int) -> None:
        """Keep receipts and announce the number of the last change; the last step before the commit but for keys."""
        ...

    def check(self, connection: Connection) -> list[str]:
        """What is wrong with the database itself."""
        ...

    def receipts(self, connection: Connection) -> Iterator[tuple[str, Receipt | GalleryError]]:
        """Receipts kept, each with its name."""
        ...


def scalar(connection: Connection, sql: str, values: Sequence[Value] = ()) -> Any:
    """The first column of the first row, None where there is no row."""
    row = connection.execute(sql, values).fetchone()
    return None if row is None else row[0]


def number(connection: Connection, sql: str, values: Sequence[Value] = ()) -> int:
    """As `scalar`, for whole numbers; 0 where there is no row."""
    found = scalar(connection, sql, values)
    return found if isinstance(found, int) else 0


def roll_back(connection: Connection) -> None:
    """Undo the transaction, where the database has not undone it already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
