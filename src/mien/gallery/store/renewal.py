"""A gallery's next generation: new keys and rotation for the same people (`rekey`), or the records of a backup."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import apsw

from mien.gallery.errors import GalleryBusy, GalleryDamaged, GalleryExists, GalleryMissing
from mien.gallery.store.database import connect, format_of, migrate, sqlite, translated
from mien.gallery.store.disk import copy_keys, sync, sync_folder
from mien.gallery.store.folder import Folder
from mien.gallery.store.ground import Connection, number, roll_back
from mien.gallery.store.keys import KeyFile
from mien.gallery.store.master import MasterKey
from mien.gallery.store.opening import (
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
from mien.gallery.store.reading import Reading
from mien.gallery.store.renewing import Renewing
from mien.gallery.store.rotation import make_rotation
from mien.gallery.store.seal import KEY_BYTES
from mien.gallery.store.slots import NO_SLOT, GalleryKeys, encode_mark
from mien.gallery.store.vault import RootKeys, Vault
from mien.gallery.store.writing import SqlWriting


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
        counters = dict(old.rows("SELECT name, value FROM counters")) | {"slots": len(renewing.slots)}
        connection.executemany("UPDATE counters SET value = ?2 WHERE name = ?1", counters.items())
        connection.execute("COMMIT")
        _note(connection, vault, opened, "rekey")
        connection.pragma("journal_mode", "wal")
    finally:
        connection.close()
    _sync_file(path)
    return renewing.slots


def backup(opened: Opened, source: Connection, to: Path) -> None:
    """Write the records as they are at this moment, encrypted and without keys, to a new file, durably."""
    with new_file(to) as part, translated(to.parent):
        target = connect(part, opened.vault.root.database, create=True, wait=opened.wait)
        with target.backup("main", sqlite(source), "main") as copying:
            copying.step(-1)
        target.close()


@contextmanager
def new_file(to: Path) -> Iterator[Path]:
    """A path to write a database to; it is at `to`, durably, once the block has ended without an error."""
    if to.exists():
        raise GalleryExists(f"{to} exists.", "A backup never overwrites a file: name another.")
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with translated(to.parent):
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
        vault = check_backup(backup, root, keys.epoch())
        opened = Opened(folder, keys, vault, True, wait)
        with _write_lock(opened):
            # What was opened above may have been wiped while the backup was checked, or the lock waited for.
            if not keys.is_current():
                raise GalleryBusy(f"{folder} was rekeyed or restored at this moment.", "Try again.")
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


def bring_keys(folder: Path, keys: Path, backup: Path, find: FindMaster) -> None:
    """Put a copy of the file of keys where the gallery has none, once it is certain that it fits the backup.

    Raises what `restore` raises; then nothing is there that would be taken for the gallery's keys the next time.
    """
    with translated(folder):
        copy = KeyFile(keys, find, writable=False)
        try:
            check_backup(backup, RootKeys(copy.header.gallery, copy.secrets), copy.epoch())
        finally:
            copy.close()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_keys(keys, folder / KEYS)


def _note(connection: Connection, vault: Vault, opened: Opened, kind: str) -> None:
    """Write to the history of records that nobody reads yet that they were renewed."""
    connection.execute("BEGIN IMMEDIATE")
    writing = SqlWriting(Reading(connection, vault, opened.keys), Folder(opened.folder))
    note_renewal(writing, kind, opened.keys.header.generation + 1)
    writing.finish()
    connection.execute("COMMIT")


def note_renewal(writing: SqlWriting, kind: str, generation: int) -> None:
    """A line of history: rekey or restore."""
    if kind == "restore":
        # Changes made since the backup had these numbers; who follows them must not take the next ones for those.
        writing.counters["seq"] = max(writing.counters["seq"], writing.vault.micros(datetime.now(UTC)))
    writing.note(kind, {"generation": str(generation)})


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


def check_backup(backup: Path, root: RootKeys, epoch: int) -> Vault:
    """The vault of a backup that is whole and this gallery's, and no newer than keys that have seen `epoch` removals.

    Raises GalleryMissing, GalleryDamaged.
    """
    if not backup.is_file():
        raise GalleryMissing(f"There is no backup at {backup}.", "Name the file that `mien gallery backup` wrote.")
    try:
        connection = connect(backup, root.database, immutable=True, wait=0)
        try:
            if connection.pragma("integrity_check") != "ok":
                raise apsw.CorruptError("integrity check")
            vault = read_vault(connection, root, format_of(connection))
            seen = number(connection, "SELECT value FROM counters WHERE name = 'epoch'")
        finally:
            connection.close()
    except (apsw.CorruptError, apsw.NotADBError, GalleryDamaged) as error:
        raise GalleryDamaged(
            f"{backup} is damaged, or is no backup of this gallery, or is older than its last rekey.",
            "Use another backup; make a new one after each rekey.",
        ) from error
    if seen > epoch:
        raise GalleryDamaged(
            f"The keys are older than {backup}: whoever was enrolled meanwhile would be taken for removed.",
            "Use keys that were copied with that backup or later, or an older backup.",
        )
    return vault


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:
        sync(file.fileno())
