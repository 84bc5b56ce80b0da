"""What every request goes through: an id, limits of its body, safe headers, a line in the log, a count."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.server.config import ServerConfig
from mien.server.log import log, request_id
from mien.server.metrics import Metrics

ID: Final = "X-Request-Id"
GIVEN_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
JSON_BYTES: Final = 1_000_000
# Forms with photos have limits of their own, see schema/upload.py; here is what no form exceeds.
MOST_PHOTOS: Final = 10
VIDEOS: Final = "/v1/videos"
HEALTH: Final = "/health/"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
HSTS: Final = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Watch:
    """Names requests, counts them, and gives answers the headers that they lack."""

    app: ASGIApp
    config: ServerConfig
    on_fault: Callable[[Request, Exception], Response]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get(ID, "")
        scope.setdefault("state", {})["request_id"] = name = (
            given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        )
        token, began, status = request_id.set(name), perf_counter(), [0]

        async def dressed(message: Message) -> None:
            await send(self._dressed(message, status))

        try:
            await self.app(scope, receive, dressed)
        except Exception as error:
            # What has begun can only be broken off, which the server does.
            if status[0] or scope["type"] != "http":
                raise
            await self.on_fault(Request(scope), error)(scope, receive, dressed)
        finally:
            _note(scope, status[0], perf_counter() - began)
            request_id.reset(token)

    def _dressed(self, message: Message, status: list[int]) -> Message:
        if message["type"] == "http.response.start":
            status[0] = message["status"]
            headers = MutableHeaders(scope=message)
            headers[ID] = request_id.get()
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self.config.secure:
                headers.setdefault("Strict-Transport-Security", HSTS)
        elif message["type"] == "websocket.accept":
            status[0] = 101
        return message


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    method = scope.get("method", "WS")
    service = getattr(scope["app"].state, "service", None) if "app" in scope else None
    if service is not None:
        metrics: Metrics = service.metrics
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        # Other processes tell no more than they noted last.
        metrics.waiting.set(service.inference.waiting)
        metrics.live.set(service.live.open)
    fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
    # Asked every few seconds by whatever watches over the service.
    log.log(logging.DEBUG if route.startswith(HEALTH) else logging.INFO, "answered", extra={"fields": fields})


class TooLong(HTTPException):
    """Passes through the framework's reading of bodies as it is."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuses a body by its announced length, and while it is read; gives up on one that does not come."""

    app: ASGIApp
    config: ServerConfig

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = _Body(receive, self._most(scope), self.config.request_seconds)
        said = Headers(scope=scope).get("content-length", "")
        # Of a length that is a lie, the server ends the connection itself.
        body.refused = said.isascii() and said.isdigit() and int(said[:19]) > body.most
        await self.app(scope, body.receive, send)

    def _most(self, scope: Scope) -> int:
        if scope["path"].rstrip("/") == VIDEOS:
            return self.config.video_bytes
        if Headers(scope=scope).get("content-type", "").startswith("multipart/form-data"):
            return MOST_PHOTOS * self.config.photo_bytes + JSON_BYTES
        return JSON_BYTES


@dataclass(slots=True)
class _Body:
    """seconds: how long it may take until the next piece comes."""

    inner: Receive
    most: int
    seconds: float
    refused: bool = False
    read: int = 0
    ended: bool = False

    async def receive(self) -> Message:
        if self.refused:
            raise TooLong(413, f"The body has more than {self.most:,} bytes.")
        if self.ended:
            return await self.inner()
        try:
            # Not `wait_for`, which before Python 3.12 loses the end of a longer time limit that comes with a piece.
            async with asyncio.timeout(self.seconds):
                message = await self.inner()
        except TimeoutError:
            raise TooLong(408, f"The body stopped for {self.seconds:g} s.") from None
        self.read += len(message.get("body", b""))
        self.refused = self.read > self.most
        self.ended = not message.get("more_body", False)
        return await self.receive() if self.refused else message
