"""Serving: a socket, the first account, and one process or several that answer until they are told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import multiprocessing
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from mien.analyze import default_stages
from mien.detect.choice import DETECTOR_CARDS
from mien.detect.policy import DetectPolicy
from mien.gallery.asking import embedder_of
from mien.gallery.place import place_of
from mien.gallery.store.master import VARIABLE, key_file
from mien.landmark.mesh import LANDMARK_CARDS
from mien.memory import return_large_blocks
from mien.server.app import create_app
from mien.server.caller import Caller, Role
from mien.server.config import ServerConfig
from mien.server.errors import PortTaken
from mien.server.live.session import FRAME_BYTES
from mien.server.log import set_up
from mien.server.metrics import SHARED
from mien.server.protocol import GuardedProtocol
from mien.server.service import has_gallery, open_gallery, open_state, state_of
from mien.server.state.accounts import Account, Accounts
from mien.server.state.audit import AuditLog
from mien.settings import Settings
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure_all
from mien.weights.progress import Progress

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 10
HEALTH_SECONDS: Final = 60
"""Loading networks may keep a worker from answering its supervisor for a while."""
AT_THE_MACHINE: Final = Caller("machine", "", "mien serve", Role.ADMINISTRATOR, "")
"""Whoever holds the machine and the master key."""
ANYWHERE: Final = ("", "0.0.0.0", "::")


def listen(config: ServerConfig) -> socket.socket:
    """The socket to serve at. Raises PortTaken."""
    try:
        family = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((config.host, config.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PortTaken(
            f"{config.host}:{config.port} cannot be listened at: {error.strerror or error}.",
            "Stop what listens there, or name another: --port.",
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(config: ServerConfig, port: int) -> str:
    """Where browsers find it, as far as this machine can tell."""
    if config.public_url:
        return config.public_url.rstrip("/")
    host = "localhost" if config.host in ANYWHERE else config.host
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if config.tls else 'http'}://{host}:{port}"


def prepare(
    config: ServerConfig, settings: Settings, progress: Progress | None = None, tell: Callable[[str], None] = print
) -> str | None:
    """Weights, gallery, state and the first account, made where they are not there; `tell` where a new gallery lies.

    The token of a one-time link: of the first account, as long as it has no password. Raises what these raise.
    """
    new = not has_gallery(settings)
    with open_gallery(settings) as gallery:
        if new:
            tell(_where_kept(place_of(None, settings), gallery.records.master_name))
        embedder, _ = embedder_of(gallery.info.model, settings)
        stages = default_stages(settings)
        cards = [Catalog.load(settings).card(embedder)]
        cards += [Catalog.load(settings).card(settings.expression_model)] if "expression" in stages else []
        ensure_all([*DETECTOR_CARDS[DetectPolicy().detector], *LANDMARK_CARDS, *cards], settings, progress)
        with open_state(gallery, config) as state:
            return Accounts(state).make_first()


def _where_kept(place: str, master: str) -> str:
    key = f"that of {VARIABLE}" if os.environ.get(VARIABLE) else str(key_file(master))
    return f"The people's gallery is {place}, its master key {key}. Back the key up, apart from the gallery."


def welcome(config: ServerConfig, settings: Settings, name: str) -> tuple[Account, str] | None:
    """A new one-time link for an account: its password and sessions end. None where nobody has this name.

    Raises SettingsError where no service has ever run.
    """
    with state_of(settings, config) as state:
        accounts = Accounts(state)
        account = accounts.called(name)
        if account is None:
            return None
        with state.write():
            token = accounts.invite(account.id)
            AuditLog(state).write(replace(AT_THE_MACHINE, tenant=account.tenant), "reset_password", account.id)
        return account, token


def serve(config: ServerConfig, settings: Settings, at: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT, then finish what has begun. Raises what kept the service from starting."""
    if config.workers > 1:
        _share_metrics(config)
        Multiprocess(_uvicorn(config, partial(worker_app, config, settings), True), sockets=[at]).run()
        return
    set_up(config.log_format)
    app = create_app(config, settings)
    server = _Server(_uvicorn(config, app, False), app)
    before = signal.signal(signal.SIGTERM, _quietly)
    try:
        with contextlib.suppress(KeyboardInterrupt, _Ended):
            server.run(sockets=[at])
    finally:
        signal.signal(signal.SIGTERM, before)
    if app.state.trouble is not None:
        raise app.state.trouble


def worker_app(config: ServerConfig, settings: Settings) -> FastAPI:
    """In a process of its own, which ends when the one that began it is gone, however that ended."""
    return_large_blocks()
    set_up(config.log_format)
    threading.Thread(target=_follow_parent, name="mien-parent", daemon=True).start()
    return create_app(config, settings)


class _Ended(Exception):
    """SIGTERM, after all was finished."""


def _quietly(signal_number: int, frame: FrameType | None) -> None:
    raise _Ended


class _Server(uvicorn.Server):
    """Ends streams of events as soon as it is told to stop, and stops where the service cannot start."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        app.state.on_trouble = self._stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn has it."""
        if (service := self._app.state.service) is not None:
            service.streams.close()
        super().handle_exit(sig, frame)

    def _stop(self) -> None:
        self.should_exit = True


def _uvicorn(config: ServerConfig, app: object, factory: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=factory,
        workers=config.workers,
        http=GuardedProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=list(config.proxies),
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
        ws_max_size=FRAME_BYTES,
        # Pictures are compressed already, and each connection would hold buffers for it.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
    )


def _share_metrics(config: ServerConfig) -> None:
    """A folder through which the workers' figures become one answer; before a worker begins to count."""
    folder = config.state_dir.expanduser() / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ[SHARED] = str(folder)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
