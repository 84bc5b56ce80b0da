"""Where a gallery is: a folder, or a schema of a PostgreSQL server; which records keep it follows from that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mien.gallery.errors import GalleryError
from mien.gallery.store.master import MasterKey, find_master, new_master
from mien.gallery.store.opening import KEYS
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.renewal import bring_keys, restore
from mien.gallery.store.sqlite import SqliteRecords
from mien.settings import Settings

if TYPE_CHECKING:
    from mien.gallery.store.postgres import PostgresRecords

Place: TypeAlias = str | Path
SERVER = ("postgresql://", "postgres://")


def place_of(place: Place | None, settings: Settings) -> str:
    """The place named, or the one of the settings."""
    return str(place or settings.gallery or settings.data_dir / "gallery")


def is_server(place: str) -> bool:
    """Whether the records are a server's."""
    return place.startswith(SERVER)


def keys_on_server() -> GalleryError:
    """A server's keys are no file."""
    return GalleryError("The keys are the server's, not a file.", "Dump their schema with the server's tools.")


def open_records(place: str, master: MasterKey | None = None) -> SqliteRecords | PostgresRecords:
    """Open what is there. Raises what `SqliteRecords` and `PostgresRecords` raise."""
    if not is_server(place):
        return SqliteRecords(Path(place).expanduser(), master)
    from mien.gallery.store.postgres import PostgresRecords

    return PostgresRecords(place, master)


def create_records(
    place: str, model: str, dim: int, policy: GalleryPolicy, master: MasterKey | None = None
) -> SqliteRecords | PostgresRecords:
    """Make a gallery. Raises what `SqliteRecords.create` and `PostgresRecords.create` raise."""
    master = master or new_master()
    if not is_server(place):
        return SqliteRecords.create(Path(place).expanduser(), model, dim, policy, master)
    from mien.gallery.store.postgres import PostgresRecords

    return PostgresRecords.create(place, model, dim, policy, master)


def restore_records(place: str, backup: Path, keys: Path | None = None, master: MasterKey | None = None) -> None:
    """Put a backup in the place of the records, as `renewal.restore` has it.

    keys: the copy of the file of keys, used where the gallery's own is gone. Whoever was removed since the backup is
    gone when this returns. Raises GalleryError for keys of a server, whose schema of keys its own tools bring back.
    """
    if is_server(place):
        if keys:
            raise keys_on_server()
        from mien.gallery.store.postgres import PostgresRecords

        with PostgresRecords(place, master) as records:
            records.restore(backup)
        return
    folder = Path(place).expanduser()
    find = find_master if master is None else lambda _: master
    if keys and not (folder / KEYS).exists():
        bring_keys(folder, keys, backup, find)
    restore(folder, backup, find)
    # Opening finishes off people whose keys are destroyed.
    open_records(place, master).close()
