"""Bodies that are too large or do not come, over a real connection where that matters."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mien.server.app import create_app
from mien.server.service import Service

MEGA = 1_000_000


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    """Of a server whose patience is half a second."""
    config = service.config.model_copy(update={"request_seconds": 0.5})
    server = uvicorn.Server(uvicorn.Config(create_app(config, service.settings, service), log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as at:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]})
        thread.start()
        yield at.getsockname()[1]
        server.should_exit = True
        thread.join()


def talk(port: int, *pieces: bytes) -> bytes:
    """Send and read until the other side hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        said = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                said += piece
                if b"\r\n\r\n" in said and b'"reasons":[]}' in said:
                    break
        except ConnectionError:
            pass
        return said


HEAD = b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_a_body_that_says_that_it_is_too_large_is_not_read(port: int) -> None:
    said = talk(port, HEAD + b"Content-Length: 9999999999\r\n\r\n")
    assert b" 413 " in said.splitlines()[0] and b'"code":"too-large"' in said


def test_a_body_that_turns_out_too_large_is_cut(port: int) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    said = talk(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 40)
    assert b" 413 " in said.splitlines()[0]


def test_a_body_that_does_not_come_is_given_up(port: int) -> None:
    said = talk(port, HEAD + b"Content-Length: 100\r\n\r\n", b'{"name":')
    assert b" 408 " in said.splitlines()[0] and b'"code":"too-slow"' in said


def test_a_length_that_is_no_number_is_refused(port: int) -> None:
    assert b" 400 " in talk(port, HEAD + b"Content-Length: many\r\n\r\n").splitlines()[0]


@pytest.mark.parametrize(("kind", "size"), [("application/json", 2 * MEGA), ("video/mp4", 2 * MEGA), ("", 2 * MEGA)])
def test_only_videos_may_be_large(client: TestClient, kind: str, size: int) -> None:
    answer = client.post("/v1/session", content=b" " * size, headers={"Content-Type": kind})
    assert answer.status_code == 413 and answer.json()["code"] == "too-large"


def test_names_of_headers_and_addresses_may_be_anything(client: TestClient) -> None:
    for path in ("/v1/accounts/%00", "/v1/accounts/" + "x" * 5000, "/v1/keys/..%2f..%2fetc", "/%ff%fe"):
        assert client.get(path).status_code in (401, 404, 405)


def test_too_many_requests_are_named(service: Service, viewer: dict[str, str]) -> None:
    from dataclasses import replace

    from mien.server.access.limits import Rate

    limited = replace(service, rate=Rate(3))
    app: FastAPI = create_app(service.config, service.settings, limited)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answers = [client.get("/v1/preferences", headers=viewer) for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[3].headers["retry-after"] == "20" and answers[3].json()["code"] == "too-many"
        assert client.get("/health/live").status_code == 200
