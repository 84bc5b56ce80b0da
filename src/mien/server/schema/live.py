"""What goes over a live connection."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mien.server.schema.analysis import Box, Eyes, HeadPose, Named, Share
from mien.server.schema.tracks import Attention, Happening, Identity, StageName
from mien.server.schema.wire import Wire


class LiveStart(BaseModel):
    """The first message of a client.

    key: where neither a cookie nor a header says who it is. why: for the audit log.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identify: bool = False
    stages: list[StageName] | None = Field(default=None, max_length=4, description="Null: all that the service has.")
    fpir: float | None = Field(default=None, gt=0, lt=1, description="Null: as the preferences say.")
    why: str = Field(default="", max_length=500, description="Needed to identify where the preferences say so.")
    key: str | None = Field(default=None, max_length=300)


class LiveFace(Wire):
    """One face. quality: of the last look that measured it. predicted: not found now; the box is where motion says."""

    track: int
    predicted: bool
    box: Box
    score: Share
    pose: HeadPose | None
    eyes: Eyes | None
    mouth_openness: float | None
    quality: float | None = Field(ge=0, le=100)
    expression: Named
    identity: Identity
    attention: Attention


class LiveMoment(Wire):
    """What is known at one picture; time_seconds since the first one of the session."""

    time_seconds: float
    width: int
    height: int
    gap_seconds: float
    faces: list[LiveFace]
    events: list[Happening]


class LiveProblem(Wire):
    """Why a picture was not looked at; the session goes on."""

    code: str = Field(examples=["image-format"])
    detail: str
    cure: str


class LiveAnswer(Wire):
    """To one picture: a moment or a problem. seq: the number of its message, from 0.

    dropped: pictures of the session that newer ones replaced so far.
    """

    seq: int
    dropped: int = 0
    moment: LiveMoment | None = None
    problem: LiveProblem | None = None


class LiveReady(Wire):
    """The service's first message. models: by stage."""

    session: str
    models: dict[str, str]


class LiveMessages(Wire):
    """An example of each kind of message: the client's first one, the service's first one, its answer to a picture."""

    start: LiveStart
    ready: LiveReady
    answer: LiveAnswer


class LiveTerms(Wire):
    """What a live session may send, and how many there are."""

    sessions_most: int = Field(examples=[4])
    sessions_open: int = Field(examples=[1])
    frame_bytes: int = Field(examples=[4_000_000])
    frame_pixels: int = Field(examples=[8_500_000])
    silent_seconds: float = Field(examples=[30.0])
    messages: LiveMessages
