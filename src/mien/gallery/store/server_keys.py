"""The keys of a gallery on a server: the same wrapped keys as in the file of keys, in a schema of their own.

Keep that schema out of dumps (`pg_dump --exclude-schema=NAME_keys`): a dump with the keys opens for people who were
removed since. Destroying a key overwrites its row in a transaction of its own; then the table is written anew, to
another file, since PostgreSQL leaves old rows where they were. (VACUUM FULL would keep them as long as anybody has an
older transaction open in the database.)

What that does not reach: the write-ahead log and its archive, replicas until they have replayed it, physical backups,
snapshots of the disk. They hold old slots, but only as they are in the table: sealed by keys that the master key wraps.
Who has one of them and the master key of that time can open what was removed since. `rekey` with a new master key makes
all of them worthless once the old master key is destroyed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mien.gallery.errors import GalleryDamaged
from mien.gallery.store.address import library
from mien.gallery.store.ground import roll_back
from mien.gallery.store.master import MasterKey
from mien.gallery.store.server import Server, ServerConnection
from mien.gallery.store.slots import NO_SLOT, SlotKeys, encode_mark, free_slot

_ERASE: Final = """
    BEGIN;
    SET LOCAL lock_timeout = 1000;
    LOCK TABLE slots IN ACCESS EXCLUSIVE MODE;
    CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM slots;
    TRUNCATE slots;
    INSERT INTO slots SELECT * FROM kept;
    UPDATE header SET erased = marks;
    COMMIT"""
_TABLES = """
    CREATE TABLE "{keys}".header (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        content bytea NOT NULL, marks bytea NOT NULL, erased bytea NOT NULL
    );
    CREATE TABLE "{keys}".slots (slot bigint PRIMARY KEY, content bytea NOT NULL)"""


class ServerKeys(SlotKeys):
    """The keys as one connection sees them. Writers hold the lock of the records."""

    def __init__(self, server: Server, connection: ServerConnection, find: Callable[[str], MasterKey]) -> None:
        """find: gives the master key of a name. Raises GalleryNewer, WrongKey, and GalleryDamaged without keys."""
        self._server = server
        self._connection = connection
        self._head = self._content()
        super().__init__(self._head, f"the table {server.address.keys}.slots at {server.address.shown}", find)

    def over(self, connection: ServerConnection) -> ServerKeys:
        """The same keys as another connection sees them."""
        other = copy.copy(self)
        other._connection = connection
        return other

    def is_current(self) -> bool:
        """Whether nobody rekeyed or restored the gallery since these keys were opened."""
        return self._content() == self._head

    def is_settled(self) -> bool:
        """Whether the keys are the ones opened, and the records have seen every destruction: one query."""
        sql = """SELECT content, marks, (SELECT value FROM counters WHERE name = 'epoch'),
            EXISTS (SELECT FROM doomed_slots) FROM header"""
        rows = self._connection.execute(sql).fetchall()
        return [row[:1] for row in rows] == [(self._head,)] and rows[0][2:] == (self.last_mark(rows[0][1])[0], False)

    def marks(self) -> bytes:
        """The mark as it is."""
        found: bytes = self._connection.execute("SELECT marks FROM header").fetchall()[0][0]
        return found

    def put(self, keys: Mapping[int, bytes]) -> None:
        """As `Keys.put`: part of the transaction that writes the rows."""
        _write_slots(self._connection, [(slot, self.sealed(slot, key)) for slot, key in keys.items()])

    def destroy(self, slot: int) -> int:
        """As `Keys.destroy`, on a connection of its own: kept when it returns, whatever becomes of the rows."""
        epoch = self.epoch() + 1
        sql = """WITH counted AS (UPDATE header SET marks = ?)
            INSERT INTO slots VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET content = EXCLUDED.content"""
        with self._server.connection(writes=True) as apart:
            apart.execute(sql, (encode_mark(epoch, slot), slot, free_slot()))
        return epoch

    def mend(self) -> None:
        """As `Keys.mend`: a server never leaves half a destruction."""

    def _content(self) -> bytes:
        try:
            rows = self._connection.execute("SELECT content FROM header").fetchall()
        except library().errors.UndefinedTable:
            rows = []
        if not rows:
            raise GalleryDamaged(
                f"The keys of {self._server.address.shown} are missing: {self._server.address.keys}.header.",
                "Bring that schema back from where you keep it: nobody can open the gallery without it.",
            )
        content: bytes = rows[0][0]
        return content

    def _read_slots(self, slots: Sequence[int]) -> list[bytes]:
        # A text of numbers is what both a plan for one slot and a plan for thousands take.
        sql = "SELECT slot, content FROM slots WHERE slot = ANY(string_to_array(?, ',')::bigint[])"
        found = dict(self._connection.execute(sql, (",".join(map(str, slots)),)).fetchall())
        return [found.get(slot, b"") for slot in slots]


def create_keys(connection: ServerConnection, schema: str, head: bytes) -> None:
    """Make the tables of keys, empty but for the header."""
    connection.script(_TABLES.format(keys=schema))
    _write_head(connection, head, encode_mark(0, NO_SLOT))


def replace_keys(connection: ServerConnection, head: bytes, mark: bytes, slots: Sequence[bytes]) -> None:
    """Put other keys in the place of all; the files with the old ones are gone with the commit."""
    connection.execute("TRUNCATE header, slots")
    _write_head(connection, head, mark)
    _write_slots(connection, list(enumerate(slots)))


def erase(connection: ServerConnection) -> bool:
    """Write the table of keys to a new file, without what was destroyed: some seconds for a million people.

    Whoever reads keys waits meanwhile; searching and asking for changes need none. False where a reader, such as a dump
    of the keys, was in the way, or we may not: `verify` says so until it is done.
    """
    if connection.execute("SELECT marks = erased FROM header").fetchall() == [(True,)]:
        return True
    errors = library().errors
    try:
        connection.script(_ERASE)
    except (errors.LockNotAvailable, errors.DeadlockDetected, errors.InsufficientPrivilege, errors.DiskFull):
        roll_back(connection)
        return False
    return True


def _write_head(connection: ServerConnection, head: bytes, mark: bytes) -> None:
    connection.execute("INSERT INTO header VALUES (true, ?1, ?2, ?2)", (head, mark))


def _write_slots(connection: ServerConnection, slots: Sequence[tuple[int, bytes]]) -> None:
    sql = "INSERT INTO slots VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET content = EXCLUDED.content"
    connection.executemany(sql, slots)
