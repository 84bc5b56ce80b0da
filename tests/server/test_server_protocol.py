"""Headers without end are ended; everything else is as uvicorn has it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

import uvicorn

from mien.server import protocol
from mien.server.protocol import GuardedProtocol

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size of what came; at once where the address is /early."""
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server with that protocol."""
    config = uvicorn.Config(hello, port=0, http=GuardedProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(30)


def said(port: int, *pieces: bytes) -> bytes:
    """All that the server says until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer
        except ConnectionError:
            return b"gone"


def test_requests_are_answered_one_after_the_other_and_in_parts(port: int) -> None:
    body = b"x" * 300_000
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body
    answer = said(port, GET[:7], GET[7:] + b"\r\n", post + post[:40], post[40:], GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"200 OK") == 4 and answer.count(b"300000") == 2


@pytest.mark.parametrize("long", [b"X-Long: " + b"y" * 70_000, b"".join(b"X-%d: y\r\n" % n for n in range(20_000))])
def test_a_header_that_is_too_long_is_refused(port: int, long: bytes) -> None:
    answer = said(port, GET, long[:30_000], *(long[at : at + 20_000] for at in range(30_000, len(long), 20_000)))
    assert answer == b"gone" or answer.startswith(b"HTTP/1.1 400")


def test_a_long_address_is_refused(port: int) -> None:
    answer = said(port, b"GET /", *[b"a" * 20_000] * 5)
    assert answer == b"gone" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("begun", [b"", GET])
def test_a_header_that_does_not_come_is_not_waited_for(
    port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.2)
    assert said(port, begun) == b""


EARLY = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"


def test_a_body_that_was_answered_early_may_still_come(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REST_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(EARLY + b"x" * 50)
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"x" * 50)
        time.sleep(0.5)
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)


def test_a_body_that_was_answered_early_is_not_waited_for_ever(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REST_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(EARLY)
        assert b"200 OK" in connection.recv(65536)
        with pytest.raises(ConnectionError):
            for _ in range(99):
                connection.sendall(b"x")
                time.sleep(0.05)
