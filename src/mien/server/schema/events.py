"""Events and where they go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from mien.server.schema.wire import Wire


class LoggedEvent(Wire):
    """Something that happened. seq: rises. data: what belongs to the kind; `name` beside a `person_id` is as it is now.

    Kinds are those of docs/video-output.md, and job_queued, job_started, job_done, job_failed, job_cancelled,
    camera_running, camera_lost, person_enrolled and others, which may be added.
    """

    seq: int = Field(examples=[1204])
    at: datetime
    kind: str = Field(examples=["track_start"])
    data: dict[str, Any] = Field(examples=[{"camera": "door", "time_seconds": 12.5, "track": 3, "returned": False}])


class OutputState(Wire):
    """Where events go. waiting: that it has not got yet. refused: that it will not take. trouble: why it waits.

    lost: that went, as the preference `event_days` says, before it had them.
    """

    address: str = Field(examples=["https://house.example/hook"])
    delivered: int
    refused: int
    waiting: int
    lost: int = 0
    delivered_at: datetime | None
    trouble: str = Field(examples=[""])


class OutputStates(Wire):
    """All outputs of the configuration, in its order."""

    items: list[OutputState]
