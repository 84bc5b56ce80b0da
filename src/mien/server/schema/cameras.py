"""Cameras."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mien.server.schema.events import LoggedEvent
from mien.server.schema.live import LiveFace
from mien.server.schema.wire import Wire


class Camera(Wire):
    """A camera of the configuration. state: since when. trouble: what went wrong last. faces: in view now.

    trouble_code: stable, as docs/errors.md lists them; empty where nothing went wrong.
    frames: looked at so far; dropped: left out, since looking takes time. width, height: of its picture in px.
    """

    name: str = Field(examples=["door"])
    state: Literal["starting", "running", "lost"]
    since: datetime | None
    trouble: str
    trouble_code: str = Field(default="", examples=["stream-lost"])
    frames: int
    dropped: int
    width: int
    height: int
    faces: list[LiveFace]


class CameraDetail(Camera):
    """With its latest events, the newest first."""

    events: list[LoggedEvent]


class CameraList(Wire):
    """In the order of the configuration."""

    items: list[Camera]
