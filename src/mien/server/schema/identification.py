"""Who the faces of a photo are, as docs/identification.schema.json has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from mien.record import plain
from mien.server.schema.analysis import Detection
from mien.server.schema.wire import Asked, Failed, Rate, Uncalibrated, Wire

if TYPE_CHECKING:
    from mien.gallery.asking import Sighting

MOST_CANDIDATES: Final = 20


class IdentifyQuery(Asked):
    """How a gallery is asked."""

    fpir: float | None = Field(default=None, gt=0, lt=1, description="As in the preferences, where left out.")
    top: int = Field(default=1, ge=1, le=MOST_CANDIDATES, description="Candidates listed for each face.")
    groups: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=100, description="Repeatable: people of any of these alone."
    )
    why: str = Field(default="", max_length=500, description="For the audit log; the preferences may demand it.")


class Candidate(Wire):
    """One of the people found. not_this: a correction says that the face is somebody else's."""

    person_id: str
    score: float
    fpir: Rate | Uncalibrated
    not_this: bool


class Identification(Wire):
    """Who it is, and what that rests on. fpir: the share of strangers called a person, were this score enough."""

    answer: Literal["person", "unknown", "inconclusive"]
    person_id: str | None
    score: float | None
    threshold: float | None
    fpir: Rate | Uncalibrated | None
    asked_fpir: float
    margin: float | None = Field(description="To the next person; null: there is no other.")
    candidates: list[Candidate]
    calibration_id: str | None
    based_on: str
    reasons: list[str] = Field(min_length=1)


class NamedPerson(Wire):
    """Who it is."""

    id: str
    name: str


class IdentifiedFace(Wire):
    """One face. quality: 0..100, null: unknown. names: by id, of candidates and of whom reasons name."""

    detection: Detection
    quality: float | None = Field(ge=0, le=100)
    answer: Literal["person", "unknown", "inconclusive"]
    person: NamedPerson | None
    names: dict[str, str]
    identification: Identification | Failed


class Identifications(Wire):
    """The faces of a photo, the largest first."""

    faces: list[IdentifiedFace]


def sighting_fields(sighting: Sighting) -> dict[str, Any]:
    """One face of an answer."""
    # The client has these models, and need not have what they are made of.
    from mien.face import Quality
    from mien.gallery.identify import Identification as Identified

    found, quality = sighting.identification, sighting.face.quality
    known = found.person_id if isinstance(found, Identified) else None
    return {
        "detection": plain(sighting.face.detection),
        "quality": plain(quality.score) if isinstance(quality, Quality) else None,
        "answer": plain(found.answer) if isinstance(found, Identified) else "inconclusive",
        "person": {"id": known, "name": sighting.names.get(known, "")} if known else None,
        "names": dict(sighting.names),
        "identification": plain(found),
    }
