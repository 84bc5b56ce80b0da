"""The people of a gallery on a server under new keys (`rekey`), in a file (`backup`), and back from it (`restore`)."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mien.gallery.errors import GalleryBusy
from mien.gallery.store.database import connect, migrate, translated
from mien.gallery.store.ground import Connection, roll_back
from mien.gallery.store.master import MasterKey
from mien.gallery.store.opening import fill_records
from mien.gallery.store.reading import Reading
from mien.gallery.store.renewal import check_backup, new_file, note_renewal
from mien.gallery.store.renewing import Renewing
from mien.gallery.store.rotation import make_rotation
from mien.gallery.store.rows import COUNTERS
from mien.gallery.store.seal import KEY_BYTES
from mien.gallery.store.server import ServerConnection
from mien.gallery.store.server_keys import replace_keys
from mien.gallery.store.server_opening import Served, write_meta
from mien.gallery.store.slots import FORMAT, NO_SLOT, GalleryKeys, Header, encode_header, encode_mark
from mien.gallery.store.vault import RootKeys, Vault
from mien.gallery.store.writing import SqlWriting

PAGE: Final = 1000
"""Rows read at once."""
_SEALED: Final = {"people": "number", "crops": "template", "negatives": "number", "answers": "number", "history": "seq"}
"""Tables of sealed content, and what their rows are counted by."""
_SLOTS: Final = {"free_slots": "slot", "doomed_slots": "slot"}


def rekey(writing: SqlWriting, served: Served, master: MasterKey) -> None:
    """Replace content and keys in the transaction of `writing`, and commit it."""
    connection, header = writing.connection, served.keys.header
    assert isinstance(connection, ServerConnection)
    keys = GalleryKeys(secrets.token_bytes(KEY_BYTES), served.keys.secrets.signing)
    root, rotation = RootKeys(header.gallery, keys), make_rotation(served.vault.dim)
    vault = Vault(root, served.vault.info, rotation)
    for table in _SEALED:
        connection.execute(f"CREATE TEMP TABLE {table} (LIKE {table} INCLUDING STORAGE) ON COMMIT DROP")
    renewing = Renewing(writing, connection, vault, keys, "pg_temp.")
    renewing.run()
    mark = encode_mark(writing.keys.epoch(), NO_SLOT)
    # Readers wait from here on, while the new rows are copied; with the old tables' files the old content goes.
    connection.execute(f"TRUNCATE meta, {', '.join(_SEALED | _SLOTS)}")
    for table in _SEALED:
        connection.execute(f"INSERT INTO {table} SELECT * FROM pg_temp.{table}")
    write_meta(connection, root.seal_info(vault.info), root.seal_rotation(rotation))
    head = encode_header(Header(FORMAT, header.generation + 1, header.gallery, master.name), keys, master)
    replace_keys(connection, head, mark, renewing.slots)
    renewed = SqlWriting(Reading(connection, vault, writing.keys), writing.home)
    renewed.counters["slots"] = len(renewing.slots)
    note_renewal(renewed, "rekey", header.generation + 1)
    renewed.finish()
    writing.home.commit(connection)


def backup(connection: ServerConnection, served: Served, to: Path) -> None:
    """Write the records as they are at this moment, encrypted and without keys, to a new SQLite file, durably."""
    tables = _SEALED | _SLOTS
    with new_file(to) as part:
        try:
            connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Before anything is read: from then on nobody can replace the tables.
            connection.script(f"LOCK TABLE header, {', '.join(tables)} IN ACCESS SHARE MODE")
            if not served.keys.over(connection).is_current():
                raise GalleryBusy("The gallery was rekeyed at this moment.", "Try again.")
            with translated(to.parent):
                target = fill_records(part, served.vault.root, served.vault.info, served.vault.rotation)
                try:
                    target.execute("BEGIN IMMEDIATE")
                    for table, key in tables.items():
                        _copy(connection, target, table, key)
                    _copy_counters(connection, target)
                    target.execute("COMMIT")
                finally:
                    target.close()
        finally:
            roll_back(connection)


def restore(writing: SqlWriting, served: Served, path: Path) -> None:
    """Replace the rows by those of a backup in the transaction of `writing`, and commit it."""
    root, tables = served.vault.root, _SEALED | _SLOTS
    check_backup(path, root, writing.keys.epoch())
    with tempfile.TemporaryDirectory() as folder, translated(path.parent):
        copied = Path(folder) / "backup"
        shutil.copyfile(path, copied)
        source = connect(copied, root.database, wait=0)
        try:
            migrate(source)
            writing.connection.execute(f"TRUNCATE {', '.join(tables)}")
            for table, key in tables.items():
                _copy(source, writing.connection, table, key)
            _copy_counters(source, writing.connection)
        finally:
            source.close()
    restored = SqlWriting(writing, writing.home)
    note_renewal(restored, "restore", served.keys.header.generation)
    restored.finish()
    writing.home.commit(writing.connection)


def _copy(source: Connection, target: Connection, table: str, key: str) -> None:
    for page in _pages(source, table, key):
        target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(page[0]))})", page)


def _copy_counters(source: Connection, target: Connection) -> None:
    counted = dict(source.execute("SELECT name, value FROM counters").fetchall())
    sql = "UPDATE counters SET value = ? WHERE name = ?"
    target.executemany(sql, [(counted[name], name) for name in COUNTERS])


def _pages(connection: Connection, table: str, key: str) -> Iterator[list[tuple[Any, ...]]]:
    after, sql = -1, f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"
    while rows := connection.execute(sql, (after, PAGE)).fetchall():
        yield rows
        # The column that counts is the first of each table.
        after = rows[-1][0]
