"""Cameras of the configuration, made up in memory: what is told of them, and which process follows them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, Self

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.server.videos_to_send import HEIGHT, WIDTH, pictures, until

from mien.errors import StreamLost
from mien.server.cameras import watch
from mien.server.cameras.cameras import Cameras
from mien.server.cameras.pictures import PictureServer, fetch_picture
from mien.server.cameras.watch import CameraTools
from mien.server.config import ServerConfig
from mien.server.schema.cameras import CameraDetail, CameraList
from mien.server.service import Service
from mien.video.frame import Frame, SourceInfo


class MadeUpCamera:
    """Somebody walks in front of it, until `lost` is set."""

    unreadable = 0

    def __init__(self, person: np.ndarray, lost: Event) -> None:
        self.info = SourceInfo("made up", "stream", WIDTH, HEIGHT, 25.0, None, True)
        self._pictures, self._lost, self._closed = list(pictures(person, 40)), lost, Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while not self._closed.wait(0.02):
            if self._lost.is_set():
                raise StreamLost("Nothing comes.", "Look after the camera.")
            yield Frame(index, index / 10, self._pictures[index % 40])
            index += 1


@pytest.fixture
def lost() -> Event:
    return Event()


@pytest.fixture
def config(tmp_path: Path, astronaut: np.ndarray, lost: Event, monkeypatch: pytest.MonkeyPatch) -> ServerConfig:
    monkeypatch.setattr(watch, "open_source", lambda address, limits: MadeUpCamera(astronaut, lost))
    monkeypatch.setattr(watch, "GLANCE_SECONDS", 0.05)
    monkeypatch.setattr(watch, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(watch, "LONGEST_PAUSE_SECONDS", 0.05)
    cameras = {"door": "rtsp://ann:word@camera.example/1"}
    return ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, cameras=cameras)


def running(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    """The camera once it sees somebody."""

    def look() -> dict[str, Any] | None:
        (camera,) = client.get("/v1/cameras", headers=headers).json()["items"]
        return camera if camera["state"] == "running" and camera["faces"] else None

    return until(look)


def test_a_camera_is_followed_and_shown(client: TestClient, viewer: dict[str, str], service: Service) -> None:
    running(client, viewer)
    answer = client.get("/v1/cameras", headers=viewer)
    (camera,) = CameraList.model_validate(answer.json()).items
    assert (camera.name, camera.width, camera.height, camera.trouble) == ("door", WIDTH, HEIGHT, "")
    assert camera.faces[0].track == 1 and camera.frames > 0 and camera.since
    picture = client.get("/v1/cameras/door/picture", headers=viewer)
    assert picture.headers["content-type"] == "image/jpeg" and picture.headers["cache-control"] == "no-store"
    assert Image.open(io.BytesIO(picture.content)).size == (WIDTH, HEIGHT)

    def told() -> bool:
        detail = client.get("/v1/cameras/door", headers=viewer)
        events = CameraDetail.model_validate(detail.json()).events
        assert "word" not in detail.text
        return {"camera_running", "track_start"} <= {event.kind for event in events}

    until(told)
    kinds = {event.kind for event in service.events.after("", 0)}
    assert "blink" not in kinds and {event.tenant for event in service.events.after("", 0)} == {""}


def test_looks_at_a_camera_are_in_the_audit_log_once_a_minute(
    client: TestClient, viewer: dict[str, str], operator: dict[str, str], service: Service
) -> None:
    running(client, viewer)
    for headers in (viewer, viewer, operator):
        for address in ("/v1/cameras", "/v1/cameras/door", "/v1/cameras/door/picture"):
            assert client.get(address, headers=headers).status_code == 200
    found = sorted((one.action, one.subject or "") for one in service.audit.entries())
    each = [("get_camera", "door"), ("get_camera_picture", "door"), ("list_cameras", "")]
    assert found == sorted(each * 2)


def test_a_camera_that_is_lost_says_so_and_comes_back(
    client: TestClient, viewer: dict[str, str], lost: Event, monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    running(client, viewer)
    monkeypatch.setattr(watch, "LOST_SECONDS", 0.3)
    lost.set()

    def camera() -> dict[str, Any]:
        return client.get("/v1/cameras/door", headers=viewer).json()

    until(lambda: camera()["state"] == "lost" and camera()["trouble"])
    assert (camera()["faces"], camera()["trouble"]) == ([], "Nothing comes. Look after the camera.")
    assert camera()["trouble_code"] == "stream-lost"
    assert client.get("/v1/cameras/door/picture", headers=viewer).status_code == 404
    monkeypatch.setattr(watch, "LOST_SECONDS", 5.0)
    lost.clear()
    running(client, viewer)
    kinds = [event.kind for event in service.events.after("", 0) if event.kind.startswith("camera")]
    assert kinds == ["camera_running", "camera_lost", "camera_running"]


def test_other_tenants_have_no_cameras(client: TestClient, stranger: dict[str, str], viewer: dict[str, str]) -> None:
    assert client.get("/v1/cameras", headers=stranger).json() == {"items": []}
    for end in ("", "/picture"):
        assert client.get(f"/v1/cameras/door{end}", headers=stranger).status_code == 404
        assert client.get(f"/v1/cameras/yard{end}", headers=viewer).status_code == 404
        assert client.get(f"/v1/cameras/door{end}").status_code == 401


def test_one_process_follows_and_the_others_show_the_same(service: Service, config: ServerConfig) -> None:
    tools = CameraTools(service.state, service.settings, service.networks, service.events, service.audit)
    service.cameras.close()
    first, second = (Cameras(config.cameras, tools, several=True) for _ in range(2))
    first.start()
    until(lambda: first.picture("door"))
    second.start()
    until(lambda: (view := second.view("door")) and view.faces)
    picture = second.picture("door")
    assert picture and picture[:2] == b"\xff\xd8"
    first.close()
    until(lambda: (view := second.view("door")) and view.state == "running")
    until(lambda: second.picture("door"))
    second.close()
    assert second.view("door").state == "starting" and second.picture("door") is None  # type: ignore[union-attr]


def test_pictures_are_for_those_who_know_the_key() -> None:
    server = PictureServer(b"key", lambda name: b"picture" if name == "door" else None)
    asked = [
        fetch_picture(server.address, key, name) for key, name in ((b"key", "door"), (b"key", "x"), (b"no", "door"))
    ]
    again = fetch_picture(server.address, b"key", "door")
    server.close()
    assert asked == [b"picture", None, None] and again == b"picture"
    assert fetch_picture(server.address, b"key", "door") is None
