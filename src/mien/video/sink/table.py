"""A row for each face of each frame, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from mien.expression.classes import FER2013, FERPLUS
from mien.face import FaceMesh, Failed, NotAsked, Quality
from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, TrackedFace, TrackIdentity, VideoSummary
from mien.video.sink.files import GrowingFile
from mien.video.sink.words import expression_of

# Every class of both vocabularies: a table's columns do not depend on what is in it.
CLASSES = tuple(dict.fromkeys((*FERPLUS, *FER2013)))
COLUMNS = (
    "time_seconds", "frame", "track", "x", "y", "width", "height", "score", "predicted", "quality",
    "identity", "person_id", "name", "expression", "confidence", *(f"p_{label}" for label in CLASSES),
    "right_eye_openness", "left_eye_openness", "mouth_openness", "yaw_degrees", "pitch_degrees", "roll_degrees",
    "gaze_yaw_degrees", "gaze_pitch_degrees", "eyes_shut_seconds", "looking_away_seconds",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class FrameTable:
    """A Sink: CSV in UTF-8 with a header. What was not asked for or not seen is an empty cell."""

    def __init__(self, path: Path) -> None:
        """Nothing is written before `start`."""
        self._path = path
        self._file: GrowingFile | None = None

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written."""
        self._file = GrowingFile(self._path)
        self._file.write(_csv([COLUMNS]))

    def take(self, frame: Frame, moment: Moment) -> None:
        """A frame without faces has no rows. Raises SinkError."""
        if self._file and moment.faces:
            self._file.write(_csv(_row(moment, face) for face in moment.faces))

    def finish(self, summary: VideoSummary) -> None:
        """Nothing is left to say."""

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file:
            file.close()


def _row(moment: Moment, face: TrackedFace) -> list[Any]:
    box, quality = face.face.detection.box, face.face.quality
    who = face.identity if isinstance(face.identity, TrackIdentity) else None
    return [
        _number(moment.time_seconds, 4), moment.index, face.track,
        *(_number(value, 1) for value in (box.x, box.y, box.width, box.height)),
        _number(face.face.detection.score, 3), int(face.predicted),
        _number(quality.score, 1) if isinstance(quality, Quality) else "",
        who.answer if who else "", _text(who.person_id) if who else "", _text(who.name) if who else "",
        *_expression(face), *_mesh(face), *_attention(face),
    ]  # fmt: skip


def _expression(face: TrackedFace) -> list[Any]:
    shown = expression_of(face)
    if shown is None:
        return [""] * (2 + len(CLASSES))
    known = shown.probabilities
    shares = [_number(known[label], 4) if label in known else "" for label in CLASSES]
    return [_text(shown.label), _number(shown.confidence, 4), *shares]


def _mesh(face: TrackedFace) -> list[Any]:
    mesh = face.face.landmark
    if not isinstance(mesh, FaceMesh):
        return [""] * 8
    eyes, pose = mesh.eyes, mesh.pose
    openness = [_number(value, 3) for value in (eyes.right_openness, eyes.left_openness, mesh.mouth_openness)]
    angles = (pose.yaw_degrees, pose.pitch_degrees, pose.roll_degrees, eyes.gaze_yaw_degrees, eyes.gaze_pitch_degrees)
    return [*openness, *(_number(value, 1) for value in angles)]


def _attention(face: TrackedFace) -> list[Any]:
    seen = face.attention
    if isinstance(seen, NotAsked | Failed):
        return ["", ""]
    return [_number(seen.eyes_shut_seconds, 2), _number(seen.looking_away_seconds, 2)]


def _number(value: float, digits: int) -> float | str:
    return round(float(value), digits) if isfinite(value) else ""


def _text(value: str | None) -> str:
    """As a spreadsheet shows it: what would be a formula gets an apostrophe before it."""
    text = value or ""
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
