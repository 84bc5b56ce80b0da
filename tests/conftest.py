"""What every test shares: no network, the pulled weights, the samples, and development data where it is present."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["MIEN_OFFLINE"] = "1"
os.environ["PIP_NO_INDEX"] = "1"  # child processes that would ask pip

# Lets every test import `tiny_expression`.
sys.path.insert(0, str(Path(__file__).parent))

from mien.image import open_photo
from mien.settings import Settings, load_settings
from mien.weights.fetch import ensure
from tiny_expression import install

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine."""


LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection and every name look-up but this machine's own, from the first test on."""
    names = {"connect": socket.socket, "connect_ex": socket.socket, "create_connection": socket, "getaddrinfo": socket}
    patch = pytest.MonkeyPatch()
    for name, owner in names.items():
        patch.setattr(owner, name, _only_here(getattr(owner, name), owner is socket.socket))
    yield
    patch.undo()


def _only_here(real: Callable[..., Any], method: bool) -> Callable[..., Any]:
    def refusing(*args: Any, **kwargs: Any) -> Any:
        target = args[1 if method else 0]
        host = target[0] if isinstance(target, tuple) else target
        # Strings are paths of Unix sockets, where they are no names of hosts.
        local = host in LOOPBACK or (method and isinstance(target, str | bytes))
        if not local:
            raise NetworkBlocked("Tests never touch the network.")
        return real(*args, **kwargs)

    return refusing


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings on the user's own cache, where `mien weights pull` put the weights."""
    return load_settings()


@pytest.fixture(scope="session")
def weights(settings: Settings) -> Settings:
    """The settings, once the weights are known to be there. A test that needs them fails where they were not pulled."""
    for name in ("yunet", "sface", "facemesh", "iris", "blazeface", "expression", "astronaut", "cat", "coffee"):
        ensure(name, settings)
    return settings


@pytest.fixture(scope="session")
def tiny(weights: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings on a cache of its own, with an expression model of random weights, which they name."""
    settings = weights.model_copy(
        update={"cache_dir": tmp_path_factory.mktemp("tiny-cache"), "expression_model": "tiny"}
    )
    install(settings)
    for name in ("yunet", "sface", "facemesh", "iris"):
        shutil.copy(ensure(name, weights), settings.cache_dir / "weights")
    return settings


def _sample(name: str, settings: Settings) -> np.ndarray:
    return open_photo(ensure(name, settings)).pixels().pixels


@pytest.fixture(scope="session")
def astronaut(weights: Settings) -> np.ndarray:
    """(512, 512, 3) uint8 RGB, one face."""
    return _sample("astronaut", weights)


@pytest.fixture(scope="session")
def cat(weights: Settings) -> np.ndarray:
    """(300, 451, 3) uint8 RGB, no human face."""
    return _sample("cat", weights)


@pytest.fixture(scope="session")
def coffee(weights: Settings) -> np.ndarray:
    """(400, 600, 3) uint8 RGB, no face."""
    return _sample("coffee", weights)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of development data; skips where it is absent, as on every user's machine."""
    if not DATA.is_dir():
        pytest.skip("development data (../shared/data) is not on this machine")
    return DATA
