"""People, photos and galleries for tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mien.face import Floats
from mien.gallery.master import MasterKey
from mien.gallery.people import Consent, Profile, Template
from mien.gallery.records import GalleryPolicy
from mien.gallery.sqlite import SqliteRecords

DIM = 32
MODEL = "made-up"
NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
CONSENT = Consent("Anna", NOW, "the door", "signed form")
OPEN_POLICY = GalleryPolicy(keep_crops=True, keep_answers_days=30)


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


def enrol(records: SqliteRecords, name: str, *seeds: int) -> str:
    """Enrol one person, durably."""
    with records.write() as writing:
        return writing.add_person(profile(name), [template(seed) for seed in seeds])


def names(records: SqliteRecords) -> list[str]:
    """Who is in a gallery."""
    return [person.profile.name for person in records.people()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a gallery. Only for galleries that this process does not have open: closing a file drops locks."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
