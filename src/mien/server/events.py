"""Events as they are shown: with names of people as they are now, by pages and as a stream."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mien.gallery.errors import GalleryError
from mien.gallery.gallery import Gallery
from mien.record import plain
from mien.server.caller import Caller
from mien.server.errors import Busy
from mien.server.state.database import SECOND
from mien.server.state.events import EventLog, LoggedEvent

POLL_SECONDS: Final = 0.3
HEARTBEAT_SECONDS: Final = 15.0
# Who takes longer for a few lines is cut, and comes back with Last-Event-ID.
SEND_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 600.0
# So often it is asked whether whoever follows may still look.
CHECK_SECONDS: Final = 30.0
MOST_STREAMS: Final = 50
MOST_STREAMS_EACH: Final = 10

Named = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""The data of an event of a tenant, with names beside ids."""


def named_by(gallery: Gallery) -> Named:
    """Names as the gallery has them now: the log keeps ids alone, so that whoever is removed leaves no name behind."""

    def named(tenant: str, data: Mapping[str, Any]) -> dict[str, Any]:
        person_id = data.get("person_id")
        if not isinstance(person_id, str):
            return dict(data)
        name = None
        with suppress(GalleryError):
            profile = gallery.records.person(person_id).profile
            name = profile.name if profile.tenant == tenant else None
        return dict(data) | {"name": name}

    return named


def shown(event: LoggedEvent, named: Named) -> dict[str, Any]:
    """An event as people and programs outside see it."""
    at = plain(datetime.fromtimestamp(event.at / SECOND, UTC))
    return {"seq": event.seq, "at": at, "kind": event.kind, "data": named(event.tenant, event.data)}


def without_name(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of a video's event as the log may have it; a track_end carries an identity, which does, too."""
    bare = {name: value for name, value in detail.items() if name not in ("name", "identity")}
    who = detail.get("identity")
    return bare | ({"person_id": who.get("person_id"), "answer": who.get("answer")} if isinstance(who, Mapping) else {})


class Streams:
    """So many streams a process, no more, and of one caller a fifth. Thread-safe."""

    def __init__(self, most: int = MOST_STREAMS, most_each: int = MOST_STREAMS_EACH) -> None:
        self._most, self._most_each = most, most_each
        self._lock = Lock()
        self._of: Counter[str] = Counter()
        self.closing = False

    @property
    def open(self) -> int:
        """How many there are now."""
        with self._lock:
            return self._of.total()

    def enter(self, who: str) -> None:
        """who: the `Caller.tag`. Raises Busy where there are as many as there may be."""
        with self._lock:
            if self.closing or self._of.total() >= self._most or self._of[who] >= self._most_each:
                raise Busy("There are too many streams of events.", "Close one, or ask GET /v1/events.", 5.0)
            self._of[who] += 1

    def leave(self, who: str) -> None:
        """There is room for another one."""
        with self._lock:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]

    def close(self) -> None:
        """All of them end soon."""
        self.closing = True


class EventStream(Response):
    """Server-sent events of one tenant behind a number, as they come; `id` of each is its number."""

    media_type = "text/event-stream"

    def __init__(
        self, log: EventLog, named: Named, streams: Streams, caller: Caller, after: int, allowed: Callable[[], bool]
    ) -> None:
        """`streams` was entered for its caller. allowed: whether whoever follows may still look."""
        self.status_code = 200
        self.background = None
        self._log, self._named, self._streams = log, named, streams
        self._caller, self._after, self._allowed = caller, after, allowed
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the client goes, is too slow, or has had it for long enough."""
        gone = asyncio.create_task(_gone(receive))
        try:
            await self._put(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for text in self._lines(gone):
                await self._put(send, {"type": "http.response.body", "body": text.encode(), "more_body": True})
            if not gone.done():
                await self._put(send, {"type": "http.response.body", "body": b""})
        except (TimeoutError, OSError):
            pass  # too slow, or gone
        finally:
            self._streams.leave(self._caller.tag)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _lines(self, gone: asyncio.Task[None]) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        began = told = checked = loop.time()
        seen = -1
        # So that whoever loses the connection before the first event comes asks for all of them.
        yield f"retry: 2000\nid: {self._after}\n\n"
        while not gone.done() and not self._streams.closing and loop.time() - began < LONGEST_SECONDS:
            if loop.time() - checked > CHECK_SECONDS:
                checked = loop.time()
                if not await run_in_threadpool(self._allowed):
                    return
            newest = await run_in_threadpool(self._log.newest)
            # Another tenant's event is looked past, once.
            text = await run_in_threadpool(self._read) if newest > max(seen, self._after) else ""
            seen = newest if not text else seen
            if text or loop.time() - told > HEARTBEAT_SECONDS:
                told = loop.time()
                yield text or ": nothing new\n\n"
            else:
                await asyncio.wait((gone,), timeout=POLL_SECONDS)

    def _read(self) -> str:
        events = self._log.after(self._caller.tenant, self._after)
        if events:
            self._after = events[-1].seq
        return "".join(self._text(event) for event in events)

    def _text(self, event: LoggedEvent) -> str:
        # JSON has no line breaks of its own, which is what ends a field.
        data = json.dumps(shown(event, self._named), ensure_ascii=True, allow_nan=False)
        return f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n"

    async def _put(self, send: Callable[[dict[str, Any]], Awaitable[None]], message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
