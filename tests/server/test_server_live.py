"""Live sessions: the protocol, its limits and its ends, and the source of pushed pictures."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from tests.server.conftest import log_in
from tests.server.videos_to_send import jpeg, until

from mien.errors import ImageError
from mien.gallery.enrol import Allow
from mien.gallery.gallery import Consent, Profile
from mien.image import ImageLimits, encode_image
from mien.server.config import ServerConfig
from mien.server.errors import Invalid
from mien.server.live.frames import PushedFrames
from mien.server.routes import live
from mien.server.schema.live import LiveAnswer, LiveReady, LiveTerms
from mien.server.schema.tracks import TrackIdentity
from mien.server.service import Service

ADDRESS = "ws://127.0.0.1/v1/live"
SMALL = encode_image(np.zeros((24, 32, 3), np.uint8), ".jpg")


def message(seconds: float, picture: bytes = SMALL) -> bytes:
    return struct.pack(">d", seconds) + picture


class TestFrames:
    """The source alone."""

    @pytest.fixture
    def refused(self) -> list[tuple[int, ImageError]]:
        return []

    @pytest.fixture
    def frames(self, refused: list[tuple[int, ImageError]]) -> PushedFrames:
        return PushedFrames(ImageLimits(10_000, 10_000), lambda *told: refused.append(told))

    def test_the_newest_wins_and_the_others_are_counted(self, frames: PushedFrames) -> None:
        for number in range(5):
            assert frames.push(message(100 + number)) == number
        coming = iter(frames)
        first = next(coming)
        assert (first.index, first.time_seconds, first.dropped, first.pixels.shape) == (4, 4.0, 4, (24, 32, 3))
        frames.push(message(105))
        second = next(coming)
        assert (second.index, second.time_seconds, second.dropped, frames.dropped) == (5, 5.0, 0, 4)

    def test_a_picture_that_cannot_be_read_ends_nothing(
        self, frames: PushedFrames, refused: list[tuple[int, ImageError]]
    ) -> None:
        coming: list[int] = []
        thread = threading.Thread(target=lambda: coming.extend(frame.index for frame in frames))
        thread.start()
        large = encode_image(np.zeros((200, 100, 3), np.uint8), ".jpg")
        bitmap = b"BM" + bytes(60)
        for number, picture in enumerate((b"no picture", SMALL[:100], large, bitmap)):
            frames.push(message(number, picture))
            until(lambda number=number: len(refused) == number + 1)
        frames.push(message(10))
        until(lambda: coming == [4])
        frames.__exit__()
        thread.join(10)
        assert [number for number, _ in refused] == [0, 1, 2, 3] and not thread.is_alive()

    @pytest.mark.parametrize("seconds", [1.0, 0.5, float("nan"), float("inf"), 1e9])
    def test_time_rises(self, frames: PushedFrames, seconds: float) -> None:
        frames.push(message(1.0))
        with pytest.raises(Invalid):
            frames.push(message(seconds))
        assert frames.push(message(1.1)) == 2

    def test_a_message_without_a_picture_is_refused(self, frames: PushedFrames) -> None:
        for data in (b"", b"1234567", message(1, b"")):
            with pytest.raises(Invalid):
                frames.push(data)


Begin = Callable[..., WebSocketTestSession]


@pytest.fixture
def begin(client: TestClient) -> Iterator[Begin]:
    """Opens sessions, and ends them all."""
    with ExitStack() as stack:

        def opened(headers: dict[str, str] | None = None, **start: Any) -> WebSocketTestSession:
            socket = stack.enter_context(client.websocket_connect(ADDRESS, headers=headers or {}))
            socket.send_text(json.dumps(start))
            return socket

        yield opened


def end_of(socket: WebSocketTestSession) -> tuple[int, str]:
    """How the service ends it."""
    with pytest.raises(WebSocketDisconnect) as ended:
        while True:
            socket.receive_text()
    return ended.value.code, ended.value.reason or ""


@pytest.fixture
def faces(astronaut: np.ndarray) -> list[bytes]:
    return [jpeg(astronaut, index) for index in range(8)]


def test_pictures_go_up_and_moments_come_down(
    client: TestClient, begin: Begin, operator: dict[str, str], faces: list[bytes], service: Service
) -> None:
    terms = LiveTerms.model_validate(client.get("/v1/live", headers=operator).json())
    assert (terms.sessions_most, terms.sessions_open) == (service.config.live_sessions, 0)
    socket = begin(operator)
    ready = LiveReady.model_validate_json(socket.receive_text())
    assert "expression" in ready.models
    answers = []
    for number, picture in enumerate(faces):
        socket.send_bytes(message(50 + number / 10, picture))
        answers.append(LiveAnswer.model_validate_json(socket.receive_text()))
    assert [answer.seq for answer in answers] == list(range(8))
    moments = [answer.moment for answer in answers if answer.moment]
    assert [round(moment.time_seconds, 3) for moment in moments] == [number / 10 for number in range(8)]
    last = moments[-1]
    assert [face.track for face in last.faces] == [1] and last.faces[0].quality is not None
    assert last.faces[0].expression.status == "ok" and last.faces[0].attention
    assert "track_start" in {event.kind for moment in moments for event in moment.events}
    assert client.get("/v1/live", headers=operator).json()["sessions_open"] == 1
    socket.close()
    until(lambda: service.live.open == 0)
    assert [entry.action for entry in service.audit.entries() if "live" in entry.action] == ["begin_live"]


def test_one_bad_picture_is_answered_and_the_next_one_too(begin: Begin, operator: dict[str, str]) -> None:
    socket = begin(operator, stages=[])
    socket.receive_text()
    socket.send_bytes(message(1, b"no picture"))
    bad = LiveAnswer.model_validate_json(socket.receive_text())
    assert (bad.seq, bad.moment, bad.problem and bad.problem.code) == (0, None, "image-format")
    socket.send_bytes(message(0.5))
    late = LiveAnswer.model_validate_json(socket.receive_text())
    assert (late.seq, late.problem and late.problem.code) == (1, "invalid")
    socket.send_bytes(message(2))
    good = LiveAnswer.model_validate_json(socket.receive_text())
    assert good.seq == 2 and good.moment and good.moment.faces == []
    socket.close()


def test_the_tenants_own_people_are_recognised_once_on_record(
    client: TestClient,
    begin: Begin,
    operator: dict[str, str],
    stranger: dict[str, str],
    faces: list[bytes],
    astronaut: np.ndarray,
    service: Service,
) -> None:
    consent = Consent("Eileen", datetime.now(UTC), "a test", "a form")
    person = service.gallery.enrol(Profile("Eileen", consent=consent), [astronaut]).person_id
    seen = []
    for who in (operator, stranger):
        socket = begin(who, identify=True, why="Opening the door")
        socket.receive_text()
        for number, picture in enumerate(faces):
            socket.send_bytes(message(number, picture))
            answer = json.loads(socket.receive_text())
        seen.append(answer["moment"]["faces"][0]["identity"])
        socket.close()
    assert (seen[0]["answer"], seen[0]["person_id"], seen[0]["name"]) == ("person", person, "Eileen")
    assert seen[1] is None or seen[1]["answer"] != "person"
    entries = [entry for entry in service.audit.entries() if entry.action == "identify"]
    assert [(entry.subject, entry.why) for entry in entries] == [(person, "Opening the door")]
    events = client.get("/v1/events", params={"kind": "identity"}, headers=operator).json()["items"]
    assert [(event["data"]["person_id"], event["data"]["name"]) for event in events] == [(person, "Eileen")]
    stored = service.state.read("SELECT data FROM events")
    assert "Eileen" not in str(stored)


def test_whom_the_reasons_name_is_on_record_too(
    begin: Begin, operator: dict[str, str], faces: list[bytes], astronaut: np.ndarray, service: Service
) -> None:
    """Two records of one face: neither is the answer, and the client reads both names."""
    consent = Consent("Eileen", datetime.now(UTC), "a test", "a form")
    found = [
        service.gallery.enrol(Profile(name, consent=consent), [astronaut], Allow(duplicate=True)).person_id
        for name in ("Eileen", "Ellen")
    ]
    socket = begin(operator, identify=True, why="Opening the door")
    socket.receive_text()
    for number, picture in enumerate(faces):
        socket.send_bytes(message(number, picture))
        answer = LiveAnswer.model_validate_json(socket.receive_text())
    assert answer.moment
    who = answer.moment.faces[0].identity
    assert isinstance(who, TrackIdentity) and who.answer == "inconclusive"
    assert all(name in who.reasons[-1] for name in ("Eileen", "Ellen"))
    entries = [entry for entry in service.audit.entries() if entry.action == "identify"]
    assert {(entry.subject, entry.why, entry.detail["answer"]) for entry in entries} == {
        (person, "Opening the door", "candidate") for person in found
    }
    assert len(entries) == 2
    assert service.events.page("", 10, before=None, kind="identity", since=None) == []


def test_a_reason_is_kept_and_demanded_where_the_preferences_say_so(
    begin: Begin, operator: dict[str, str], service: Service
) -> None:
    service.preferences.change("", None, {"why_required": True})
    code, reason = end_of(begin(operator, identify=True, why=" "))
    assert code == live.WRONG and "A reason is asked for" in reason
    for start in ({"identify": True, "why": "Lost badge"}, {"stages": []}):
        socket = begin(operator, **start)
        assert json.loads(socket.receive_text())["session"]
        socket.close()
    found = [entry.why for entry in service.audit.entries() if entry.action == "begin_live"]
    assert found == ["", "Lost badge"]


def test_who_gets_in(
    client: TestClient, begin: Begin, operator: dict[str, str], viewer: dict[str, str], people: Any, service: Service
) -> None:
    key = operator["Authorization"].partition(" ")[2]
    assert json.loads(begin(None, key=key).receive_text())["session"]
    for headers, start in (
        (None, {}),
        (viewer, {}),
        (None, {"key": key + "x"}),
        (operator | {"Origin": "http://other.example"}, {}),
    ):
        code, reason = end_of(begin(headers, **start))
        assert code == 1008 and reason
    log_in(client, "operator@main")
    assert json.loads(begin({"Origin": "http://127.0.0.1"}).receive_text())["session"]
    assert end_of(begin({"Origin": "http://evil.example"}))[0] == 1008


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"stages": ["nose"]}', '{"what": 1}', '{"fpir": 2}', "x" * 5000]
)
def test_a_wrong_first_message_ends_it(client: TestClient, operator: dict[str, str], text: str) -> None:
    with client.websocket_connect(ADDRESS, headers=operator) as socket:
        socket.send_text(text)
        code, reason = end_of(socket)
    assert code == 1008 and len(reason.encode()) <= 123


def test_too_large_pictures_and_texts_end_it(
    begin: Begin, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRAME_BYTES", 2000)
    socket = begin(operator, stages=[])
    socket.send_bytes(message(1, bytes(2000)))
    assert end_of(socket)[0] == 1009
    socket = begin(operator, stages=[])
    socket.send_text("{}")
    assert end_of(socket)[0] == 1008


def test_silence_ends_it(
    client: TestClient, begin: Begin, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    monkeypatch.setattr(live, "SILENT_SECONDS", 0.1)
    assert end_of(begin(operator, stages=[]))[0] == 4408
    until(lambda: service.live.open == 0)
    monkeypatch.setattr(live, "FIRST_SECONDS", 0.1)
    with client.websocket_connect(ADDRESS, headers=operator) as socket:
        assert end_of(socket)[0] == 4408


def test_who_loses_the_key_loses_the_session(
    begin: Begin, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch, service: Service, people: Any
) -> None:
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.0)
    socket = begin(operator, stages=[])
    socket.receive_text()
    with service.state.write() as connection:
        connection.execute("UPDATE keys SET revoked_at = 1")
    socket.send_bytes(message(1))
    assert end_of(socket)[0] == 1008


class TestFull:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Iterator[ServerConfig]:
        yield ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, live_sessions=1)

    def test_so_many_sessions_and_no_more(self, begin: Begin, operator: dict[str, str], service: Service) -> None:
        first = begin(operator, stages=[])
        first.receive_text()
        assert end_of(begin(operator, stages=[]))[0] == 1013
        first.close()
        until(lambda: service.live.open == 0)
        assert json.loads(begin(operator, stages=[]).receive_text())["session"]

    def test_the_end_of_the_service_ends_sessions(
        self, begin: Begin, operator: dict[str, str], service: Service
    ) -> None:
        socket = begin(operator, stages=[])
        socket.receive_text()
        service.live.close()
        assert end_of(socket)[0] == 1000


class TestFair:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Iterator[ServerConfig]:
        yield ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, live_sessions=2)

    def test_who_has_all_sessions_loses_the_newest_to_another_caller(
        self, begin: Begin, operator: dict[str, str], stranger: dict[str, str], service: Service
    ) -> None:
        first = begin(operator, stages=[])
        first.receive_text()
        second = begin(operator, stages=[])
        second.receive_text()
        other = begin(stranger, stages=[])
        code, reason = end_of(second)
        assert code == 1013 and "Somebody else" in reason
        assert json.loads(other.receive_text())["session"] and service.live.open == 2
        for socket in (first, other):
            socket.send_bytes(message(1))
            assert LiveAnswer.model_validate_json(socket.receive_text()).moment
        # Now both have the same.
        for who in (operator, stranger):
            assert end_of(begin(who, stages=[]))[0] == 1013
