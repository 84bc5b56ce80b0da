"""HTTP as uvicorn speaks it, with an end to headers that have none, and to bodies that nobody reads any more."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES: Final = 64 * 1024
HEADER_SECONDS: Final = 30.0
REST_SECONDS: Final = 30.0
"""Browsers read an answer only after they have sent all: what they still send is waited for, but not for ever."""


class GuardedProtocol(HttpToolsProtocol):
    """The parser keeps what was sent of a header, however long that is and however long it takes; this hangs up.

    So it does where a request was answered before its body was there, and the rest of that does not come.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = 0
        self._late: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn has it."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn has it."""
        self._had_headers()
        self._had_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn has it."""
        late = self._late
        super().data_received(data)
        # Of a header that both began and ended in these data, nothing is kept.
        if late is not None and self._late is late:
            self._unread += len(data)
            if self._unread > MOST_HEADER_BYTES:
                self._had_headers()
                self.send_400_response("The header of the request is too long.")

    def on_message_begin(self) -> None:
        """As uvicorn has it."""
        super().on_message_begin()
        if self._late is None:
            self._await_headers()

    def on_headers_complete(self) -> None:
        """As uvicorn has it."""
        self._had_headers()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """As uvicorn has it."""
        self._had_rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn has it."""
        if self.cycle.response_complete and self.cycle.more_body:
            self._rest = self.loop.call_later(REST_SECONDS, self.transport.close)
        super().on_response_complete()

    def _await_headers(self) -> None:
        self._unread = 0
        self._late = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _had_headers(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _had_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
