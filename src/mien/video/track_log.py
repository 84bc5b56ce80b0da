"""What is remembered of one track while it lasts, and what it comes to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mien.attention.meter import AttentionMeter
from mien.attention.policy import Sign
from mien.expression.sequence import SequenceExpression
from mien.face import NOT_ASKED, Embedding, FaceMesh, NotAsked, Quality
from mien.track.tracker import Seen
from mien.video.expression_log import ExpressionLog
from mien.video.face_work import FaceResult, Work
from mien.video.identity import IdentityJudge
from mien.video.moment import Shot, TrackedFace, TrackIdentity, TrackSummary, VideoEvent
from mien.video.policy import VideoPolicy

# The first shots of a track come so fast, in seconds from its start, until one every `shot_seconds`.
FIRST_SHOTS: Final = (0.0, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Judges:
    """What a track is judged by; None where that was not asked for."""

    sequence: SequenceExpression | None
    identity: IdentityJudge | None
    policy: VideoPolicy
    attention: bool


@dataclass(slots=True)
class Schedule:
    """When a track's face is looked at next; by the time of its frames alone, so that a file always gives the same."""

    policy: VideoPolicy
    start_seconds: float
    _expressed: float = -np.inf
    _shots: int = 0
    _shot: float = -np.inf

    def due(self, time_seconds: float, stretch: float = 1.0) -> Work:
        """What is due now. stretch: from 1 on, how many times rarer than the policy says."""
        since = time_seconds - self.start_seconds
        expression = time_seconds - self._expressed >= self.policy.expression_seconds * stretch - 1e-6
        if self._shots < len(FIRST_SHOTS):
            shot = since >= FIRST_SHOTS[self._shots] - 1e-6
        else:
            shot = time_seconds - self._shot >= self.policy.shot_seconds * stretch - 1e-6
        if expression:
            self._expressed = time_seconds
        if shot:
            self._shots, self._shot = self._shots + 1, time_seconds
        return Work(stretch < 2 or expression, expression, shot)


@dataclass(slots=True)
class TrackLog:
    """State of one track; used by one thread, frame after frame."""

    track: int
    start_seconds: float
    judges: Judges
    frames: int = 0
    last_seconds: float = 0.0
    shots: list[Shot] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _meter: AttentionMeter = field(init=False)
    _expression: ExpressionLog = field(init=False)
    _identity: TrackIdentity | NotAsked | None = NOT_ASKED

    def __post_init__(self) -> None:
        self._meter = AttentionMeter(self.judges.policy.attention)
        self.last_seconds = self.start_seconds
        self._expression = ExpressionLog(self.judges.sequence)
        if self.judges.identity:
            self._identity = None

    def update(self, time_seconds: float, seen: Seen, result: FaceResult) -> tuple[TrackedFace, list[VideoEvent]]:
        """Take in one frame's result."""
        events = [*self._express(time_seconds, seen, result), *self._attend(time_seconds, seen, result)]
        if result.picture is not None:
            events += self._recognise(time_seconds, result)
        self.frames += not seen.predicted
        self.last_seconds = time_seconds
        attention = self._meter.window() if self.judges.attention else NOT_ASKED
        shown = TrackedFace(self.track, seen.predicted, result.face, self._expression.now, self._identity, attention)
        self._count(events)
        return shown, events

    def started(self, time_seconds: float, returned: bool) -> VideoEvent:
        """The event of its start, or of its coming back."""
        return VideoEvent("track_start", time_seconds, self.track, {"returned": returned})

    def last_signs(self) -> list[VideoEvent]:
        """What still lasted when the face was gone."""
        found = [_event_of(self.track, sign) for sign in self._meter.end()] if self.judges.attention else []
        self._count(found)
        return found

    def forget_pictures(self) -> None:
        """Keep numbers alone."""
        self.shots = []
        self._expression.forget()

    def ended(self) -> VideoEvent:
        """The event of its end."""
        identity = self._identity.to_dict() if isinstance(self._identity, TrackIdentity) else None
        detail = {"start_seconds": self.start_seconds, "frames": self.frames, "identity": identity}
        return VideoEvent("track_end", self.last_seconds, self.track, detail)

    def summary(self) -> TrackSummary:
        """What it comes to."""
        return TrackSummary(
            self.track,
            self.start_seconds,
            self.last_seconds,
            self.frames,
            self._identity,
            self._expression.shares(),
            self._meter.whole() if self.judges.attention else NOT_ASKED,
            dict(self._counts),
            tuple(self.shots),
            self._expression.overall(),
        )

    def _count(self, events: list[VideoEvent]) -> None:
        """Shut eyes are told twice, when they are certain and when they are over, and count once."""
        over = (event.kind for event in events if event.kind != "eyes_shut" or event.detail["ended"])
        self._counts.update(over)

    def _express(self, time_seconds: float, seen: Seen, result: FaceResult) -> list[VideoEvent]:
        change = self._expression.update(time_seconds, not seen.predicted, result)
        if change is None:
            return []
        return [VideoEvent("expression", time_seconds, self.track, {"label": change[0], "was": change[1]})]

    def _attend(self, time_seconds: float, seen: Seen, result: FaceResult) -> list[VideoEvent]:
        mesh = result.face.landmark
        if not self.judges.attention or (isinstance(mesh, NotAsked) and not seen.predicted):
            return []
        signs = self._meter.update(time_seconds, mesh if isinstance(mesh, FaceMesh) else None)
        return [_event_of(self.track, sign) for sign in signs]

    def _recognise(self, time_seconds: float, result: FaceResult) -> list[VideoEvent]:
        """Keep the picture where it is among the best, and ask who it is with one shot more."""
        face, judge = result.face, self.judges.identity
        score = face.quality.score if isinstance(face.quality, Quality) else float("nan")
        assert result.picture is not None
        self._keep(Shot(time_seconds, score, result.picture))
        if judge is None or not isinstance(face.embedding, Embedding):
            return []
        judge.add(self.track, face.embedding, score)
        found, before = judge.verdict(self.track), self._identity
        self._identity = found if found is not None else before
        if found is None or (isinstance(before, TrackIdentity) and _same(before, found)):
            return []
        detail = {"answer": found.answer, "person_id": found.person_id, "name": found.name}
        return [VideoEvent("identity", time_seconds, self.track, detail)]

    def _keep(self, shot: Shot) -> None:
        self.shots.append(shot)
        self.shots.sort(key=lambda one: -np.nan_to_num(one.quality, nan=-1.0))
        del self.shots[self.judges.policy.shots :]


def _same(one: TrackIdentity, other: TrackIdentity) -> bool:
    return (one.answer, one.person_id, one.name) == (other.answer, other.person_id, other.name)


def _event_of(track: int, sign: Sign) -> VideoEvent:
    return VideoEvent(
        sign.kind, sign.time_seconds, track, {"duration_seconds": sign.duration_seconds, "ended": sign.ended}
    )
