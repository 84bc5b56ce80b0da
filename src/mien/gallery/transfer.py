"""People as lines of JSON: what `export` writes and `import` reads; also lists of people with their photos.

One object a line. `name` is needed; `external_id`, `tags`, `groups`, `tenant`, `valid_from`, `valid_until` and
`consent` as in `Profile`, times as ISO 8601 with a time zone. `templates`: objects with `vector` and, optionally,
`quality`, `source`, `added_at` and `crop` (base64 of a JPEG). `photos`: paths, relative to the file. `model`: of the
vectors; it must be the gallery's where there are templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from mien.errors import DataError
from mien.gallery.errors import GalleryError, GalleryModel
from mien.gallery.people import Consent, Person, Profile, Template
from mien.gallery.store.records import GalleryInfo
from mien.gallery.store.rules import check_consent, check_vectors
from mien.record import plain

SCHEMA: Final[Literal["mien.people/1"]] = "mien.people/1"
Text = Annotated[str, Field(min_length=1, max_length=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsentLine(_Strict):
    """As `Consent`."""

    given_by: Text
    given_at: AwareDatetime
    purpose: Text
    how: Text
    until: AwareDatetime | None = None


class TemplateLine(_Strict):
    """As `Template`."""

    vector: list[float]
    quality: float | None = Field(default=None, ge=0, le=100)
    source: str = ""
    added_at: AwareDatetime | None = None
    crop: Base64Bytes | None = None


class PersonLine(_Strict):
    """One person. `id`, `created_at` and `schema` are written and not read: who is imported gets an id of their own."""

    name: Text
    external_id: Text | None = None
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tenant: str = ""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    consent: ConsentLine | None = None
    model: str | None = None
    templates: tuple[TemplateLine, ...] = ()
    photos: tuple[str, ...] = ()
    id: str | None = None
    created_at: AwareDatetime | None = None
    schema_: Literal["mien.people/1"] = Field(default=SCHEMA, alias="schema")


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A person of a file, with templates to store as they are and photos to be judged first."""

    profile: Profile
    templates: tuple[Template, ...]
    photos: tuple[Path, ...]


def read_people(lines: Iterable[str], info: GalleryInfo, root: Path) -> Iterator[Listed]:
    """People of lines of JSON; empty lines are passed over. root: what photos are relative to.

    Errors name the line. Raises DataError where it is not as documented, ConsentMissing, GalleryModel for vectors of
    another model or length, GalleryError for vectors that are not of unit length.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _listed(_parsed(line, number), info, root, number)


def _parsed(line: str, number: int) -> PersonLine:
    try:
        return PersonLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise DataError(
            f"Line {number}, {where}: {first['msg']}.", "Mend the line; docs/gallery.md has the fields."
        ) from error


def _listed(said: PersonLine, info: GalleryInfo, root: Path, number: int) -> Listed:
    if said.templates and said.model != info.model:
        raise GalleryModel(
            f"Line {number} has templates of {said.model or 'no named model'}, the gallery's are of {info.model}.",
            "Import photos instead, or into a gallery of that model.",
        )
    consent = Consent(**dict(said.consent)) if said.consent else None
    names = ("name", "external_id", "tags", "groups", "tenant", "valid_from", "valid_until")
    profile = Profile(**{name: getattr(said, name) for name in names}, consent=consent)
    templates = tuple(_template(one) for one in said.templates)
    try:
        check_consent(consent, info.policy, datetime.now(UTC))
        check_vectors([one.vector for one in templates], info)
    except GalleryError as error:
        raise type(error)(f"Line {number}: {error.cause}", error.cure) from error
    return Listed(profile, templates, tuple(root / photo for photo in said.photos))


def _template(one: TemplateLine) -> Template:
    vector = np.array(one.vector, np.float32)
    norm = float(np.linalg.norm(vector))
    # Seven digits of text are not quite of unit length.
    vector = vector / norm if abs(norm - 1) < 1e-2 else vector
    quality = float("nan") if one.quality is None else one.quality
    return Template(vector, quality, one.source, one.added_at or datetime.now(UTC), one.crop)


def person_line(person: Person, templates: Iterable[Template], info: GalleryInfo) -> dict[str, Any]:
    """One person as `read_people` reads it."""
    profile = {name: value for name, value in plain(person.profile).items() if value not in (None, [], "")}
    stored = [
        {name: value for name, value in plain(one).items() if name != "id" and value is not None} for one in templates
    ]
    head = {"schema": SCHEMA, "id": person.id, "created_at": person.created_at.isoformat()}
    return head | profile | {"model": info.model, "templates": stored}
