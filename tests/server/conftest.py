"""A service on a gallery and state of its own, with accounts of every role in two tenants, and ways to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

import numpy as np
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.server.shared_process import SharedProcess

from mien.analyze import Analyzer
from mien.gallery.gallery import Gallery, GalleryPolicy
from mien.gallery.store.master import MasterKey
from mien.image import encode_image
from mien.server import videos
from mien.server.access.passwords import Passwords
from mien.server.app import create_app
from mien.server.caller import Caller, Role
from mien.server.config import ServerConfig
from mien.server.service import Service, open_service
from mien.server.state.accounts import Account
from mien.server.state.database import SECOND, State
from mien.settings import Settings

PASSWORD = "a few words of mine"
TENANTS = ("", "north")
# One for all galleries of tests: the process that works on their videos is given it once, when it starts.
MASTER = MasterKey.new().text


class Clock:
    """Microseconds since 1970, as a test says."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    """Without a service around it."""
    with State(tmp_path, bytes(range(32)), clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def analyzer(weights: Settings) -> Analyzer:
    """Loaded once; it holds nothing of whom it has seen."""
    return Analyzer(settings=weights)


@pytest.fixture(scope="session")
def face(astronaut: np.ndarray) -> bytes:
    """One face, as PNG."""
    return encode_image(astronaut, ".png")


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    """As a server on this machine has it."""
    return ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, port=0)


@pytest.fixture
def own_settings(weights: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """On an empty gallery that keeps crops, as `mien serve` makes it; its master key is in the environment."""
    monkeypatch.setenv("MIEN_GALLERY_KEY", MASTER)
    settings = weights.model_copy(update={"gallery": str(tmp_path / "gallery"), "data_dir": tmp_path / "data"})
    Gallery.create(None, GalleryPolicy(keep_crops=True), settings).close()
    return settings


@pytest.fixture(scope="session")
def process() -> Iterator[SharedProcess]:
    """In which videos are worked on."""
    shared = SharedProcess()
    yield shared
    shared.close()


@pytest.fixture
def service(
    own_settings: Settings,
    config: ServerConfig,
    analyzer: Analyzer,
    process: SharedProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Service]:
    """Open; passwords are hashed cheaply."""
    monkeypatch.setattr(videos, "VideoProcess", lambda _: process)
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    opened = open_service(own_settings, config, analyzer, cheap)
    yield opened
    opened.close()


@pytest.fixture
def app(service: Service, config: ServerConfig, own_settings: Settings) -> FastAPI:
    """The application on that service."""
    return create_app(config, own_settings, service)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Nobody is logged in. Faults of the service are answers, as in life."""
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


@dataclass(frozen=True)
class Person:
    """Somebody who may ask: an account with a password and a key of the same role."""

    account: Account
    key: str

    @property
    def caller(self) -> Caller:
        """As routes see the account."""
        return self.account.caller

    @property
    def headers(self) -> dict[str, str]:
        """What a program sends."""
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def people(service: Service) -> dict[tuple[str, Role], Person]:
    """Everybody, by tenant and role."""
    return {(tenant, role): person(service, tenant, role) for tenant in TENANTS for role in Role}


def person(service: Service, tenant: str, role: Role) -> Person:
    """A new account of the role, called as its role and tenant."""
    account = service.accounts.make(f"{role}@{tenant or 'main'}", role, tenant)
    service.accounts.set_password(account.id, service.passwords.hash(PASSWORD))
    account = service.accounts.get(account.id)
    return Person(account, service.keys.make(account.caller, "program", role, None)[1])


@pytest.fixture
def viewer(people: dict[tuple[str, Role], Person]) -> dict[str, str]:
    """Headers of a viewer of the tenant ""."""
    return people["", Role.VIEWER].headers


@pytest.fixture
def operator(people: dict[tuple[str, Role], Person]) -> dict[str, str]:
    """Headers of an operator of the tenant ""."""
    return people["", Role.OPERATOR].headers


@pytest.fixture
def administrator(people: dict[tuple[str, Role], Person]) -> dict[str, str]:
    """Headers of an administrator of the tenant ""."""
    return people["", Role.ADMINISTRATOR].headers


@pytest.fixture
def stranger(people: dict[tuple[str, Role], Person]) -> dict[str, str]:
    """Headers of an administrator of another tenant."""
    return people["north", Role.ADMINISTRATOR].headers


def log_in(client: TestClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Log a browser in; the header that its changes need."""
    answer = client.post("/v1/session", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    return {"X-CSRF-Token": answer.json()["csrf"]}
