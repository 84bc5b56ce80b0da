"""Events and live sessions, over loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.server.conftest import Person

from mien.client import AsyncClient, Client, LiveEnded, NoAnswer, WrongAnswer
from mien.client.feed import FeedReader
from mien.client.models import LoggedEvent
from mien.server.caller import Role
from mien.server.service import Service

EVENT = LoggedEvent.model_validate({"seq": 5, "at": "2026-01-02T03:04:05Z", "kind": "test", "data": {"a": 1}})
TEXT = f"id: 5\nevent: test\ndata: {EVENT.model_dump_json()}\n\n"


class TestReader:
    """Lines to events."""

    def test_an_event_ends_with_an_empty_line(self) -> None:
        reader = FeedReader(None)
        assert [reader.read(line) for line in TEXT.split("\n")[:-1]] == [None, None, None, EVENT]
        assert reader.headers["Last-Event-ID"] == "5"

    def test_comments_say_nothing(self) -> None:
        reader = FeedReader(None)
        assert [reader.read(line) for line in (": nothing new", "", "retry: 2000", "")] == [None] * 4
        assert "Last-Event-ID" not in reader.headers

    def test_a_number_without_an_event_counts(self) -> None:
        reader = FeedReader(None)
        for line in ("retry: 2000", "id: 17", ""):
            reader.read(line)
        assert reader.headers["Last-Event-ID"] == "17"

    def test_half_an_event_is_asked_for_again(self) -> None:
        reader = FeedReader(4)
        for line in TEXT.split("\n")[:2]:
            reader.read(line)
        assert reader.headers["Last-Event-ID"] == "4"
        assert [reader.read(line) for line in TEXT.split("\n")[:-1]][-1] == EVENT

    def test_what_is_no_event(self) -> None:
        reader = FeedReader(None)
        reader.read("data: {}")
        with pytest.raises(WrongAnswer):
            reader.read("")


class TestEvents:
    """As they happen."""

    def test_they_come_from_a_number_on(self, client: Client, service: Service) -> None:
        for number in range(3):
            service.events.publish("", "test", {"number": number})
        first = next(client.stream_events(after=0))
        following = client.stream_events(after=first.seq)
        assert [next(following).data["number"] for _ in range(2)] == [1, 2]

    def test_others_never_come(self, client: Client, service: Service) -> None:
        service.events.publish("north", "test", {"number": 0})
        service.events.publish("", "test", {"number": 1})
        assert next(client.stream_events(after=0)).data["number"] == 1

    def test_a_broken_connection_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str | None] = []
        monkeypatch.setattr(time, "sleep", lambda seconds: None)

        class Broken(httpx2.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield b"retry: 2000\nid: 3\n\n"
                if len(asked) > 1:
                    yield TEXT.encode()
                raise httpx2.ReadError("broken")

        def answer(request: httpx2.Request) -> httpx2.Response:
            asked.append(request.headers.get("Last-Event-ID"))
            return httpx2.Response(200, stream=Broken())

        feed = Client("http://service.example", transport=httpx2.MockTransport(answer)).stream_events()
        assert [next(feed), next(feed)] == [EVENT, EVENT]
        assert asked == [None, "3", "5"]

    def test_asynchronously(self, address: str, key: str, service: Service) -> None:
        async def run() -> LoggedEvent:
            async with AsyncClient(address, key) as client:
                async for event in client.stream_events(after=0):
                    return event
            raise AssertionError

        service.events.publish("", "test", {"number": 1})
        assert asyncio.run(run()).data == {"number": 1}


class TestLive:
    """Pictures up, answers down."""

    def test_a_picture_is_answered(self, address: str, key: str, photo: Path) -> None:
        async def run() -> None:
            async with AsyncClient(address, key) as client, client.live(stages=["landmark"]) as session:
                assert session.ready and session.ready.session
                faces = 0
                for number in range(20):
                    await session.send(photo, 1.0 + number / 10)
                    answer = await anext(session)
                    assert answer.seq == number and answer.moment
                    # Somebody is there once they were seen a few times.
                    faces = faces or len(answer.moment.faces)
                assert faces == 1
                await session.send(b"no picture", 9.0)
                last = await anext(session)
                assert last.seq == 20 and last.problem and last.problem.code == "image-format"

        asyncio.run(run())

    def test_somebody_who_may_not(self, address: str, people: dict[tuple[str, Role], Person]) -> None:
        async def run() -> None:
            async with AsyncClient(address, people["", Role.VIEWER].key) as client:
                with pytest.raises(LiveEnded) as caught:
                    async with client.live():
                        pass
                assert caught.value.close_code == 1008 and caught.value.cause

        asyncio.run(run())

    def test_the_reason_goes_with_it(self, address: str, key: str, service: Service) -> None:
        async def run() -> None:
            async with AsyncClient(address, key) as client, client.live(identify=True, why="Lost badge"):
                pass

        asyncio.run(run())
        assert service.audit.entries()[0].why == "Lost badge"

    def test_nobody_there(self) -> None:
        async def run() -> None:
            async with AsyncClient("http://127.0.0.1:1", "mien_a_b") as client:
                with pytest.raises(NoAnswer):
                    async with client.live():
                        pass

        asyncio.run(run())
