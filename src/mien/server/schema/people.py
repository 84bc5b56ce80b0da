"""People, their photos and their corrections: what is sent and what is answered."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mien.gallery.people import PERSON_ID, Event, Negative, Profile, Template
from mien.gallery.people import Consent as ConsentRecord
from mien.gallery.people import Person as PersonRecord
from mien.record import plain
from mien.server.problem import Problem
from mien.server.schema.wire import Asked, Rate, Uncalibrated, Wire

if TYPE_CHECKING:
    from mien.gallery.enrol import Enrolment as Enrolled
    from mien.gallery.identify import Replayed

MOST_PHOTOS: Final = 10
MOST_LABELS: Final = 100
# Controls, halves of pairs, and ends of lines; joiners, which some languages need in names, are not among them.
UNSAID: Final = ("Cc", "Cs", "Zl", "Zp")


def _no_id(text: str) -> str:
    """A name that is somebody's id would take that person's place wherever one is looked up by either."""
    if PERSON_ID.fullmatch(text):
        raise ValueError("looks like the id of a person")
    return text


def _says_something(text: str) -> str:
    if not text.strip() or any(unicodedata.category(letter) in UNSAID for letter in text):
        raise ValueError("must have a letter, and no control characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_says_something)]
Name = Annotated[Text, AfterValidator(_no_id)]
Labels = Annotated[list[Text], Field(max_length=MOST_LABELS)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsentIn(_Sent):
    """Who agreed, to what purpose, how (a form, a click), when (now, where left out) and until when."""

    given_by: Text = Field(examples=["Anna Weber"])
    purpose: Annotated[Text, Field(max_length=1000)] = Field(examples=["Opening the door of the workshop"])
    how: Annotated[Text, Field(max_length=1000)] = Field(examples=["Signed form, folder 12"])
    given_at: AwareDatetime | None = Field(default=None, examples=["2026-05-04T09:00:00+02:00"])
    until: AwareDatetime | None = Field(default=None, examples=["2027-05-04T00:00:00+02:00"])

    def record(self) -> ConsentRecord:
        """As the gallery has it."""
        given_at = (self.given_at or datetime.now(UTC)).astimezone(UTC)
        until = self.until.astimezone(UTC) if self.until else None
        return ConsentRecord(self.given_by, given_at, self.purpose, self.how, until)


class PersonIn(_Sent):
    """Who is enrolled. allow_duplicate: though somebody enrolled looks like them; allow_unlike: though photos differ.

    Both are for an operator who has looked.
    """

    name: Name = Field(examples=["Anna Weber"])
    external_id: Name | None = Field(default=None, examples=["4711"], description="The number in another system.")
    tags: Labels = Field(default_factory=list)
    groups: Labels = Field(default_factory=list, examples=[["night shift"]])
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    consent: ConsentIn | None = None
    allow_duplicate: bool = False
    allow_unlike: bool = False

    def profile(self, tenant: str) -> Profile:
        """As the gallery has it."""
        return Profile(
            name=self.name,
            external_id=self.external_id,
            tags=tuple(self.tags),
            groups=tuple(self.groups),
            tenant=tenant,
            valid_from=_utc(self.valid_from),
            valid_until=_utc(self.valid_until),
            consent=self.consent.record() if self.consent else None,
        )


class PersonChange(_Sent):
    """Only what is named is changed; null clears a field, tags and groups replace those that were there."""

    name: Name | None = Field(default=None, examples=["Anna Berg"])
    external_id: Name | None = None
    tags: Labels | None = None
    groups: Labels | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    consent: ConsentIn | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> PersonChange:
        if "name" in self.model_fields_set and self.name is None:
            raise ValueError("name: cannot be cleared")
        return self

    def fields(self) -> dict[str, Any]:
        """As `Gallery.change` takes them."""
        sent: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in sent.items():
            if name in ("tags", "groups"):
                sent[name] = tuple(value or ())
            elif isinstance(value, ConsentIn):
                sent[name] = value.record()
            elif isinstance(value, datetime):
                sent[name] = _utc(value)
        return sent


class PeopleQuery(Asked):
    """Which people, and which page of them."""

    q: str = Field(default="", max_length=200, description="Part of a name or external id.")
    group: str | None = Field(default=None, max_length=200)
    tag: str | None = Field(default=None, max_length=200)
    cursor: str = Field(default="", max_length=200, description="`next` of the page before; empty for the first.")
    limit: int = Field(default=50, ge=1, le=200, description="Items of a page.")


class AllowQuery(Asked):
    """For an operator who has looked."""

    allow_duplicate: bool = Field(default=False, description="Though somebody else enrolled looks like them.")
    allow_unlike: bool = Field(default=False, description="Though they do not look like the person's other photos.")


class MergeIn(_Sent):
    """into: the person who stays, with the best photos of both."""

    into: str = Field(pattern="^[a-z2-7]{26}$", examples=["abcdefghijklmnopqrstuvwxyz"])


class Consent(Wire):
    """As it was given."""

    given_by: str
    given_at: datetime
    purpose: str
    how: str
    until: datetime | None


class Person(Wire):
    """One person. seq: number of the last change, which is the ETag. expired: the consent has run out."""

    id: str = Field(pattern="^[a-z2-7]{26}$", examples=["abcdefghijklmnopqrstuvwxyz"])
    name: str
    external_id: str | None
    tags: list[str]
    groups: list[str]
    valid_from: datetime | None
    valid_until: datetime | None
    consent: Consent | None
    expired: bool
    created_at: datetime
    n_templates: int = Field(ge=0)
    seq: int = Field(ge=0)


class People(Wire):
    """One page, in order of enrolment. next: the cursor of the next page; null: this is the last."""

    items: list[Person]
    next: str | None
    total: int = Field(description="Of all pages, as it is now.")


class JudgedPhoto(Wire):
    """What became of one photo. kept: whether a template of it is stored. reasons: why it was refused.

    code: ok; surplus (fit, and not needed); copy (of one on record); unfit, duplicate, unlike, no-single-face, or an
    image error's.
    lookalikes: ids of people whom it looks like.
    """

    source: str = Field(examples=["photo 1"])
    kept: bool
    reasons: list[str]
    notes: list[str]
    code: str = Field(examples=["ok"])
    lookalikes: list[str]


class Enrolment(Wire):
    """The person as stored, and what became of each photo."""

    person: Person
    photos: list[JudgedPhoto]


class EnrolmentProblem(Problem):
    """Nothing was stored; photos: what speaks against each."""

    photos: list[JudgedPhoto] = Field(default_factory=list)


class TemplateInfo(Wire):
    """One photo on record. quality: 0..100, null: unknown."""

    id: int = Field(ge=1)
    quality: float | None
    source: str
    added_at: datetime
    has_crop: bool


class Templates(Wire):
    """All of one person, the oldest first."""

    items: list[TemplateInfo]


class HistoryEvent(Wire):
    """One line of the history. kind: enrol, add, rename, change, merge, remove, correct, withdraw, drop_template..."""

    seq: int
    at: datetime
    kind: str
    person_id: str | None
    detail: dict[str, str]


class History(Wire):
    """What happened to one person, the oldest first."""

    items: list[HistoryEvent]


class Counts(Wire):
    """How many of each were deleted."""

    templates: int
    crops: int
    events: int
    negatives: int
    answers: int


class Receipt(Wire):
    """Proof of a removal, signed by the gallery, free of personal data: `mien gallery verify --receipt` checks it.

    videos: whose results named the person and were deleted; not part of what is signed.
    """

    gallery_id: str
    person_sha256: str
    at: datetime
    seq: int
    counts: Counts
    signature: str
    format: str
    videos: int = Field(default=0, ge=0)


class Correction(Wire):
    """ "Not this person": a face that looked like somebody and is not. by: who said so."""

    id: int
    at: datetime
    by: str


class Corrections(Wire):
    """All of one person, the oldest first."""

    items: list[Correction]


class ChangedAnswer(Wire):
    """A past answer that the correction changes, and what it becomes."""

    at: datetime
    score: float
    was: str = Field(description="Id of the person who was named.")
    answer: Literal["person", "unknown", "inconclusive"]
    person_id: str | None
    now_score: float | None
    fpir: Rate | Uncalibrated | None


class CorrectionAnswer(Wire):
    """stored: false for a dry run. correction: null for a dry run. answers_kept_days: 0: no answers are kept, so that
    none can be replayed.
    """

    stored: bool
    correction: Correction | None
    changes: list[ChangedAnswer]
    answers_kept_days: int


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def person_fields(person: PersonRecord) -> dict[str, Any]:
    """One person of an answer."""
    profile = person.profile
    until = profile.consent.until if profile.consent else None
    return {
        "id": person.id,
        "name": profile.name,
        "external_id": profile.external_id,
        "tags": list(profile.tags),
        "groups": list(profile.groups),
        "valid_from": plain(profile.valid_from),
        "valid_until": plain(profile.valid_until),
        "consent": plain(profile.consent),
        "expired": until is not None and until <= datetime.now(UTC),
        "created_at": plain(person.created_at),
        "n_templates": person.n_templates,
        "seq": person.seq,
    }


def enrolment_fields(person: PersonRecord, enrolled: Enrolled) -> dict[str, Any]:
    """An enrolment's answer."""
    return {"person": person_fields(person), "photos": [plain(photo) for photo in enrolled.photos]}


def template_fields(template: Template) -> dict[str, Any]:
    """One template of an answer: never its vector."""
    return {
        "id": template.id,
        "quality": plain(template.quality),
        "source": template.source,
        "added_at": plain(template.added_at),
        "has_crop": template.crop is not None,
    }


def history_fields(events: Iterable[Event]) -> dict[str, Any]:
    """A history's answer."""
    return {"items": [plain(event) for event in events]}


def correction_fields(negative: Negative) -> dict[str, Any]:
    """One correction of an answer: never its vector."""
    return {"id": negative.id, "at": plain(negative.at), "by": negative.by}


def changed_fields(replayed: Replayed) -> dict[str, Any]:
    """One past answer of a dry run."""
    return {
        "at": plain(replayed.answer.at),
        "score": plain(replayed.answer.score),
        "was": replayed.answer.person_id,
        "answer": plain(replayed.now.answer),
        "person_id": replayed.now.person_id,
        "now_score": plain(replayed.now.score),
        "fpir": plain(replayed.now.fpir),
    }


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model without references, for the part of a form that is JSON."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, Mapping):
            if name := str(node.get("$ref", "")).removeprefix("#/$defs/"):
                return resolve(definitions[name])
            return {key: resolve(item) for key, item in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
