"""A gallery's next generation: new keys and rotation for the same people (`rekey`), or the records of a backup."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw

from mien.face import Floats
from mien.gallery.content import decode_profile, encode_shelf
from mien.gallery.database import connect, migrate, roll_back, translated
from mien.gallery.disk import sync, sync_folder
from mien.gallery.errors import GalleryDamaged, GalleryExists, GalleryMissing
from mien.gallery.keys import NO_SLOT, GalleryKeys, KeyFile, encode_mark, seal_slot, slot_cipher
from mien.gallery.master import MasterKey
from mien.gallery.opening import (
    KEYS,
    FindMaster,
    Opened,
    clear_leftovers,
    delete_records,
    fill_records,
    read_vault,
    records_path,
    switch,
)
from mien.gallery.reading import Owner, Reading
from mien.gallery.rotation import make_rotation
from mien.gallery.seal import KEY_BYTES, Seal, Table
from mien.gallery.vault import RootKeys, Vault
from mien.gallery.writing import SqliteWriting

PAGE = 1000
"""People worked on at once."""


class Renewing:
    """Copies all people into new records, each under a new data key, turned by a new rotation."""

    def __init__(self, old: Reading, connection: apsw.Connection, vault: Vault, keys: GalleryKeys) -> None:
        self._old = old
        self._connection = connection
        self._vault = vault
        self._cipher = slot_cipher(keys)
        self._turn: Floats = old.vault.rotation.T @ vault.rotation
        self.slots: list[bytes] = []

    def run(self) -> None:
        """Copy everything; the new slots are in `slots` afterwards."""
        after = 0
        while rows := self._old.rows("SELECT * FROM people WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)):
            for row in rows:
                self._person(row)
            after = rows[-1][0]
        for row, at, sealed in self._old.rows("SELECT number, at, content FROM answers WHERE person IS NULL"):
            content = self._probe(self._old.vault.ledger, self._vault.ledger, Table.ANSWER, row, sealed)
            self._insert("answers", (row, at, None, content))
        self._history()
        counters = {"slots": len(self.slots)}
        for name, value in self._old.rows("SELECT name, value FROM counters"):
            sql = "UPDATE counters SET value = ? WHERE name = ?"
            self._connection.execute(sql, (counters.get(name, value), name))

    def _person(self, row: tuple[Any, ...]) -> None:
        number, person, slot, check, seq, n_templates, _, _, profile, templates = row
        old = self._old.seal(Owner(number, person, slot, check))
        if old is None:
            return
        key = secrets.token_bytes(KEY_BYTES)
        new = self._vault.seal(key, person)
        said = old.open(Table.PROFILE, number, profile)
        named = decode_profile(said)[0]
        shelf = self._old.vault.open_shelf(old, number, templates)
        shelf.stored = shelf.stored @ self._turn
        values = (
            *(number, person, len(self.slots), self._vault.check(key, person), seq, n_templates),
            *(self._vault.name_tag(named.name), self._vault.external_tag(named.external_id)),
            *(new.close(Table.PROFILE, number, said), new.close(Table.TEMPLATES, number, encode_shelf(shelf))),
        )
        self._insert("people", values)
        self.slots.append(seal_slot(self._cipher, self._vault.gallery, len(self.slots), key))
        self._belongings(number, old, new)
        self._details(person, old, new)

    def _belongings(self, person: int, old: Seal, new: Seal) -> None:
        for row, sealed in self._old.rows("SELECT template, content FROM crops WHERE person = ?", (person,)):
            content = new.close(Table.CROP, row, old.open(Table.CROP, row, sealed))
            self._insert("crops", (row, person, content))
        for row, sealed in self._old.rows("SELECT number, content FROM negatives WHERE person = ?", (person,)):
            self._insert("negatives", (row, person, self._probe(old, new, Table.NEGATIVE, row, sealed)))
        for row, at, sealed in self._old.rows("SELECT number, at, content FROM answers WHERE person = ?", (person,)):
            self._insert("answers", (row, at, person, self._probe(old, new, Table.ANSWER, row, sealed)))

    def _details(self, person: bytes, old: Seal, new: Seal) -> None:
        sql = "SELECT seq, at, kind, detail FROM history WHERE person = ? AND detail IS NOT NULL"
        for seq, at, kind, sealed in self._old.rows(sql, (person,)):
            detail = new.close(Table.EVENT, seq, old.open(Table.EVENT, seq, sealed))
            self._insert("history", (seq, at, kind, person, detail))

    def _history(self) -> None:
        """What is left of it: events of the gallery, and events without a detail."""
        old, new = self._old.vault.ledger, self._vault.ledger
        for seq, at, kind, person, sealed in self._old.rows(
            "SELECT * FROM history WHERE person IS NULL OR detail IS NULL"
        ):
            detail = None if sealed is None else new.close(Table.EVENT, seq, old.open(Table.EVENT, seq, sealed))
            self._insert("history", (seq, at, kind, person, detail))

    def _probe(self, old: Seal, new: Seal, table: Table, row: int, sealed: bytes) -> bytes:
        vector, rest = self._old.vault.open_probe(old.open(table, row, sealed))
        return new.close(table, row, self._vault.close_probe(vector, rest))

    def _insert(self, table: str, values: tuple[apsw.SQLiteValue, ...]) -> None:
        self._connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def rekey(opened: Opened, old: Reading, master: MasterKey) -> None:
    """Put a generation with new keys, a new rotation and `master` in place. The caller holds the writer's lock."""
    header = opened.keys.header
    clear_leftovers(opened.folder, header.generation)
    keys = GalleryKeys(secrets.token_bytes(KEY_BYTES), opened.keys.secrets.signing)
    root, rotation = RootKeys(header.gallery, keys), make_rotation(opened.vault.dim)
    vault = Vault(root, opened.vault.info, rotation)
    try:
        slots = _renew(opened, old, vault, keys)
    except BaseException:
        delete_records(opened.folder, header.generation + 1)
        raise
    switch(opened, keys, master, slots, encode_mark(opened.keys.epoch(), NO_SLOT))


def _renew(opened: Opened, old: Reading, vault: Vault, keys: GalleryKeys) -> list[bytes]:
    path = records_path(opened.folder, opened.keys.header.generation + 1)
    connection = fill_records(path, vault.root, vault.info, vault.rotation)
    try:
        # Nothing names the new file yet: what a kill leaves of it is deleted, so that it needs no journal.
        connection.pragma("journal_mode", "off")
        connection.execute("BEGIN IMMEDIATE")
        renewing = Renewing(old, connection, vault, keys)
        renewing.run()
        connection.execute("COMMIT")
        _note(connection, vault, opened, "rekey")
        connection.pragma("journal_mode", "wal")
    finally:
        connection.close()
    _sync_file(path)
    return renewing.slots


def backup(opened: Opened, source: apsw.Connection, to: Path) -> None:
    """Write the records as they are at this moment, encrypted and without keys, to a new file, durably."""
    if to.exists():
        raise GalleryExists(f"{to} exists.", "A backup never overwrites a file: name another.")
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    try:
        with translated(to.parent):
            target = connect(part, opened.vault.root.database, create=True, wait=opened.wait)
            with target.backup("main", source, "main") as copying:
                copying.step(-1)
            target.close()
            _sync_file(part)
            part.rename(to)
            sync_folder(to.parent)
    finally:
        for rest in to.parent.glob(f"{part.name}*"):
            rest.unlink()


def restore(folder: Path, backup: Path, find: FindMaster, wait: float = 10.0) -> None:
    """Put the records of a backup in the place of the gallery's, whole or damaged; the keys stay.

    People removed (or merged away) since then stay gone: their rows are finished off when the gallery is next opened.
    People enrolled since then are lost. Raises GalleryMissing, WrongKey, GalleryNewer, GalleryBusy, and GalleryDamaged
    where the file is no backup of this gallery, or of the time before it was last rekeyed.
    """
    with translated(folder):
        keys = KeyFile(folder / KEYS, find)
        root = RootKeys(keys.header.gallery, keys.secrets)
        vault = _check_backup(backup, root)
        opened = Opened(folder, keys, vault, True, wait)
        with _write_lock(opened):
            clear_leftovers(folder, keys.header.generation)
            path = records_path(folder, keys.header.generation + 1)
            shutil.copyfile(backup, path)
            connection = connect(path, root.database, wait=wait)
            try:
                migrate(connection)
                _note(connection, vault, opened, "restore")
            finally:
                connection.close()
            _sync_file(path)
            switch(opened, keys.secrets, find(keys.header.master), keys.raw_slots(), keys.marks())


def _note(connection: apsw.Connection, vault: Vault, opened: Opened, kind: str) -> None:
    """Write to the history of records that nobody reads yet that they were renewed."""
    connection.execute("BEGIN IMMEDIATE")
    writing = SqliteWriting(Reading(connection, vault, opened.keys), opened.folder)
    if kind == "restore":
        # Changes made since the backup had these numbers; who follows them must not take the next ones for those.
        writing.counters["seq"] = max(writing.counters["seq"], vault.micros(datetime.now(UTC)))
    writing.note(kind, {"generation": str(opened.keys.header.generation + 1)})
    writing.finish()
    connection.execute("COMMIT")


@contextmanager
def _write_lock(opened: Opened) -> Iterator[None]:
    """Keep other processes from writing, as far as the records can still be opened at all."""
    try:
        connection = opened.connect()
    except (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError):
        yield
        return
    try:
        with translated(opened.folder):
            connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        roll_back(connection)
        connection.close()


def _check_backup(backup: Path, root: RootKeys) -> Vault:
    if not backup.is_file():
        raise GalleryMissing(f"There is no backup at {backup}.", "Name the file that `mien gallery backup` wrote.")
    try:
        connection = connect(backup, root.database, immutable=True, wait=0)
        try:
            if connection.pragma("integrity_check") != "ok":
                raise apsw.CorruptError("integrity check")
            return read_vault(connection, root)
        finally:
            connection.close()
    except (apsw.CorruptError, apsw.NotADBError, GalleryDamaged) as error:
        raise GalleryDamaged(
            f"{backup} is damaged, or is no backup of this gallery, or is older than its last rekey.",
            "Use another backup; make a new one after each rekey.",
        ) from error


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:
        sync(file.fileno())
