"""People, photos and galleries for tests of the store."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from mien.face import Floats
from mien.gallery.people import Consent, Profile, Template
from mien.gallery.store.master import MasterKey
from mien.gallery.store.postgres import PostgresRecords
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.renewal import restore
from mien.gallery.store.sqlite import SqliteRecords

DIM = 32
MODEL = "made-up"
NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
CONSENT = Consent("Anna", NOW, "the door", "signed form")
OPEN_POLICY = GalleryPolicy(keep_crops=True, keep_answers_days=30)


MASTER = MasterKey(bytes(range(32)), "a test")

AnyRecords = SqliteRecords | PostgresRecords

# For tests that look at the files of a gallery.
only_sqlite = pytest.mark.parametrize("galleries", ["sqlite"], indirect=True)


def vector(seed: int, dim: int = DIM) -> Floats:
    """A unit vector."""
    drawn = np.random.default_rng(seed).normal(size=dim)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def template(seed: int, dim: int = DIM) -> Template:
    """A template whose crop names it."""
    return Template(vector(seed, dim), 70.5, f"photo {seed}.jpg", NOW, f"<crop of photo {seed}>".encode() * 20)


def profile(name: str, **more: object) -> Profile:
    """A person with consent."""
    return Profile(name, consent=CONSENT, **more)  # type: ignore[arg-type]


def new_gallery(folder: Path, master: MasterKey, policy: GalleryPolicy = OPEN_POLICY) -> SqliteRecords:
    """An empty gallery."""
    return SqliteRecords.create(folder, MODEL, DIM, policy, master)


def enrol(records: AnyRecords, name: str, *seeds: int) -> str:
    """Enrol one person, durably."""
    with records.write() as writing:
        return writing.add_person(profile(name), [template(seed) for seed in seeds])


def names(records: AnyRecords) -> list[str]:
    """Who is in a gallery."""
    return [person.profile.name for person in records.people()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a gallery. Only for galleries that this process does not have open: closing a file drops locks."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Galleries(Protocol):
    """Where galleries of one kind are made."""

    kind: str

    def new(self, policy: GalleryPolicy = OPEN_POLICY, dim: int = DIM) -> AnyRecords:
        """An empty gallery."""
        ...

    def again(self, records: AnyRecords, master: MasterKey = MASTER, wait_seconds: float = 10.0) -> AnyRecords:
        """The same gallery as another process opens it."""
        ...

    def restore(self, records: AnyRecords, backup: Path) -> None:
        """Put a backup in the place of what is there."""
        ...


class InFolders:
    """Galleries in folders."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def new(self, policy: GalleryPolicy = OPEN_POLICY, dim: int = DIM) -> AnyRecords:
        return SqliteRecords.create(self._folder / f"gallery {next(self._numbers)}", MODEL, dim, policy, MASTER)

    def again(self, records: AnyRecords, master: MasterKey = MASTER, wait_seconds: float = 10.0) -> AnyRecords:
        assert isinstance(records, SqliteRecords)
        return SqliteRecords(records.folder, master, wait_seconds)

    def restore(self, records: AnyRecords, backup: Path) -> None:
        assert isinstance(records, SqliteRecords)
        restore(records.folder, backup, lambda _: MASTER)


class OnServer:
    """Galleries on a server, each under a name of its own."""

    kind = "postgres"

    def __init__(self, server: str) -> None:
        self._server = server
        self._urls: dict[int, str] = {}

    def new(self, policy: GalleryPolicy = OPEN_POLICY, dim: int = DIM) -> AnyRecords:
        url = self.url()
        records = PostgresRecords.create(url, MODEL, dim, policy, MASTER)
        self._urls[id(records)] = url
        return records

    def url(self) -> str:
        """Of a gallery that is not there yet."""
        return f"{self._server}&gallery=g{os.urandom(6).hex()}"

    def url_of(self, records: AnyRecords) -> str:
        """Of a gallery that this object opened."""
        return self._urls[id(records)]

    def again(self, records: AnyRecords, master: MasterKey = MASTER, wait_seconds: float = 10.0) -> AnyRecords:
        opened = PostgresRecords(self.url_of(records), master, wait_seconds)
        self._urls[id(opened)] = self.url_of(records)
        return opened

    def restore(self, records: AnyRecords, backup: Path) -> None:
        assert isinstance(records, PostgresRecords)
        records.restore(backup)
