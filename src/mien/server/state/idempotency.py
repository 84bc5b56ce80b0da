"""One answer for one request, however often it is sent: `Idempotency-Key`.

Answers are kept for a day, sealed by a key that only the sender's own idempotency key opens: some hold secrets that
are shown once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Protocol

from fastapi import Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mien.gallery.store.content import id_text
from mien.gallery.store.seal import ID_BYTES, NOBODY, Seal, Table
from mien.server.caller import Caller
from mien.server.errors import Conflict, StillWorking
from mien.server.state.alive import Alive
from mien.server.state.database import SECOND, State, new_id

KEPT_SECONDS: Final = 24 * 3600
KEPT_HEADERS: Final = ("content-type", "etag", "location")
REPLAYED: Final = "Idempotent-Replayed"

RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=16,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any random text. The same request sent again with it is answered alike and not done again.",
        examples=["6f1c9e0a-5a3e-4f8e-9a44-0b1c7d1b2f10"],
    ),
]


class _Keeper(Protocol):
    """The parts of the service that are needed."""

    @property
    def state(self) -> State: ...

    @property
    def alive(self) -> Alive: ...


def fingerprint(request: Request, *content: bytes) -> str:
    """What makes a request the same: method, address, query and what was sent, each part apart."""
    head = f"{request.method} {request.url.path}?{request.url.query}".encode()
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (head, *content))).hexdigest()


async def idempotent(
    service: _Keeper, caller: Caller, request_key: str | None, same: str, make: Callable[[str], Awaitable[Response]]
) -> Response:
    """The answer that `make` gives, or gave before to the same key; same: the request's `fingerprint`.

    A try that raised counts for nothing. One that was cut off is made anew, and may have come to its end but for the
    answer: `make` gets an id for what it makes, the same one then. Raises Conflict where the key came with another
    request, or where the first one is still being worked on.
    """
    if request_key is None:
        return await make(new_id())
    entry = _Entry(service, caller, request_key, bytes.fromhex(same))
    if (before := await run_in_threadpool(entry.begin)) is not None:
        return before
    try:
        response = await make(entry.new_id)
    except Exception:
        # Not where it is cancelled: work that has begun goes on to its end, and the entry is this process's until then.
        await run_in_threadpool(entry.forget)
        raise
    await run_in_threadpool(entry.keep, response)
    return response


async def idempotent_change(
    service: _Keeper, caller: Caller, request_key: str | None, same: str, make: Callable[[], Response]
) -> Response:
    """As `idempotent`, for what changes the state alone: the change and its answer are kept together or not at all."""

    def change() -> Response:
        if request_key is None:
            return make()
        entry = _Entry(service, caller, request_key, bytes.fromhex(same))
        with service.state.write():
            if (before := entry.begin()) is not None:
                return before
            response = make()
            entry.keep(response)
        return response

    return await run_in_threadpool(change)


class _Entry:
    """One key of one caller."""

    def __init__(self, service: _Keeper, caller: Caller, key: str, same: bytes) -> None:
        self._state, self._alive, self._same = service.state, service.alive, same
        self._caller, self._key, self._at = caller.tag, key, 0
        secret = self._state.key(f"answers {self._caller} {key}")
        self._name, self._seal = hashlib.sha256(secret).hexdigest(), Seal(secret, NOBODY)

    @property
    def new_id(self) -> str:
        """For what is made: the same for each try since the key was first sent."""
        return id_text(self._state.key(f"made {self._at} {self._caller} {self._key}")[:ID_BYTES])

    def begin(self) -> Response | None:
        """What was answered before; None where the work is to be done now."""
        self._at = self._state.now()
        with self._state.write() as writing:
            found = writing.execute(
                "SELECT request, runner, at, status, headers, body FROM answers WHERE caller = ? AND key = ?",
                (self._caller, self._name),
            ).fetchone()
            if found is not None:
                request, runner, self._at, status, headers, body = found
                if request != self._same:
                    raise Conflict("The idempotency key came with another request before.", "Take a new key.")
                if status is not None:
                    return self._again(status, headers, body)
                if self._alive.runs(runner):
                    raise StillWorking(
                        "The first request with this idempotency key is being worked on.", "Wait for it."
                    )
            writing.execute(
                "INSERT OR REPLACE INTO answers (caller, key, request, runner, at) VALUES (?, ?, ?, ?, ?)",
                (self._caller, self._name, self._same, self._alive.token, self._at),
            )
        return None

    def keep(self, response: Response) -> None:
        """For a day."""
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        body = self._seal.close(Table.META, 0, bytes(response.body))
        with self._state.write() as writing:
            writing.execute(
                "UPDATE answers SET status = ?, headers = ?, body = ? WHERE caller = ? AND key = ?",
                (response.status_code, json.dumps(headers), body, self._caller, self._name),
            )

    def forget(self) -> None:
        """Nothing was done."""
        with self._state.write() as writing:
            writing.execute("DELETE FROM answers WHERE caller = ? AND key = ?", (self._caller, self._name))

    def _again(self, status: int, headers: str, body: bytes) -> Response:
        content = self._seal.open(Table.META, 0, body)
        return Response(content, status, json.loads(headers) | {REPLAYED: "true"})


def sweep(state: State) -> None:
    """Drop what is older than a day."""
    with state.write() as writing:
        writing.execute("DELETE FROM answers WHERE at < ?", (state.now() - KEPT_SECONDS * SECOND,))
