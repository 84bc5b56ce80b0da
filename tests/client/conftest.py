"""Clients of a real service: over loopback, and within the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

import uvicorn
from fastapi import FastAPI
from tests.server.conftest import (
    Person,
    analyzer,
    app,
    config,
    own_settings,
    people,
    process,
    service,
)

from mien.client import Client
from mien.server.caller import Role
from mien.server.service import Service
from mien.settings import Settings
from mien.weights.fetch import ensure

__all__ = ["analyzer", "app", "config", "own_settings", "people", "process", "service"]
STARTING_SECONDS = 30


@pytest.fixture
def address(app: FastAPI, service: Service) -> Iterator[str]:
    """Of a server on loopback with the whole service."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, server_header=False, access_log=False))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    until = time.monotonic() + STARTING_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    service.streams.close()
    server.should_exit = True
    thread.join(STARTING_SECONDS)


@pytest.fixture
def key(people: dict[tuple[str, Role], Person]) -> str:
    """Of an administrator."""
    return people["", Role.ADMINISTRATOR].key


@pytest.fixture
def client(address: str, key: str) -> Iterator[Client]:
    """An administrator's."""
    with Client(address, key) as opened:
        yield opened


@pytest.fixture
def photo(weights: Settings) -> Path:
    """A file with one face."""
    return ensure("astronaut", weights)
