"""Cameras, and what happens."""

from __future__ import annotations

from datetime import datetime

from mien.client.asking import MOST_OF_A_PAGE, at, content, get
from mien.client.call import Call, Feed, Pages
from mien.server.schema.cameras import CameraDetail, CameraList
from mien.server.schema.events import LoggedEvent, OutputStates
from mien.server.schema.live import LiveTerms
from mien.server.schema.page import Page


def list_cameras() -> Call[CameraList]:
    """With what they see now."""
    return get("/v1/cameras", CameraList)


def get_camera(name: str) -> Call[CameraDetail]:
    """One camera, with its latest events."""
    return get(at("/v1/cameras/{}", name), CameraDetail)


def get_camera_picture(name: str) -> Call[bytes]:
    """The latest picture with boxes and words, JPEG."""
    return Call("GET", at("/v1/cameras/{}/picture", name), content, again=True)


def list_events(*, kind: str | None = None, since: datetime | None = None) -> Pages[LoggedEvent]:
    """What happened, the newest first; all pages."""
    return Pages(
        lambda cursor: get("/v1/events", Page[LoggedEvent], kind=kind, since=since, cursor=cursor, limit=MOST_OF_A_PAGE)
    )


def stream_events(after: int | None = None) -> Feed:
    """What happens, as it happens, without end. after: the `seq` of the last event that was seen; from now on
    where left out. A lost connection is made anew, and no event is missed or comes twice.
    """
    return Feed(after)


def list_outputs() -> Call[OutputStates]:
    """Where events go, and how far each is."""
    return get("/v1/events/outputs", OutputStates)


def get_live_terms() -> Call[LiveTerms]:
    """What a live session may send."""
    return get("/v1/live", LiveTerms)
