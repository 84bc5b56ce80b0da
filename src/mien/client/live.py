"""A live session: pictures up, what is seen in them down, over one WebSocket."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from mien.client.body import Source, content_of
from mien.client.errors import LiveEnded, WrongAnswer
from mien.client.place import Place
from mien.client.tries import no_answer
from mien.server.schema.live import LiveAnswer, LiveReady, LiveStart
from mien.server.schema.tracks import StageName

M = TypeVar("M", bound=BaseModel)
PATH: Final = "/v1/live"
CLOCK: Final = struct.Struct(">d")
GOING: Final = 1000
# Of an answer: many faces at once, each with all that is said of it.
MOST_BYTES: Final = 16_000_000


class LiveSession:
    """Begins in an `async with` block, and is iterated for answers; in asyncio alone.

    An answer comes for each picture, in order, but for those that a newer one replaced while the service was busy: so
    send as fast as pictures come, and read meanwhile. Raises NoAnswer, LiveEnded, WrongAnswer.
    """

    def __init__(self, place: Place, start: LiveStart) -> None:
        self.ready: LiveReady | None = None
        self._place, self._start = place, start
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        address = self._place.address.rstrip("/").replace("http", "ws", 1) + PATH
        trust = self._place.trust if address.startswith("wss") else None
        try:
            self._socket = await connect(
                address,
                additional_headers=self._place.who,
                ssl=httpx2.create_ssl_context() if trust is True else trust,
                max_size=MOST_BYTES,
                compression=None,
                open_timeout=self._place.seconds,
            )
            await self._socket.send(self._start.model_dump_json())
            self.ready = _read(LiveReady, await self._receive())
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise no_answer(error) from error
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """The service forgets the session."""
        if self._socket is not None:
            await self._socket.close()

    async def send(self, picture: Source, at_seconds: float | None = None) -> None:
        """A JPEG or WebP. at_seconds: by a clock that only rises; now, where left out."""
        moment = time.monotonic() if at_seconds is None else at_seconds
        assert self._socket is not None, "within `async with`"
        try:
            await self._socket.send(CLOCK.pack(moment) + content_of(picture))
        except ConnectionClosed as error:
            raise _ended(error) from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LiveAnswer:
        try:
            return _read(LiveAnswer, await self._receive())
        except LiveEnded as error:
            if error.close_code == GOING:
                raise StopAsyncIteration from None
            raise

    async def _receive(self) -> str | bytes:
        assert self._socket is not None, "within `async with`"
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise _ended(error) from error


def start_of(identify: bool, stages: Sequence[StageName] | None, fpir: float | None, why: str) -> LiveStart:
    """The first message. The key goes in the header, which no log has."""
    return LiveStart(identify=identify, stages=list(stages) if stages is not None else None, fpir=fpir, why=why)


def _read(kind: type[M], message: str | bytes) -> M:
    try:
        return kind.model_validate_json(message, extra="ignore")
    except ValidationError as error:
        raise WrongAnswer(f"What came is no {kind.__name__}.", "Take a client of the service's version.") from error


def _ended(error: ConnectionClosed) -> LiveEnded:
    """1006: without a word, as where the connection broke."""
    return LiveEnded(error.rcvd.code, error.rcvd.reason) if error.rcvd else LiveEnded(1006, "The connection broke.")
