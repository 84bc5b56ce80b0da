"""Who the faces of a photo are, as docs/identification.schema.json has it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mien.face import Quality
from mien.gallery.asking import Sighting
from mien.gallery.identify import Identification as Identified
from mien.record import plain
from mien.server.schema.analysis import Detection
from mien.server.schema.wire import Failed, Rate, Uncalibrated, Wire

PersonId = str


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
