"""What was found in one photo, as docs/analysis.schema.json has it; large arrays only where they are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from mien.record import plain
from mien.server.schema.wire import Failed, NotAsked, Wire

if TYPE_CHECKING:
    from mien import face as records

Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Degrees = Annotated[float | None, Field(ge=-180, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
MESH_ARRAYS: Final = ("points", "irises")
VECTOR: Final = ("vector",)


class Box(Wire):
    """A rectangle in pixels of the upright photo; it may reach over the edge."""

    x: float = Field(examples=[171.3])
    y: float = Field(examples=[76.9])
    width: float = Field(gt=0, examples=[104.2])
    height: float = Field(gt=0, examples=[141.0])


class Detection(Wire):
    """One face as found. landmarks: right eye, left eye, nose tip, right and left corner of the mouth, the person's."""

    box: Box
    score: Share
    landmarks: list[Point] = Field(min_length=5, max_length=5)


class HeadPose(Wire):
    """All zero looks into the lens. Positive yaw: towards the image's left; pitch: down; roll: clockwise."""

    yaw_degrees: Degrees
    pitch_degrees: Degrees
    roll_degrees: Degrees


class Eyes(Wire):
    """Openness: about 0.1 shut, 0.36 open. Gaze: relative to the head, signs as of HeadPose."""

    right_openness: float | None
    left_openness: float | None
    gaze_yaw_degrees: Degrees
    gaze_pitch_degrees: Degrees


class FaceMesh(Wire):
    """points (468 of x, y, z) and irises (right, left: the centre, four points of the rim): only with points=true."""

    status: Literal["ok"]
    points: list[list[float]] | None = Field(default=None, min_length=468, max_length=468)
    irises: list[list[Point]] | None = Field(default=None, min_length=2, max_length=2)
    presence: Share
    pose: HeadPose
    eyes: Eyes
    mouth_openness: float | None


class Measure(Wire):
    """One component of quality: good from low to high, null: no limit on that side."""

    name: str = Field(examples=["sharpness"])
    value: float | None
    unit: str
    low: float | None
    high: float | None
    passed: bool
    reason: str = Field(min_length=1)


class Quality(Wire):
    """score: 0 (useless) to 100 (a passport photo); the measures say why."""

    status: Literal["ok"]
    score: float = Field(ge=0, le=100, examples=[82.4])
    measures: list[Measure]


class Embedding(Wire):
    """model: vectors of two models never compare. vector: only with vectors=true."""

    status: Literal["ok"]
    vector: list[float] | None = None
    model: str = Field(min_length=1)


class Expression(Wire):
    """What the face appears to show; nothing of what the person feels. label: `unsure` where nothing is sure."""

    status: Literal["ok"]
    label: str = Field(min_length=1, examples=["happiness"])
    confidence: Share
    probabilities: dict[str, Share]
    classes: str = Field(min_length=1, examples=["ferplus"])
    model: str = Field(min_length=1)


Mesh: TypeAlias = Annotated[FaceMesh | Failed | NotAsked, Field(discriminator="status")]
Judged: TypeAlias = Annotated[Quality | Failed | NotAsked, Field(discriminator="status")]
Embedded: TypeAlias = Annotated[Embedding | Failed | NotAsked, Field(discriminator="status")]
Named: TypeAlias = Annotated[Expression | Failed | NotAsked, Field(discriminator="status")]


class Face(Wire):
    """One face with a result for each stage."""

    detection: Detection
    landmark: Mesh
    quality: Judged
    embedding: Embedded
    expression: Named


class Analysis(Wire):
    """The photo's upright size in pixels, and its faces, the largest first."""

    width: int = Field(ge=1, examples=[640])
    height: int = Field(ge=1, examples=[480])
    faces: list[Face]


def analysis_fields(analysis: records.Analysis, points: bool = False, vectors: bool = False) -> dict[str, Any]:
    """As `Analysis.to_dict`, without the points of meshes and the vectors of embeddings where they are not wanted."""
    return {
        "width": analysis.width,
        "height": analysis.height,
        "faces": [face_fields(face, points, vectors) for face in analysis.faces],
    }


def face_fields(face: records.Face, points: bool = False, vectors: bool = False) -> dict[str, Any]:
    """As `Face.to_dict`, likewise."""
    return {
        "detection": plain(face.detection),
        "landmark": _without(face.landmark, () if points else MESH_ARRAYS),
        "quality": plain(face.quality),
        "embedding": _without(face.embedding, () if vectors else VECTOR),
        "expression": plain(face.expression),
    }


def _without(record: Any, names: Collection[str]) -> dict[str, Any]:
    """A result of a stage without some of its fields, which are never converted."""
    left = (item.name for item in fields(record) if item.name not in names)
    return {"status": record.status} | {name: plain(getattr(record, name)) for name in left}
