"""What is known at one frame, and of a whole video: the nouns between the loop and the sinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.attention.window import AttentionWindow
from mien.face import NOT_ASKED, Expression, Face, Failed, NotAsked, Pixels
from mien.record import Record
from mien.video.frame import SourceInfo


@dataclass(frozen=True, slots=True)
class VideoEvent(Record):
    """Something that happened.

    kind: track_start, track_end, identity, expression, blink, eyes_shut, yawn, look_away, look_back or gap.
    time_seconds: when it began. track: whose, None where it is the source's. detail: what belongs to the kind, plain
    values: of an expression `label` and `was`; of a blink, eyes_shut, yawn, look_away, look_back or gap
    `duration_seconds`, and of all but a gap `ended`, False where it lasts on; of an identity `answer`, `person_id` and
    `name`; of a track_start `returned`; of a track_end `start_seconds`, `frames` and `identity`. Shut eyes are told
    twice, when they are certain and when they are over.
    """

    kind: str
    time_seconds: float
    track: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackIdentity(Record):
    """Who a track shows, by all its good face shots together.

    answer: person, unknown or inconclusive. score: of all shots, less what they differ (`docs/track.md`), so lower than
    single ones may be. fpir: the rate asked for. shots: how many were fused. reasons: for people. mentions: ids of
    everybody whom the reasons name, whatever the answer.
    """

    answer: str
    person_id: str | None
    name: str | None
    score: float | None
    fpir: float
    shots: int
    reasons: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace(Record):
    """One face of one frame.

    track: the number of its track, from 1. predicted: nothing was found in this frame; the box is where motion says.
    face: the detection and what was asked of this very frame. expression: the sequence model's word, of everything up
    to now. identity: None while it is not known yet. attention: over the last seconds.
    """

    track: int
    predicted: bool
    face: Face
    expression: Expression | NotAsked | Failed = NOT_ASKED
    identity: TrackIdentity | NotAsked | None = NOT_ASKED
    attention: AttentionWindow | NotAsked = NOT_ASKED


@dataclass(frozen=True, slots=True, eq=False)
class Moment(Record):
    """What is known at one frame: `index`, `time_seconds`, `gap_seconds` and `dropped` are those of the `Frame`.

    width, height: of the picture in px. events: those that became certain with this frame; they may have begun earlier.
    """

    index: int
    time_seconds: float
    width: int
    height: int
    faces: tuple[TrackedFace, ...] = ()
    events: tuple[VideoEvent, ...] = ()
    gap_seconds: float = 0.0
    dropped: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A good picture of a track's face: pixels (S, S, 3) uint8 RGB, quality 0..100, NaN where it was not measured."""

    time_seconds: float
    quality: float
    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class TrackSummary(Record):
    """A track as a whole.

    frames: in which its face was found. expressions: by label, the share of its time, 0..1; `unsure` among them.
    shots: the best pictures first; left out of dictionaries and JSON by the sinks. attention: of its whole length.
    counts: how often each kind of event happened. overall: the expression of the track as a whole, in which a neutral
    stretch counts less than an expression.
    """

    track: int
    start_seconds: float
    end_seconds: float
    frames: int
    identity: TrackIdentity | NotAsked | None
    expressions: Mapping[str, float]
    attention: AttentionWindow | NotAsked
    counts: Mapping[str, int]
    shots: tuple[Shot, ...] = ()
    overall: Expression | NotAsked = NOT_ASKED


@dataclass(frozen=True, slots=True, eq=False)
class VideoSummary(Record):
    """What a run comes to.

    models: by stage, the ids of what computed. seconds_analyzed: video time, not wall time. events: of the end itself,
    the track_end of every track that was open. delay_seconds: of a live run, the median from frame to moment.
    unreadable: damaged places of the source that were skipped. tracks_left_out: tracks of long ago, not in `tracks`.
    """

    source: SourceInfo
    frames: int
    dropped: int
    seconds_analyzed: float
    tracks: tuple[TrackSummary, ...]
    models: Mapping[str, str]
    width: int = 0
    height: int = 0
    events: tuple[VideoEvent, ...] = ()
    delay_seconds: float | None = None
    unreadable: int = 0
    tracks_left_out: int = 0
