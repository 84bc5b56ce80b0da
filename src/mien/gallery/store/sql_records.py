"""Records over SQL: all of `Records` that SQLite and PostgreSQL have in common."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from mien.gallery.errors import GalleryError
from mien.gallery.people import Event, Negative, PastAnswer, Person, Template
from mien.gallery.store.ground import Home, roll_back
from mien.gallery.store.master import MasterKey
from mien.gallery.store.reading import Reading
from mien.gallery.store.records import Change, GalleryInfo, StoredVectors
from mien.gallery.store.vault import Vault
from mien.gallery.store.verifying import verify
from mien.gallery.store.writing import SqlWriting

T = TypeVar("T")

PEOPLE_PAGE = 500
SCAN_PAGE = 4096
WAIT_SECONDS = 10.0


class SqlRecords(ABC):
    """As `Records` has it. One writer at a time, over all processes; readers neither wait nor make anybody wait."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.RLock()
        self._is_writing = False

    @abstractmethod
    def _vault(self) -> Vault:
        """The keys of the gallery as it is now: another process may have rekeyed or restored it."""

    @abstractmethod
    def _read(self, work: Callable[[Reading], T]) -> T:
        """Do some reading in one generation of the gallery, again where another process replaced that meanwhile."""

    @abstractmethod
    def _writer(self) -> AbstractContextManager[Reading]:
        """A connection with a transaction begun; rolled back at the end where it was not committed."""

    @abstractmethod
    def _tidy(self, reading: Reading, destroyed: bool) -> None:
        """What is left to do once a change is kept. destroyed: whether it destroyed a key."""

    @abstractmethod
    def backup(self, to: Path) -> None:
        """As `Records.backup`."""

    @abstractmethod
    def rekey(self, master: MasterKey | None = None) -> None:
        """Give the gallery new keys and a new rotation, without photos: what leaked before is worthless afterwards.

        master: the new master key, already kept where it will be found; None keeps the present one. Killed at any
        moment, the gallery is whole under the old keys or whole under the new. Backups from before cannot be restored
        any more. Raises GalleryDamaged (then nothing has changed), GalleryBusy, GalleryReadOnly, GalleryFull.
        """

    @abstractmethod
    def close(self) -> None:
        """As `Records.close`."""

    @property
    def info(self) -> GalleryInfo:
        """As `Records.info`."""
        return self._vault().info

    @property
    def master_name(self) -> str:
        """`MasterKey.name` of the key that opens the gallery now; `find_master` brings it."""
        return self._read(lambda reading: reading.keys.header.master)

    @property
    def public_key(self) -> bytes:
        """32 bytes that verify receipts; they stay the same for the life of the gallery."""
        return self._vault().root.signer.public_key().public_bytes_raw()

    @contextmanager
    def write(self) -> Iterator[SqlWriting]:
        """As `Records.write`."""
        with self._transaction() as writing:
            try:
                yield writing
                with self._home.translated():
                    writing.finish()
                    self._home.commit(writing.connection)
            except BaseException as error:
                self._undo(writing)
                if plain := self._home.plain(error):
                    raise plain from error
                raise
            if writing.doomed:
                self._again(writing, SqlWriting.bury)
            self._tidy(writing, bool(writing.receipts) or writing.doomed)

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
        return self._read(lambda reading: verify(reading, self._home))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[SqlWriting]:
        with self._lock:
            if self._is_writing:
                raise GalleryError("A change was begun inside of another.", "Use the `write()` that is open.")
            self._is_writing = True
            try:
                with self._writer() as reading:
                    yield SqlWriting(reading, self._home)
            finally:
                self._is_writing = False

    def _undo(self, writing: SqlWriting) -> None:
        roll_back(writing.connection)
        # A removal stands even where the rest of it, or of the block, failed: the key is gone.
        if writing.destroyed:
            self._finish_off(writing)

    def _finish_off(self, reading: Reading) -> None:
        self._again(reading, SqlWriting.finish_off)
        self._tidy(reading, True)

    def _again(self, reading: Reading, work: Callable[[SqlWriting], None]) -> None:
        """Another transaction on a connection whose own is over."""
        with self._home.translated():
            self._home.begin(reading.connection)
            writing = SqlWriting(reading, self._home)
            work(writing)
            writing.finish()
            self._home.commit(reading.connection)
