"""Events: pages, the stream, names, tenants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message
from tests.server.conftest import Person, log_in

from mien.gallery.gallery import Consent, Profile
from mien.server import events as events_module
from mien.server.caller import Caller, Role
from mien.server.errors import Busy
from mien.server.events import EventStream, Streams, without_name
from mien.server.schema.events import LoggedEvent
from mien.server.service import Service
from mien.server.state.database import SECOND
from mien.server.state.events import EventLog

WHO = Caller("key", "one", "program", Role.VIEWER, "")


def test_events_come_by_pages_of_a_kind_and_since(
    client: TestClient, viewer: dict[str, str], stranger: dict[str, str], service: Service
) -> None:
    first = service.events.publish("", "yawn", {"camera": "door"})
    service.events.publish("north", "yawn", {})
    assert service.events.publish_all("", [("gap", {}), ("yawn", {"n": 1.5})]) == first + 3
    page = client.get("/v1/events", params={"limit": 2}, headers=viewer).json()
    rest = client.get("/v1/events", params={"limit": 2, "cursor": page["next"]}, headers=viewer).json()
    assert [item["seq"] - first for item in page["items"] + rest["items"]] == [3, 2, 0] and rest["next"] is None
    event = LoggedEvent.model_validate(rest["items"][0])
    assert (event.kind, event.data) == ("yawn", {"camera": "door"})
    of_kind = client.get("/v1/events", params={"kind": "gap"}, headers=viewer).json()["items"]
    assert [item["seq"] - first for item in of_kind] == [2]
    late = client.get("/v1/events", params={"since": "2100-01-01T00:00:00Z"}, headers=viewer).json()
    assert late == {"items": [], "next": None}
    assert [item["seq"] - first for item in client.get("/v1/events", headers=stranger).json()["items"]] == [1]


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "Og"}, {"kind": "A"}, {"since": "soon"}, {"limit": 0}])
def test_wrong_queries_are_refused(client: TestClient, viewer: dict[str, str], query: dict[str, Any]) -> None:
    answer = client.get("/v1/events", params=query, headers=viewer)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_the_newest_are_in_the_audit_log_once_a_minute_and_older_pages_always(
    client: TestClient, viewer: dict[str, str], service: Service
) -> None:
    for number in range(3):
        service.events.publish("", "test", {"number": number})
    first = client.get("/v1/events", params={"limit": 1}, headers=viewer).json()
    for query in ({"limit": 1}, {"limit": 1, "cursor": first["next"]}, {"limit": 1, "cursor": first["next"]}):
        client.get("/v1/events", params=query, headers=viewer)
    assert [one.action for one in service.audit.entries()] == ["list_events"] * 3


def test_names_are_as_they_are_now_and_are_kept_nowhere(
    client: TestClient, viewer: dict[str, str], stranger: dict[str, str], service: Service
) -> None:
    consent = Consent("Ann", datetime.now(UTC), "a test", "a form")
    (person,) = service.gallery.add_people([(Profile("Ann", consent=consent), [])])
    for tenant in ("", "north"):
        service.events.publish(tenant, "identity", {"person_id": person})

    def name(who: dict[str, str]) -> Any:
        return client.get("/v1/events", headers=who).json()["items"][0]["data"]["name"]

    assert (name(viewer), name(stranger)) == ("Ann", None)
    service.gallery.remove(person)
    assert name(viewer) is None


def test_what_the_log_keeps_of_a_videos_event_has_no_names() -> None:
    ended = {"frames": 3, "identity": {"answer": "person", "person_id": "p", "name": "Ann", "reasons": ["Ann."]}}
    assert without_name(ended) == {"frames": 3, "answer": "person", "person_id": "p"}
    assert without_name({"label": "happiness", "name": "Ann"}) == {"label": "happiness"}


def test_old_events_go(service: Service) -> None:
    service.events.publish("", "gap", {})
    service.events.publish("north", "gap", {})
    assert service.events.forget("", service.state.now() + SECOND) == 1
    assert (service.events.tenants(), service.events.newest()) == (["north"], 2)


class Reader:
    """Takes a stream as a server does; `stuck`: takes nothing after the head."""

    def __init__(self, stuck: bool = False) -> None:
        self.text, self.status, self.stuck = "", 0, stuck
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.stuck:
            await asyncio.sleep(3600)
        else:
            self.text += message.get("body", b"").decode()

    async def until(self, enough: Callable[[str], bool]) -> None:
        async with asyncio.timeout(20):
            while not enough(self.text):
                await asyncio.sleep(0.02)

    def events(self) -> list[dict[str, Any]]:
        lines = [line for line in self.text.splitlines() if line.startswith("data: ")]
        return [json.loads(line.removeprefix("data: ")) for line in lines]


def stream(service: Service, streams: Streams, after: int) -> EventStream:
    streams.enter(WHO.tag)
    return EventStream(service.events, service.named, streams, WHO, after, lambda: True)


def test_the_stream_goes_on_where_it_was_and_tells_what_comes(service: Service) -> None:
    """Also what another process publishes."""
    seen = service.events.publish("", "gap", {"n": 0})
    missed = service.events.publish("", "gap", {"n": 1})
    streams, other = Streams(), EventLog(service.state)

    async def listen() -> Reader:
        reader = Reader()
        task = asyncio.create_task(stream(service, streams, seen)({"type": "http"}, reader.receive, reader.send))
        await reader.until(lambda text: f"id: {missed}\n" in text)
        await asyncio.to_thread(other.publish, "north", "gap", {})
        await asyncio.to_thread(other.publish, "", "yawn", {"text": "two\nlines"})
        await reader.until(lambda text: "event: yawn" in text)
        reader.gone.set()
        await asyncio.wait_for(task, 10)
        return reader

    reader = asyncio.run(listen())
    assert [event["data"] for event in reader.events()] == [{"n": 1}, {"text": "two\nlines"}]
    assert reader.status == 200 and streams.open == 0


def test_heartbeats_slow_readers_and_the_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(events_module, "SEND_SECONDS", 0.05)
    streams = Streams()

    async def listen() -> None:
        slow, good = Reader(stuck=True), Reader()
        await asyncio.wait_for(stream(service, streams, 0)({"type": "http"}, slow.receive, slow.send), 10)
        assert streams.open == 0
        task = asyncio.create_task(stream(service, streams, 0)({"type": "http"}, good.receive, good.send))
        await good.until(lambda text: text.count(": nothing new") > 1)
        streams.close()
        await asyncio.wait_for(task, 10)

    asyncio.run(listen())
    assert streams.open == 0


def test_the_stream_ends_for_whoever_may_not_look_any_more(
    client: TestClient, service: Service, people: dict[tuple[str, Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log-out ends what its session had begun, too."""
    monkeypatch.setattr(events_module, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(events_module, "HEARTBEAT_SECONDS", 0.0)
    log_in(client, "viewer@main")

    def newest() -> int:
        service.accounts.end_sessions(people["", Role.VIEWER].account.id)
        return 0

    monkeypatch.setattr(service.events, "newest", newest)
    # The client of these tests reads a stream to its end: it has one only where the log-out is seen.
    answer = client.get("/v1/events/stream", headers={"Last-Event-ID": "0"})
    assert answer.status_code == 200 and "nothing new" in answer.text and service.streams.open == 0


def test_there_are_so_many_streams_and_no_more() -> None:
    streams = Streams(most=1)
    streams.enter("a")
    with pytest.raises(Busy):
        streams.enter("b")
    streams.leave("a")
    streams.enter("b")


def test_one_caller_leaves_streams_to_others() -> None:
    streams = Streams(most=3, most_each=2)
    for _ in range(2):
        streams.enter("a")
    with pytest.raises(Busy):
        streams.enter("a")
    streams.enter("b")
    streams.leave("a")
    streams.enter("a")
    assert streams.open == 3


def test_the_stream_over_http(
    client: TestClient, viewer: dict[str, str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "LONGEST_SECONDS", 0.5)
    service.events.publish("", "gap", {"n": 1})
    answer = client.get("/v1/events/stream", headers=viewer | {"Last-Event-ID": "0"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert 'data: {"seq": 1' in answer.text
    assert client.get("/v1/events/stream", headers=viewer | {"Last-Event-ID": "x"}).status_code == 422
    assert client.get("/v1/events/stream").status_code == 401
    service.streams.close()
    assert client.get("/v1/events/stream", headers=viewer).status_code == 503
