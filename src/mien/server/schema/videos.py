"""Videos as jobs, and what comes of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mien.server.schema.analysis import Named, Share
from mien.server.schema.page import moment_of
from mien.server.schema.tracks import Attention, Happening, Identity, StageName
from mien.server.schema.wire import Wire

if TYPE_CHECKING:
    from mien.server.state import jobs as records


class JobTrouble(Wire):
    """Why a video came to nothing. code: stable, as docs/errors.md lists them."""

    code: str = Field(examples=["video-format"])
    cause: str
    cure: str


class Job(Wire):
    """A video that was uploaded. progress: 0..1. moments_per_second: how fast it goes. tries: how often it was begun.

    Results are there once the state is done.
    """

    id: str = Field(examples=["mfrggzdfmztwq2lknnwg23tpoa"])
    name: str = Field(examples=["talk.mp4"])
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: Share
    moments_per_second: float | None
    frames: int
    bytes: int
    tries: int
    stages: list[StageName] | None = Field(description="Null: all that the service has.")
    identify: bool
    annotate: bool
    fpir: Share
    cancel_asked: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    trouble: JobTrouble | None

    @classmethod
    def of(cls, job: records.Job) -> Job:
        """A record as it is sent."""
        moments = {name: moment_of(getattr(job, name)) for name in ("started_at", "ended_at")}
        return cls.model_validate(
            {name: getattr(job, name) for name in ("id", "name", "progress", "moments_per_second", "frames", "bytes")}
            | {"state": job.state.value, "tries": job.tries, "cancel_asked": job.cancel}
            | {"stages": None if job.asked.stages is None else list(job.asked.stages), "fpir": job.asked.fpir}
            | {"identify": job.asked.identify, "annotate": job.asked.annotate}
            | {"created_at": moment_of(job.created_at), "trouble": dict(job.trouble) if job.trouble else None}
            | moments
        )


class VideoSourceInfo(Wire):
    """The video as its container describes it."""

    name: str
    kind: str
    width: int
    height: int
    frames_per_second: float | None
    duration_seconds: float | None
    live: bool


class TrackSummary(Wire):
    """A track as a whole. expressions: by label, the share of its time. counts: of each kind of event."""

    track: int
    start_seconds: float
    end_seconds: float
    frames: int
    identity: Identity
    expressions: dict[str, float]
    attention: Attention
    counts: dict[str, int]
    overall: Named


class VideoSummary(Wire):
    """What the video comes to. models: by stage."""

    source: VideoSourceInfo
    frames: int
    dropped: int
    seconds_analyzed: float
    tracks: list[TrackSummary]
    models: dict[str, str]
    width: int
    height: int
    delay_seconds: float | None
    unreadable: int
    tracks_left_out: int


class Points(Wire):
    """Means over equally long bins from start_seconds on; null where a value was not known.

    values: by name; of a track the probability of each expression, `eyes` and `mouth` (openness) and `yaw` (degrees),
    of the whole video `people` (faces in view).
    """

    start_seconds: float
    bin_seconds: float = Field(gt=0)
    values: dict[str, list[float | None]]


class TrackTimeline(Points):
    """The points of one track; of very many tracks the shortest have none."""

    track: int


class VideoResult(Wire):
    """The result of a video for programs that draw it. events: without blinks, the latest 2,000."""

    summary: VideoSummary
    timelines: list[TrackTimeline]
    people: Points | None
    events: list[Happening]
    events_left_out: int
