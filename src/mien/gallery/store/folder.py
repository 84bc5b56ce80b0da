"""A gallery's folder as the home of its records: SQLite's transactions, receipts as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import apsw

from mien.gallery.errors import GalleryError
from mien.gallery.store.database import plain_error, translated
from mien.gallery.store.ground import Connection
from mien.gallery.store.receipt import RECEIPTS, Receipt, load_receipt, save_receipt


@dataclass(frozen=True, slots=True)
class Folder:
    """As `Home` has it."""

    path: Path

    def translated(self) -> AbstractContextManager[None]:
        """As `Home.translated`."""
        return translated(self.path)

    def plain(self, error: BaseException) -> GalleryError | None:
        """As `Home.plain`."""
        return plain_error(error, self.path) if isinstance(error, apsw.Error) else None

    def begin(self, connection: Connection) -> None:
        """As `Home.begin`."""
        connection.execute("BEGIN IMMEDIATE")

    def commit(self, connection: Connection) -> None:
        """As `Home.commit`."""
        connection.execute("COMMIT")

    def conclude(self, connection: Connection, receipts: Sequence[Receipt], seq: int) -> None:
        """Write receipts to files; other processes ask for the number themselves."""
        for receipt in receipts:
            save_receipt(receipt, self.path / RECEIPTS)

    def check(self, connection: Connection) -> list[str]:
        """SQLite's own integrity check."""
        said = [str(line) for (line,) in connection.execute("PRAGMA integrity_check").fetchall()]
        return [line for line in said if line != "ok"]

    def receipts(self, connection: Connection) -> Iterator[tuple[str, Receipt | GalleryError]]:
        """As `Home.receipts`; the name is the file's."""
        for path in sorted((self.path / RECEIPTS).glob("*.json")):
            try:
                yield path.name, load_receipt(path)
            except GalleryError as error:
                yield path.name, error
