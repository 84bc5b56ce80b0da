"""Live sessions: pictures up, moments down, over one WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketState

from mien.errors import MienError
from mien.server.access.guard import Viewer, caller_of_socket
from mien.server.caller import Caller, Role
from mien.server.errors import ClientGone, Invalid
from mien.server.live.session import FRAME_BYTES, FRAME_PIXELS, LiveSession, problem_of
from mien.server.problem import status_of
from mien.server.routes.noting import check_why
from mien.server.schema.live import LiveAnswer, LiveMessages, LiveMoment, LiveReady, LiveStart, LiveTerms
from mien.server.schema.problems import problems
from mien.server.service import Service, ServiceOf, service_at
from mien.server.state.jobs import Asked

router = APIRouter(prefix="/v1", tags=["live"])

FIRST_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 30.0
SEND_SECONDS: Final = 10.0
# So often it is asked whether the caller is still allowed in.
CHECK_SECONDS: Final = 30.0
LONGEST_TEXT: Final = 4096
GOING, WRONG, TOO_LARGE, DEFECT, FULL, SILENT = 1000, 1008, 1009, 1011, 1013, 4408

PROTOCOL: Final = """The terms of `WS /v1/live`, which OpenAPI cannot describe.

The first message is text, a `LiveStart`; the service answers with a `LiveReady`. Then each message is binary: eight
bytes, a big-endian float64 of seconds by a clock of the client's that only rises, and a JPEG or WebP. To each picture
comes a `LiveAnswer`, in order, but to those that a newer one replaced: at most one picture waits. Close codes:
1000 over, 1008 not allowed or a wrong first message, 1009 a picture too large, 1011 a fault, 1013 too many sessions,
4408 silence. docs/serve-video.md has an example."""


EXAMPLE_ID: Final = "mfrggzdfmztwq2lknnwg23tpoa"
NOTHING: Final = LiveMoment(time_seconds=0, width=640, height=480, gap_seconds=0, faces=[], events=[])


@router.get(
    "/live",
    operation_id="get_live_terms",
    summary="What a live session may send",
    description=PROTOCOL,
    response_model=LiveTerms,
    responses=problems(401, 403),
)
def get_live_terms(caller: Viewer, service: ServiceOf) -> LiveTerms:
    """As they are now."""
    return LiveTerms(
        sessions_most=service.live.most,
        sessions_open=service.live.open,
        frame_bytes=FRAME_BYTES,
        frame_pixels=FRAME_PIXELS,
        silent_seconds=SILENT_SECONDS,
        messages=LiveMessages(
            start=LiveStart(), ready=LiveReady(session=EXAMPLE_ID, models={}), answer=LiveAnswer(seq=0, moment=NOTHING)
        ),
    )


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Errors before and during it become close codes."""
    await socket.accept()
    talk = Talk(socket)
    try:
        await talk.hold()
    except WebSocketDisconnect:
        pass
    except TimeoutError:
        await talk.end(SILENT, "Nothing came for too long.")
    except MienError as error:
        await talk.end(_code_of(error), error.cause)


class Talk:
    """One connection, from its first message to its end."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._sending = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    async def hold(self) -> None:
        """Until either side ends it. Raises what ends it."""
        start = await self._start()
        allowed = self._check(start.key)
        caller = await allowed()
        service = service_at(self._socket)
        asked = await run_in_threadpool(_asked, service, start, caller)
        session = await run_in_threadpool(service.live.enter, caller, asked)
        if session is None:
            await self.end(FULL, f"There are {service.live.most} live sessions already; try again later.")
            return
        ended = asyncio.Event()
        try:
            service.live.run(session, self._send, lambda: self._tell(ended))
            await self._take(session, ended, allowed)
        finally:
            session.close()
            # Its threads end first: they have nobody to answer when this loop is gone.
            with suppress(TimeoutError):
                async with asyncio.timeout(SEND_SECONDS):
                    await ended.wait()
            service.live.leave(session)
        if session.failure is not None:
            raise session.failure
        await self.end(GOING, "The service ends the session.")

    async def end(self, code: int, reason: str) -> None:
        """Close, unless it is closed; a reason has 123 bytes at most."""
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(code, reason.encode()[:120].decode(errors="ignore"))

    def _check(self, key: str | None) -> Callable[[], Coroutine[Any, Any, Caller]]:
        return lambda: caller_of_socket(self._socket, Role.OPERATOR, key)

    async def _start(self) -> LiveStart:
        async with asyncio.timeout(FIRST_SECONDS):
            message = await self._receive()
        text = message.get("text")
        if not text or len(text) > LONGEST_TEXT:
            raise Invalid("The first message is no text.", "Send JSON: {}")
        try:
            return LiveStart.model_validate_json(text)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise Invalid(f"The first message: {where} {error.errors()[0]['msg']}.", "Send JSON: {}") from error

    async def _take(
        self, session: LiveSession, ended: asyncio.Event, allowed: Callable[[], Coroutine[Any, Any, Caller]]
    ) -> None:
        """Pictures, until the session ends."""
        over = asyncio.create_task(ended.wait())
        checked = self._loop.time()
        try:
            while True:
                coming = asyncio.create_task(self._receive())
                done, _ = await asyncio.wait((coming, over), timeout=SILENT_SECONDS, return_when="FIRST_COMPLETED")
                if coming not in done:
                    await _cancelled(coming)
                if over in done:
                    return
                if coming not in done:
                    raise TimeoutError
                if not await self._push(session, coming.result()):
                    return
                if self._loop.time() - checked > CHECK_SECONDS:
                    checked = self._loop.time()
                    await allowed()
        finally:
            await _cancelled(over)

    async def _push(self, session: LiveSession, message: Mapping[str, Any]) -> bool:
        """Whether to go on."""
        data = message.get("bytes")
        if data is None:
            raise Invalid("A text came where a picture was due.", "Send binary messages after the first one.")
        if len(data) > FRAME_BYTES:
            await self.end(TOO_LARGE, f"A picture may have {FRAME_BYTES:,} bytes.")
            return False
        try:
            session.push(data)
        except Invalid as error:
            await self._put({"seq": session.pushed - 1, "problem": problem_of(error)})
        return True

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", GOING))
        return message

    def _send(self, message: Mapping[str, Any]) -> None:
        """Called by the session's threads: waits until the client takes it, so that nothing piles up."""
        put = self._put(message)
        try:
            sent = asyncio.run_coroutine_threadsafe(put, self._loop)
        except RuntimeError as error:  # the loop is over
            put.close()
            raise ClientGone("Nobody takes the answers any more.") from error
        try:
            sent.result(SEND_SECONDS + 1)
        except (TimeoutError, RuntimeError, WebSocketDisconnect, CancelledError) as error:
            raise ClientGone("Nobody takes the answers any more.") from error

    async def _put(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        async with asyncio.timeout(SEND_SECONDS), self._sending:
            await self._socket.send_text(text)

    def _tell(self, ended: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop may be over before its threads are
            self._loop.call_soon_threadsafe(ended.set)


def _asked(service: Service, start: LiveStart, caller: Caller) -> Asked:
    stages = None if start.stages is None else tuple(dict.fromkeys(start.stages))
    service.networks.check(stages, start.identify)
    preferences = service.preferences.get(caller.tenant)[0]
    if start.identify:
        check_why(preferences, start.why)
    return Asked(stages, start.identify, False, start.fpir or preferences.fpir, start.why)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, WebSocketDisconnect):
        await task


def _code_of(error: MienError) -> int:
    status = status_of(error)
    if status in (429, 503):
        return FULL
    return WRONG if status < 500 else DEFECT
