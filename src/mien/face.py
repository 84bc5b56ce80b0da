"""The nouns that every stage speaks: frozen, without logic.

Pixels: x right, y down, the origin at the top-left corner of the upright image, so that pixel (0, 0) covers
[0, 1) x [0, 1). Arrays inside are read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from mien.record import Record

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class NotAsked(Record):
    """The stage was not among those asked for."""

    status: ClassVar[str] = "not_asked"


@dataclass(frozen=True, slots=True)
class Failed(Record):
    """The stage ran and could not answer; `reason` is for a person, `code` for a program."""

    status: ClassVar[str] = "failed"
    code: str
    reason: str


NOT_ASKED: Final = NotAsked()


@dataclass(frozen=True, slots=True)
class Box(Record):
    """A rectangle in pixels of the full upright image; it may reach over the image's edge."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Detection(Record):
    """One face as found: `score` in 0..1, `landmarks` (5, 2) float32 px.

    The score is the highest belief of the looks at the face; a close-up that is alone in its photo may fall short of
    the policy's `min_score`.
    The five points are, in order: right eye, left eye, nose tip, right and left corner of the mouth; right and left are
    the person's own, so that in a mirror-free photo the right eye has the smaller x.
    """

    box: Box
    score: float
    landmarks: Floats


@dataclass(frozen=True, slots=True)
class HeadPose(Record):
    """Head rotation in degrees, right-handed about the camera's axes (x right, y down, z away from the camera).

    All zero looks straight into the lens. yaw_degrees > 0: the face turns towards the image's left (the person's own
    right). pitch_degrees > 0: it looks down. roll_degrees > 0: it tilts clockwise in the image. `landmark.pose` has
    the order of the rotations.
    """

    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float


@dataclass(frozen=True, slots=True)
class Eyes(Record):
    """Openness is the lid gap over the eye's width: about 0.1 shut, 0.36 open. Gaze is relative to the head.

    Signs are those of `HeadPose`: gaze_yaw_degrees > 0 looks towards the image's left, gaze_pitch_degrees > 0 down.
    """

    right_openness: float
    left_openness: float
    gaze_yaw_degrees: float
    gaze_pitch_degrees: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh(Record):
    """The landmark stage's result.

    points: (468, 3) float32, px of the full image; z in the same unit, smaller is nearer to the camera.
    irises: (2, 5, 2) float32 px: right then left; centre, then four points on the rim.
    presence: 0..1, the mesh network's own belief that there is a face in its crop, the lower of two passes.
    mouth_openness: the gap between the inner lips over the mouth's width.
    """

    status: ClassVar[str] = "ok"
    points: Floats
    irises: Floats
    presence: float
    pose: HeadPose
    eyes: Eyes
    mouth_openness: float


@dataclass(frozen=True, slots=True)
class Measure(Record):
    """One component of quality: `value` in `unit`, good from `low` to `high` (None: no limit on that side)."""

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Quality(Record):
    """`score` 0 (useless) to 100 (a passport photo); `measures` say why."""

    status: ClassVar[str] = "ok"
    score: float
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Embedding(Record):
    """vector: (D,) float32 of unit length; `model` is the card's id: two models never compare."""

    status: ClassVar[str] = "ok"
    vector: Floats
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class Expression(Record):
    """What the face appears to show; never a claim about what the person feels.

    label: the likeliest class, or `unsure` where none reaches the confidence asked for. confidence: the likeliest
    class's calibrated probability. probabilities: by class, 0..1, summing to 1. classes: the vocabulary, `ferplus`
    (eight classes, as ten people would name the face) or `fer2013` (seven). `model` is the card's id.
    """

    status: ClassVar[str] = "ok"
    label: str
    confidence: float
    probabilities: Mapping[str, float]
    classes: str
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class Face(Record):
    """One face with a result per stage, or `NotAsked`, or `Failed`: three different values."""

    detection: Detection
    landmark: FaceMesh | NotAsked | Failed = NOT_ASKED
    quality: Quality | NotAsked | Failed = NOT_ASKED
    embedding: Embedding | NotAsked | Failed = NOT_ASKED
    expression: Expression | NotAsked | Failed = NOT_ASKED


@dataclass(frozen=True, slots=True, eq=False)
class Analysis(Record):
    """What was found in one image: its upright size in pixels, and its faces, the largest first."""

    width: int
    height: int
    faces: tuple[Face, ...] = field(default=())
