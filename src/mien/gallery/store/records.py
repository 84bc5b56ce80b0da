"""What every keeper of people offers: SQLite in a folder, or a server's database. The index is built from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import SettingsError
from mien.face import Floats
from mien.gallery.people import Event, Negative, PastAnswer, Person, Profile, Template
from mien.gallery.search.labels import Labels
from mien.gallery.store.receipt import Receipt
from mien.record import Record


@dataclass(frozen=True, slots=True)
class GalleryPolicy(Record):
    """What a gallery demands and keeps.

    max_templates: of one person. keep_crops: whether aligned faces are stored. require_consent: whether a person needs
    a consent record that has not run out. keep_answers_days: how long past answers are kept for replay; 0 keeps none.
    min_quality: 0..100, of an enrolled photo. duplicate_fmr: a newcomer who matches somebody at this false match rate
    or below is reported as a duplicate.
    """

    max_templates: int = 8
    keep_crops: bool = False
    require_consent: bool = True
    keep_answers_days: int = 0
    min_quality: float = 50.0
    duplicate_fmr: float = 1e-5

    def __post_init__(self) -> None:
        """Raises SettingsError for a value that cannot be."""
        limits = {
            "max_templates": (1, 1000),
            "keep_answers_days": (0, 36_500),
            "min_quality": (0, 100),
            "duplicate_fmr": (0, 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"The policy's {name} is {value}.", f"It goes from {low} to {high}.")


@dataclass(frozen=True, slots=True)
class GalleryInfo(Record):
    """What never changes in a gallery (`format` rises when a newer mien opens it).

    id: 26 characters of base32. model: `Embedding.model` of every template. dim: length of a vector.
    """

    id: str
    model: str
    dim: int
    format: int
    created_at: datetime
    policy: GalleryPolicy


@dataclass(frozen=True, slots=True)
class Change(Record):
    """Change number `seq` touched `person_id`; None where any person may have changed, so that all must be read anew.

    A removed person is one that `Records.person` no longer knows.
    """

    seq: int
    person_id: str | None


@dataclass(frozen=True, slots=True, eq=False)
class StoredVectors:
    """A batch of whole people for an index.

    person_ids and labels: P people. counts: (P,) int64, how many of the rows below are each person's, in order.
    template_ids: (N,) int64. vectors: (N, D) float32, as the embedder made them.
    """

    person_ids: tuple[str, ...]
    labels: tuple[Labels, ...]
    counts: NDArray[np.int64]
    template_ids: NDArray[np.int64]
    vectors: Floats


class Writing(Protocol):
    """One transaction: all of it is kept when the `with` block ends, none of it where the block raises.

    The one exception is `remove`, which cannot be undone from the moment it returns.
    """

    def add_person(self, profile: Profile, templates: Sequence[Template]) -> str:
        """Enrol a person and return the new id. Raises GalleryModel for vectors of another length."""
        ...

    def add_people(
        self, people: Sequence[tuple[Profile, Sequence[Template]]], ids: Sequence[str] | None = None
    ) -> list[str]:
        """As `add_person` for each, in order, and faster: the new ids. Nobody is enrolled where somebody is refused.

        ids: to be given, one for each, as 16 random bytes make them; None makes them here.
        """
        ...

    def add_templates(self, person_id: str, templates: Sequence[Template]) -> None:
        """Give a person more templates. Raises PersonUnknown, GalleryModel."""
        ...

    def drop_templates(self, person_id: str, template_ids: Sequence[int]) -> None:
        """Take templates from a person; ids that the person does not have are ignored. Raises PersonUnknown."""
        ...

    def change_profile(self, person_id: str, profile: Profile, kind: str = "change") -> None:
        """Replace what is said about a person; `kind` is what the history calls it. Raises PersonUnknown."""
        ...

    def merge(self, from_id: str, into_id: str) -> None:
        """Two records were one person: everything of `from_id` goes to `into_id`, whose profile stays.

        `from_id` is unknown from then on and its key is destroyed. Raises PersonUnknown.
        """
        ...

    def remove(self, person_id: str) -> Receipt:
        """Forget a person: destroy the key, then delete every row. Raises PersonUnknown.

        Final from the moment it returns, even where the rest of the block fails.
        """
        ...

    def add_negative(self, person_id: str, vector: Floats, by: str) -> None:
        """Store that a probe (D,) is not this person. Raises PersonUnknown, GalleryModel."""
        ...

    def drop_negative(self, person_id: str, number: int) -> None:
        """Take a correction back; nothing happens where the person has none of that number. Raises PersonUnknown."""
        ...

    def add_answer(self, vector: Floats, person_id: str | None, score: float) -> None:
        """Keep an answer for replay, where the policy keeps any; every change drops those past their days."""
        ...


class Records(Protocol):
    """People, templates, consent and history: the truth. Safe to use from several threads and processes.

    Any method may raise GalleryDamaged (a row fails its authentication, a file is corrupt).
    """

    @property
    def info(self) -> GalleryInfo:
        """Identity, embedder and policy of the gallery."""
        ...

    def write(self) -> AbstractContextManager[Writing]:
        """One atomic and durable transaction; several operations in it are a batch.

        Raises GalleryBusy, GalleryReadOnly, GalleryFull.
        """
        ...

    def people(self) -> Iterator[Person]:
        """Everybody, in order of enrolment."""
        ...

    def person(self, person_id: str) -> Person:
        """One person. Raises PersonUnknown."""
        ...

    def find(self, text: str) -> list[Person]:
        """People whose id, external id or name is `text` (names without regard to case and spacing)."""
        ...

    def templates(self, person_id: str) -> list[Template]:
        """A person's templates with crops, the oldest first. Raises PersonUnknown."""
        ...

    def negatives(self, person_id: str | None = None) -> list[Negative]:
        """Corrections of one person or of all."""
        ...

    def history(self, person_id: str | None = None) -> list[Event]:
        """What happened, to one person or at all, the oldest first."""
        ...

    def answers(self) -> list[PastAnswer]:
        """Answers kept for replay, the oldest first."""
        ...

    def seq(self) -> int:
        """Number of the last change; cheap enough to ask before every search."""
        ...

    def changes(self, after: int) -> list[Change]:
        """Whom the changes after number `after` touched, each person once, by rising number."""
        ...

    def scan(self) -> Iterator[StoredVectors]:
        """All vectors in batches of whole people, for building an index.

        Batches are read one after the other: note `seq` before, and apply `changes` since then afterwards.
        """
        ...

    def verify(self) -> list[str]:
        """Check every row, key and file; a sentence for each thing that is wrong, so that empty is good."""
        ...

    def backup(self, to: Path) -> None:
        """Write an encrypted copy of the records, without keys, to the new file `to`. Raises GalleryExists."""
        ...

    def close(self) -> None:
        """Let go of files; using the records afterwards raises GalleryError."""
        ...
