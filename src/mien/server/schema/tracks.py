"""What is said of a face over time, live or of a whole video."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mien.server.schema.analysis import Share
from mien.server.schema.wire import NotAsked, Wire

StageName = Literal["landmark", "quality", "embed", "expression"]


class TrackIdentity(Wire):
    """Who a track shows, by all its good pictures together. fpir: the rate asked for. shots: how many were fused.

    mentions: ids of everybody whom the reasons name.
    """

    answer: Literal["person", "unknown", "inconclusive"]
    person_id: str | None
    name: str | None
    score: float | None = Field(examples=[0.62])
    fpir: Share
    shots: int = Field(ge=0)
    reasons: list[str]
    mentions: list[str] = Field(default=[])


class AttentionWindow(Wire):
    """What was seen of eyes, mouth and head over the last `seconds`; docs/attention.md says what each is."""

    seconds: float
    observed_seconds: float
    blinks_per_minute: float | None
    mean_blink_seconds: float | None
    perclos: Share | None
    eyes_shut_seconds: float
    yawns: int
    towards: Share | None
    looking_away_seconds: float


class Happening(Wire):
    """Something of a video that became certain; docs/video-output.md lists kinds and details."""

    kind: str = Field(examples=["expression"])
    time_seconds: float = Field(examples=[28.8])
    track: int | None = Field(examples=[1])
    detail: dict[str, Any] = Field(examples=[{"label": "happiness", "was": "neutral"}])


Identity = Annotated[TrackIdentity | NotAsked | None, Field(description="Null: not known yet.")]
Attention = AttentionWindow | NotAsked
