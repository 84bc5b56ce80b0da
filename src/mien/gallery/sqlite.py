"""Records in a folder: an encrypted SQLite file, and a file of keys beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import apsw

from mien.gallery import renewal
from mien.gallery.database import log_bytes, plain_error, read_only, roll_back, translated, truncate_log
from mien.gallery.errors import GalleryError
from mien.gallery.master import MasterKey, find_master, key_file
from mien.gallery.opening import FindMaster, Opened, clear_leftovers, create_folder, leftovers, open_folder
from mien.gallery.people import Event, Negative, PastAnswer, Person, Template
from mien.gallery.reading import Reading
from mien.gallery.records import Change, GalleryInfo, GalleryPolicy, StoredVectors
from mien.gallery.verifying import verify
from mien.gallery.writing import SqliteWriting

T = TypeVar("T")

PEOPLE_PAGE = 500
SCAN_PAGE = 4096
WAIT_SECONDS = 10.0
WRITER_CACHE_KIB = 65536
"""A batch touches pages all over the indexes of random tags; what does not fit is encrypted and written twice."""


class SqliteRecords:
    """As `Records` has it. One writer at a time, over all processes; readers neither wait nor make anybody wait."""

    def __init__(self, folder: Path, master: MasterKey | None = None, wait_seconds: float = WAIT_SECONDS) -> None:
        """Open a gallery and finish what a kill left undone.

        master: None looks where `find_master` does. wait_seconds: how long another process may write. Raises
        GalleryMissing, GalleryKeyMissing, WrongKey, GalleryNewer, GalleryDamaged, GalleryBusy, GalleryReadOnly.
        """
        self.folder = folder
        self._find: FindMaster = find_master if master is None else lambda _: master
        self._wait = wait_seconds
        self._lock = threading.RLock()
        self._local = threading.local()
        self._connections: WeakSet[apsw.Connection] = WeakSet()
        self._is_writing = False
        self._log_is_due = False
        self._writer: tuple[Opened, Reading] | None = None
        self._opened: Opened | None = open_folder(folder, self._find, wait_seconds)
        if self._opened.writable:
            self._settle(self._opened)

    @classmethod
    def create(
        cls, folder: Path, model: str, dim: int, policy: GalleryPolicy | None = None, master: MasterKey | None = None
    ) -> SqliteRecords:
        """Make a gallery for the embedder `model` with vectors of length `dim`, and open it.

        master: None makes a fresh key in the default file. Raises GalleryExists, GalleryReadOnly, GalleryFull.
        """
        if master is None:
            master = MasterKey.new()
            # Saved first: a gallery must never be without its key.
            master.save(key_file(master.name))
        create_folder(folder, model, dim, policy or GalleryPolicy(), master)
        return cls(folder, master)

    @property
    def info(self) -> GalleryInfo:
        """As `Records.info`."""
        return self._follow().vault.info

    @property
    def public_key(self) -> bytes:
        """32 bytes that verify receipts; they stay the same for the life of the gallery."""
        return self._follow().vault.root.signer.public_key().public_bytes_raw()

    @contextmanager
    def write(self) -> Iterator[SqliteWriting]:
        """As `Records.write`."""
        with self._transaction() as writing:
            try:
                yield writing
                with translated(self.folder):
                    writing.finish()
                    writing.connection.execute("COMMIT")
            except BaseException as error:
                self._undo(writing)
                if isinstance(error, apsw.Error):
                    raise plain_error(error, self.folder) from error
                raise
            if writing.doomed:
                self._bury(writing)
            self._log_is_due = self._log_is_due or bool(writing.receipts) or writing.doomed
            if self._log_is_due:
                self._log_is_due = not truncate_log(writing.connection)

    def people(self) -> Iterator[Person]:
        """As `Records.people`."""
        after, before = 0, -1
        while after != before:
            before = after
            after, page = self._read(partial(Reading.people_page, after=after, limit=PEOPLE_PAGE))
            yield from page

    def person(self, person_id: str) -> Person:
        """As `Records.person`."""
        return self._read(lambda reading: reading.person(person_id))

    def find(self, text: str) -> list[Person]:
        """As `Records.find`."""
        return self._read(lambda reading: reading.find(text))

    def templates(self, person_id: str) -> list[Template]:
        """As `Records.templates`."""
        return self._read(lambda reading: reading.templates(person_id))

    def negatives(self, person_id: str | None = None) -> list[Negative]:
        """As `Records.negatives`."""
        return self._read(lambda reading: reading.negatives(person_id))

    def history(self, person_id: str | None = None) -> list[Event]:
        """As `Records.history`."""
        return self._read(lambda reading: reading.history(person_id))

    def answers(self) -> list[PastAnswer]:
        """As `Records.answers`."""
        return self._read(Reading.answers)

    def seq(self) -> int:
        """As `Records.seq`."""
        return self._read(Reading.seq)

    def changes(self, after: int) -> list[Change]:
        """As `Records.changes`."""
        return self._read(lambda reading: reading.changes(after))

    def scan(self) -> Iterator[StoredVectors]:
        """As `Records.scan`."""
        after, before = 0, -1
        while after != before:
            before = after
            after, batch = self._read(partial(Reading.vectors, after=after, limit=SCAN_PAGE))
            if batch.person_ids:
                yield batch

    def verify(self) -> list[str]:
        """As `Records.verify`."""
        return self._read(lambda reading: verify(reading, self.folder))

    def backup(self, to: Path) -> None:
        """As `Records.backup`."""
        self._read(lambda reading: renewal.backup(self._follow(), reading.connection, to))

    def rekey(self, master: MasterKey | None = None) -> None:
        """Give the gallery new keys and a new rotation, without photos: what leaked before is worthless afterwards.

        master: the new master key, already kept where it will be found; None keeps the present one. Killed at any
        moment, the gallery is whole under the old keys or whole under the new. Backups from before cannot be restored
        any more. Raises GalleryDamaged (then nothing has changed), GalleryBusy, GalleryReadOnly, GalleryFull.
        """
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
            self._opened = self._writer = None
            self._local = threading.local()

    def __enter__(self) -> SqliteRecords:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self) -> Opened:
        """The gallery as it is now: another process may have rekeyed or restored it."""
        opened = self._opened
        if opened is not None and opened.keys.is_current():
            return opened
        with self._lock:
            if self._opened is None:
                raise GalleryError(f"The gallery {self.folder} was closed.", "Open it again.")
            if not self._opened.keys.is_current():
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
                if opened.keys.is_current() or self._opened is None:
                    raise

    @contextmanager
    def _transaction(self) -> Iterator[SqliteWriting]:
        with self._lock:
            if self._is_writing:
                raise GalleryError("A change was begun inside of another.", "Use the `write()` that is open.")
            reading = self._begin()
            self._is_writing = True
            try:
                yield SqliteWriting(reading, self.folder)
            finally:
                self._is_writing = False
                roll_back(reading.connection)

    def _begin(self) -> Reading:
        while True:
            opened = self._follow()
            if not opened.writable:
                raise read_only(self.folder)
            if self._writer is None or self._writer[0] is not opened:
                self._writer = (opened, self._connect(opened))
                self._writer[1].connection.pragma("cache_size", -WRITER_CACHE_KIB)
            with translated(self.folder):
                self._writer[1].connection.execute("BEGIN IMMEDIATE")
            if opened.keys.is_current():
                return self._writer[1]
            roll_back(self._writer[1].connection)

    def _undo(self, writing: SqliteWriting) -> None:
        roll_back(writing.connection)
        # A removal stands even where the rest of the block failed: the key is gone.
        if writing.receipts:
            self._finish_off(writing)

    def _bury(self, writing: SqliteWriting) -> None:
        with translated(self.folder):
            writing.connection.execute("BEGIN IMMEDIATE")
            burying = SqliteWriting(writing, self.folder)
            burying.bury()
            burying.finish()
            writing.connection.execute("COMMIT")

    def _finish_off(self, reading: Reading) -> None:
        with translated(self.folder):
            reading.connection.execute("BEGIN IMMEDIATE")
            finishing = SqliteWriting(reading, self.folder)
            finishing.finish_off()
            finishing.finish()
            reading.connection.execute("COMMIT")
            self._log_is_due = not truncate_log(reading.connection)

    def _settle(self, opened: Opened) -> None:
        """Finish what a kill or a restored backup left undone; nearly always there is nothing to do."""
        behind = self._read(lambda reading: reading.is_behind())
        if behind or leftovers(self.folder, opened.keys.header.generation):
            with self._transaction() as writing:
                clear_leftovers(self.folder, self._follow().keys.header.generation)
                if writing.is_behind():
                    roll_back(writing.connection)
                    self._finish_off(writing)
        elif self._read(lambda reading: log_bytes(reading.connection)):
            self._read(lambda reading: truncate_log(reading.connection))
