"""Records in a folder: an encrypted SQLite file, and a file of keys beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import apsw

from mien.gallery.errors import GalleryError
from mien.gallery.store import renewal
from mien.gallery.store.database import log_bytes, read_only, sqlite, translated, truncate_log
from mien.gallery.store.folder import Folder
from mien.gallery.store.ground import roll_back
from mien.gallery.store.master import MasterKey, find_master, new_master
from mien.gallery.store.opening import FindMaster, Opened, clear_leftovers, create_folder, leftovers, open_folder
from mien.gallery.store.reading import Reading
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.sql_records import WAIT_SECONDS, SqlRecords
from mien.gallery.store.vault import Vault

T = TypeVar("T")

WRITER_CACHE_KIB = 65536
"""A batch touches pages all over the indexes of random tags; what does not fit is encrypted and written twice."""


class SqliteRecords(SqlRecords):
    """As `Records` has it."""

    def __init__(self, folder: Path, master: MasterKey | None = None, wait_seconds: float = WAIT_SECONDS) -> None:
        """Open a gallery and finish what a kill left undone.

        master: None looks where `find_master` does. wait_seconds: how long another process may write. Raises
        GalleryMissing, GalleryKeyMissing, WrongKey, GalleryNewer, GalleryDamaged, GalleryBusy, GalleryReadOnly.
        """
        super().__init__(Folder(folder))
        self.folder = folder
        self._find: FindMaster = find_master if master is None else lambda _: master
        self._wait = wait_seconds
        self._local = threading.local()
        self._connections: WeakSet[apsw.Connection] = WeakSet()
        self._log_is_due = False
        self._writes: tuple[Opened, Reading] | None = None
        self._opened: Opened | None = open_folder(folder, self._find, wait_seconds)
        if self._opened.writable:
            self._settle(self._opened)

    @classmethod
    def create(
        cls, folder: Path, model: str, dim: int, policy: GalleryPolicy | None = None, master: MasterKey | None = None
    ) -> SqliteRecords:
        """Make a gallery for the embedder `model` with vectors of length `dim`, and open it.

        master: None takes that of `new_master`. Raises GalleryExists, GalleryReadOnly, GalleryFull.
        """
        master = master or new_master()
        create_folder(folder, model, dim, policy or GalleryPolicy(), master)
        return cls(folder, master)

    def backup(self, to: Path) -> None:
        """As `Records.backup`."""
        self._read(lambda reading: renewal.backup(self._follow(), reading.connection, to))

    def rekey(self, master: MasterKey | None = None) -> None:
        """As `SqlRecords.rekey`."""
        find = self._find
        if master is not None:
            self._find = lambda name: master if name == master.name else find(name)
        with self._transaction() as writing, translated(self.folder):
            opened = self._follow()
            renewal.rekey(opened, writing, master or find(opened.keys.header.master))

    def close(self) -> None:
        """As `Records.close`."""
        with self._lock:
            for connection in list(self._connections):
                # A thread in the middle of a query keeps its connection; it goes with the thread.
                with suppress(apsw.Error):
                    connection.close()
            if self._opened is not None:
                self._opened.keys.close()
            self._opened = self._writes = None
            self._local = threading.local()

    def _vault(self) -> Vault:
        return self._follow().vault

    @contextmanager
    def _writer(self) -> Iterator[Reading]:
        reading = self._begin()
        try:
            yield reading
        finally:
            roll_back(reading.connection)

    def _follow(self) -> Opened:
        """The gallery as it is now: another process may have rekeyed or restored it."""
        opened = self._opened
        if opened is not None and opened.is_current():
            return opened
        with self._lock:
            if self._opened is None:
                raise GalleryError(f"The gallery {self.folder} was closed.", "Open it again.")
            if not self._opened.is_current():
                self._opened = open_folder(self.folder, self._find, self._wait)
            return self._opened

    def _connect(self, opened: Opened) -> Reading:
        with translated(self.folder):
            connection = opened.connect()
        self._connections.add(connection)
        return Reading(connection, opened.vault, opened.keys)

    def _read(self, work: Callable[[Reading], T]) -> T:
        while True:
            opened = self._follow()
            mine: tuple[Opened, Reading] | None = getattr(self._local, "mine", None)
            try:
                if mine is None or mine[0] is not opened:
                    mine = self._local.mine = (opened, self._connect(opened))
                with translated(self.folder):
                    return work(mine[1])
            except GalleryError:
                # The old generation's keys are overwritten at the end of a rekey: what was read then is read again.
                if opened.is_current() or self._opened is None:
                    raise

    def _begin(self) -> Reading:
        while True:
            opened = self._follow()
            if not opened.writable:
                raise read_only(self.folder)
            if self._writes is None or self._writes[0] is not opened:
                self._writes = (opened, self._connect(opened))
                sqlite(self._writes[1].connection).pragma("cache_size", -WRITER_CACHE_KIB)
            with translated(self.folder):
                self._home.begin(self._writes[1].connection)
            if opened.keys.is_current():
                return self._writes[1]
            roll_back(self._writes[1].connection)

    def _tidy(self, reading: Reading, destroyed: bool) -> None:
        self._log_is_due = self._log_is_due or destroyed
        if self._log_is_due:
            self._log_is_due = not truncate_log(sqlite(reading.connection))

    def _settle(self, opened: Opened) -> None:
        """Finish what a kill or a restored backup left undone; nearly always there is nothing to do."""
        behind = self._read(lambda reading: reading.is_behind())
        if behind or leftovers(self.folder, opened.keys.header.generation):
            with self._transaction() as writing:
                clear_leftovers(self.folder, self._follow().keys.header.generation)
                if writing.is_behind():
                    roll_back(writing.connection)
                    self._finish_off(writing)
        elif self._read(lambda reading: log_bytes(sqlite(reading.connection))):
            self._read(lambda reading: truncate_log(sqlite(reading.connection)))
