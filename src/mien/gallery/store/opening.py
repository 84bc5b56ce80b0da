"""A gallery's folder: making it, opening it, and putting a new generation of it in place of the old.

    keys                 the file of keys; its header names the generation
    records-<n>.db       the records of generation n, with SQLite's -wal and -shm beside it
    receipts/            signed receipts of removals

Replacing `keys` is the one atomic step that moves the gallery to another generation: until then the old pair of files
is complete, from then on the new one is. Records of any other generation are leftovers of a kill.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

from mien.face import Floats
from mien.gallery.errors import GalleryBusy, GalleryExists, GalleryKeyMissing, GalleryReadOnly
from mien.gallery.store.content import id_text
from mien.gallery.store.database import FULL, connect, damaged, format_of, migrate, read_only, translated
from mien.gallery.store.disk import shred, sync_folder
from mien.gallery.store.ground import Connection, scalar
from mien.gallery.store.keys import KeyFile, write_key_file
from mien.gallery.store.master import MasterKey
from mien.gallery.store.migrations import steps
from mien.gallery.store.records import GalleryInfo, GalleryPolicy
from mien.gallery.store.rotation import make_rotation
from mien.gallery.store.seal import ID_BYTES
from mien.gallery.store.slots import BRING_BACK, FORMAT, NO_SLOT, GalleryKeys, Header, encode_mark
from mien.gallery.store.vault import RootKeys, Vault

KEYS: Final = "keys"
NEW_KEYS: Final = "keys.new"
ATTEMPTS: Final = 20

FindMaster = Callable[[str], MasterKey]


@dataclass(frozen=True, slots=True)
class Opened:
    """One generation of a gallery, open. stamp: sizes and times of the records' files when they were opened."""

    folder: Path
    keys: KeyFile
    vault: Vault
    writable: bool
    wait: float
    stamp: tuple[int, ...] = ()

    def is_current(self) -> bool:
        """Whether nobody put another generation here or, where we may only read, changed this one.

        SQLite takes a file that it may not lock for one that nobody writes; yet another user may.
        """
        return self.keys.is_current() and (
            self.writable or self.stamp == _stamp_of(records_path(self.folder, self.keys.header.generation))
        )

    def connect(self) -> apsw.Connection:
        """Another connection to the records."""
        path = records_path(self.folder, self.keys.header.generation)
        return connect(path, self.vault.root.database, immutable=not self.writable, wait=self.wait)


def records_path(folder: Path, generation: int) -> Path:
    """Where the records of a generation lie."""
    return folder / f"records-{generation}.db"


def create_folder(folder: Path, model: str, dim: int, policy: GalleryPolicy, master: MasterKey) -> None:
    """Make a gallery; it appears whole or not at all. Raises GalleryExists, GalleryReadOnly, GalleryFull."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GalleryExists(f"{folder} exists and is not empty.", "Name another folder.")
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    with translated(folder.parent):
        _make(part, folder)
        try:
            _fill(part, model, dim, policy, master)
            part.rename(folder)
            sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _make(part: Path, folder: Path) -> None:
    try:
        part.mkdir(parents=True, mode=0o700)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise GalleryReadOnly(
            f"The folder {folder} cannot be made there: {error.strerror}.",
            "Name a place where it can: the setting data_dir (MIEN_DATA_DIR), or gallery (--gallery).",
        ) from error


def open_folder(folder: Path, find: FindMaster, wait: float) -> Opened:
    """Open the generation that `keys` names, and bring it to the newest format.

    Raises GalleryMissing, GalleryKeyMissing, WrongKey, GalleryNewer, GalleryDamaged, GalleryBusy, and GalleryReadOnly
    where it would have to be brought to the newest format.
    """
    with translated(folder):
        for _ in range(ATTEMPTS):
            writable = os.access(folder, os.W_OK) and (
                not (folder / KEYS).exists() or os.access(folder / KEYS, os.W_OK)
            )
            if not (folder / KEYS).exists() and any(folder.glob("records-*.db")):
                raise GalleryKeyMissing(f"{folder} has lost its file of keys.", BRING_BACK)
            keys = KeyFile(folder / KEYS, find, writable)
            try:
                return _open_records(folder, keys, writable, wait)
            except apsw.CantOpenError:
                # A rekey may have replaced both files between the two steps.
                if keys.is_current():
                    raise damaged(folder, "the file of records is missing or cannot be opened") from None
    raise GalleryBusy(f"{folder} is being rekeyed again and again.", "Try again.")


def switch(opened: Opened, keys: GalleryKeys, master: MasterKey, slots: Iterable[bytes], marks: bytes) -> None:
    """Make the next generation the gallery's: its records are in place and durable, its file of keys is written here.

    The old generation's keys are overwritten and its files deleted.
    """
    folder, old = opened.folder, opened.keys.header
    header = Header(FORMAT, old.generation + 1, old.gallery, master.name)
    sync_folder(folder)
    write_key_file(folder / NEW_KEYS, header, keys, master, slots, marks)
    os.replace(folder / NEW_KEYS, folder / KEYS)
    sync_folder(folder)
    opened.keys.wipe()
    delete_records(folder, old.generation)


def delete_records(folder: Path, generation: int) -> None:
    """Delete the records of a generation that is not the gallery's."""
    path = records_path(folder, generation)
    # A journal left over would be played back into the next file of that name.
    for one in (path, *(path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm"))):
        # Windows keeps a file that another process has open; the next opening deletes it.
        with suppress(FileNotFoundError, PermissionError):
            one.unlink()


def leftovers(folder: Path, generation: int) -> list[int]:
    """Generations whose files are still there, killed while they were made or deleted."""
    found = {path.name.removeprefix("records-").split(".")[0] for path in folder.glob("records-*.db*")}
    others = sorted(int(name) for name in found if name.isdecimal() and int(name) != generation)
    return others or ([generation + 1] if (folder / NEW_KEYS).exists() else [])


def clear_leftovers(folder: Path, generation: int) -> None:
    """Delete them. The caller holds the lock of the current generation, so that none is being made."""
    for other in leftovers(folder, generation):
        delete_records(folder, other)
    shred(folder / NEW_KEYS)


def _fill(folder: Path, model: str, dim: int, policy: GalleryPolicy, master: MasterKey) -> None:
    gallery, keys = secrets.token_bytes(ID_BYTES), GalleryKeys.new()
    info = GalleryInfo(id_text(gallery), model, dim, steps()[-1][0], datetime.now(UTC), policy)
    fill_records(records_path(folder, 1), RootKeys(gallery, keys), info, make_rotation(dim)).close()
    write_key_file(folder / KEYS, Header(FORMAT, 1, gallery, master.name), keys, master, (), encode_mark(0, NO_SLOT))
    sync_folder(folder)


def fill_records(path: Path, root: RootKeys, info: GalleryInfo, rotation: Floats) -> apsw.Connection:
    """Make a file of records without people in it; the open connection."""
    connection = connect(path, root.database, create=True, wait=0)
    migrate(connection)
    values = [("info", root.seal_info(info)), ("rotation", root.seal_rotation(rotation))]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", values)
    connection.execute("COMMIT")
    return connection


def read_vault(connection: Connection, root: RootKeys, number: int) -> Vault:
    """What seals and opens the content of these records, which have format `number`."""
    info, rotation = (
        scalar(connection, "SELECT content FROM meta WHERE name = ?", (one,)) for one in ("info", "rotation")
    )
    assert isinstance(info, bytes) and isinstance(rotation, bytes)
    said = root.open_info(info, number)
    return Vault(root, said, root.open_rotation(rotation, said.dim))


def _stamp_of(path: Path) -> tuple[int, ...]:
    found = [one.stat() for one in (path, path.with_name(path.name + "-wal")) if one.exists()]
    return tuple(number for one in found for number in (one.st_size, one.st_mtime_ns))


def _open_records(folder: Path, keys: KeyFile, writable: bool, wait: float) -> Opened:
    root = RootKeys(keys.header.gallery, keys.secrets)
    path = records_path(folder, keys.header.generation)
    log, stamp = path.with_name(path.name + "-wal"), _stamp_of(path)
    if not writable and log.exists() and log.stat().st_size:
        raise GalleryReadOnly(
            f"The gallery at {folder} is read-only, and has changes in its log that only a writer can read.",
            "Make it writable, or open it once nobody writes.",
        )
    connection = connect(path, root.database, immutable=not writable, wait=wait)
    try:
        if not writable and format_of(connection) < steps()[-1][0]:
            raise read_only(folder)
        migrate(connection)
        return Opened(folder, keys, read_vault(connection, root, format_of(connection)), writable, wait, stamp)
    finally:
        connection.close()
