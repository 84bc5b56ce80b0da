"""The nouns of a gallery: frozen, without logic. Every datetime is aware and in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mien.record import Record

if TYPE_CHECKING:
    from mien.face import Floats

PERSON_ID: Final = re.compile(r"\b[a-z2-7]{26}\b")


@dataclass(frozen=True, slots=True)
class Consent(Record):
    """Who agreed, when, to what purpose, how (a form, a click), and until when (None: until withdrawn)."""

    given_by: str
    given_at: datetime
    purpose: str
    how: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Profile(Record):
    """What the operator says about a person; all of it is encrypted under the person's own key.

    external_id: the person's number in another system. tenant: whose person it is where several share one gallery.
    valid_from, valid_until: when the person may be recognised; None leaves that side open.
    """

    name: str
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tenant: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Person(Record):
    """One person on record.

    id: 26 characters of base32 (16 random bytes), opaque and never reused. seq: the number of the last change of the
    person.
    """

    id: str
    profile: Profile
    created_at: datetime
    n_templates: int
    seq: int


@dataclass(frozen=True, slots=True, eq=False)
class Template(Record):
    """One face of a person as the embedder sees it.

    vector: (D,) float32, unit length, as the embedder made it. quality: 0..100, NaN where unknown. source: what the
    operator called the photo, such as a file name. crop: JPEG of the aligned face, only where the policy keeps crops.
    id: 0 before it is stored, then unique in the gallery.
    """

    vector: Floats
    quality: float
    source: str
    added_at: datetime
    crop: bytes | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Event(Record):
    """One line of the history.

    kind: enrol, add, rename, change, merge, remove, correct, withdraw, drop_template, rekey, import or restore. detail:
    empty once the person is removed; only what happened and when stays.
    """

    seq: int
    at: datetime
    kind: str
    person_id: str | None
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Negative(Record):
    """ "Not this person": a probe that looked like `person_id` and is not. vector: (D,) float32; by: who said so."""

    id: int
    person_id: str
    vector: Floats
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, eq=False)
class PastAnswer(Record):
    """What the gallery once answered, kept only where the policy keeps answers.

    vector: the probe, (D,) float32. person_id: None for "unknown". score: the cosine of the best hit.
    """

    id: int
    at: datetime
    vector: Floats
    person_id: str | None
    score: float
