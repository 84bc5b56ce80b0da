"""What the routes for photos have in common: forms in, work in the queue, and nobody who has hung up is worked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from fastapi import Request

from mien.image import Photo, open_photo
from mien.server.caller import Caller
from mien.server.errors import ClientGone
from mien.server.schema.upload import Field, Form, form_of
from mien.server.service import Service

T = TypeVar("T")
# Of one form, in photos of the largest size.
PHOTOS_TOGETHER = 4


def form(request: Request, service: Service, fields: Mapping[str, Field]) -> AbstractAsyncContextManager[Form]:
    """The form of a request, within the limits of the service."""
    config = service.config
    most = min(sum(one.most * one.most_bytes for one in fields.values()), PHOTOS_TOGETHER * config.photo_bytes)
    share = service.inference.room.share(_who(request))
    return form_of(request, share, fields, most, config.request_seconds)


def opened(service: Service, photo: bytes) -> Photo:
    """Its header read and checked against the limits of the service; to be called in a worker. Raises an ImageError."""
    return open_photo(photo, service.config.photo_limits)


async def attended(request: Request, service: Service, work: Callable[[], T]) -> T:
    """What `work` returns or raises, done in a worker, in its caller's turn. The request's body must have been read.

    Where the client hangs up before the work has begun, it is dropped. Raises Busy, ClientGone.
    """
    ticket = service.inference.submit(_who(request), work)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait((ticket.answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not ticket.answer.done() and ticket.abandon():
            raise ClientGone("Whoever asked hung up before the work began.")
        return await ticket
    except asyncio.CancelledError:
        ticket.abandon()
        raise
    finally:
        gone.cancel()


def _who(request: Request) -> str:
    """As the guard found it."""
    caller: Caller = request.state.caller
    return caller.tag


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
