"""Everything that a route needs, built once a process and closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from mien.analyze import Analyzer
from mien.compare import Comparer
from mien.errors import SettingsError
from mien.gallery.asking import embedder_of
from mien.gallery.gallery import Gallery, GalleryPolicy
from mien.gallery.place import is_server, place_of
from mien.gallery.store.master import find_master
from mien.gallery.store.opening import KEYS
from mien.server.access.limits import Lockout, Rate
from mien.server.access.oidc import Known
from mien.server.access.passwords import Passwords
from mien.server.cameras.cameras import Cameras
from mien.server.config import ServerConfig
from mien.server.errors import Busy, Internal
from mien.server.events import Named, Streams
from mien.server.inference import Inference
from mien.server.jobs.runner import JobRunner
from mien.server.live.session import LiveSessions
from mien.server.metrics import Metrics
from mien.server.networks import VideoNetworks
from mien.server.outputs import Outputs
from mien.server.roll import Roll
from mien.server.state.accounts import Accounts
from mien.server.state.alive import Alive
from mien.server.state.audit import AuditLog
from mien.server.state.database import FILE, State
from mien.server.state.events import EventLog
from mien.server.state.keys import Keys
from mien.server.state.preferences import PreferenceShelf
from mien.server.state.root import root_key
from mien.server.state.sessions import Sessions
from mien.server.turns import OneEach
from mien.server.videos import open_videos
from mien.settings import Settings

STARTING_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """Thread-safe, all of it. `closing` ends its parts in the order in which they need each other."""

    settings: Settings
    config: ServerConfig
    state: State
    alive: Alive
    gallery: Gallery
    roll: Roll
    analyzer: Analyzer
    comparer: Comparer
    inference: Inference
    accounts: Accounts
    sessions: Sessions
    keys: Keys
    preferences: PreferenceShelf
    audit: AuditLog
    events: EventLog
    named: Named
    streams: Streams
    networks: VideoNetworks
    live: LiveSessions
    jobs: JobRunner
    cameras: Cameras
    outputs: Outputs
    metrics: Metrics
    passwords: Passwords
    lockout: Lockout
    rate: Rate
    closing: ExitStack
    examining: OneEach = field(default_factory=OneEach)
    issuer: Known = field(default_factory=Known)

    def close(self) -> None:
        """Finish what has begun, refuse the rest, let go of files."""
        self.closing.close()


def has_gallery(settings: Settings) -> bool:
    """Whether there is one at the place of the settings, or it is a server's, where none is made."""
    place = place_of(None, settings)
    return is_server(place) or (Path(place).expanduser() / KEYS).exists()


def open_gallery(settings: Settings) -> Gallery:
    """The one of the settings, made where there is none. Raises what `Gallery` raises."""
    place = place_of(None, settings)
    if not has_gallery(settings):
        Gallery.create(place, GalleryPolicy(keep_crops=True), settings).close()
    return Gallery(place, settings)


def open_analyzer(settings: Settings) -> Analyzer:
    """All stages, and the embedder of the gallery."""
    with open_gallery(settings) as gallery:
        name, fast = embedder_of(gallery.info.model, settings)
    return Analyzer(settings=settings, embedder=name, fast=fast)


def open_state(gallery: Gallery, config: ServerConfig) -> State:
    """The service's own file, made where there is none; it opens with the gallery's master key.

    Raises SettingsError where the folder cannot be made or written.
    """
    folder = config.state_dir.expanduser()
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=folder):
            pass
        root = root_key(folder, find_master(gallery.records.master_name))
    return State(folder, root)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"The service cannot write in its folder {folder}: {error.strerror or error}.",
            "Make it writable for the service's user, or name another: --set state_dir=DIR.",
        ) from error


@contextmanager
def state_of(settings: Settings, config: ServerConfig) -> Iterator[State]:
    """What a service has made, for commands at its machine, which make nothing. Raises SettingsError without it."""
    if not (config.state_dir.expanduser() / FILE).exists():
        raise SettingsError(f"There is no state of `mien serve` in {config.state_dir}.", "Give --set state_dir=DIR.")
    with Gallery(None, settings) as gallery, open_state(gallery, config) as state:
        yield state


def open_service(
    settings: Settings, config: ServerConfig, analyzer: Analyzer | None = None, passwords: Passwords | None = None
) -> Service:
    """Open gallery and state, and load what was not given. Raises what these raise."""
    with ExitStack() as stack:
        settings = _limited(settings, config)
        analyzer = analyzer or open_analyzer(settings)
        gallery = stack.enter_context(Gallery(None, settings, analyzer=analyzer))
        gallery.limits = config.photo_limits
        state = stack.enter_context(open_state(gallery, config))
        with _writing(state.folder):
            alive = Alive(state.folder)
        stack.callback(alive.close)
        inference = Inference.of(config)
        stack.callback(inference.close)
        accounts = Accounts(state)
        videos = open_videos(settings, config, gallery, state)
        stack.callback(videos.close)
        return Service(
            settings=settings,
            config=config,
            state=state,
            alive=alive,
            gallery=gallery,
            roll=Roll(gallery.records),
            analyzer=analyzer,
            comparer=Comparer(analyzer),
            inference=inference,
            accounts=accounts,
            sessions=Sessions(state, accounts, config.session_hours),
            keys=Keys(state, accounts),
            preferences=PreferenceShelf(state),
            audit=videos.audit,
            events=videos.events,
            named=videos.named,
            streams=videos.streams,
            networks=videos.networks,
            live=videos.live,
            jobs=videos.jobs,
            cameras=videos.cameras,
            outputs=videos.outputs,
            metrics=Metrics(),
            passwords=passwords or Passwords(),
            lockout=Lockout(state, config.login_failures),
            rate=Rate(config.requests_per_minute),
            closing=stack.pop_all(),
        )


def _limited(settings: Settings, config: ServerConfig) -> Settings:
    """Photos of requests have limits of their own."""
    over = {"max_pixels": config.photo_pixels, "max_bytes": config.photo_bytes}
    limits = {name: min(value, getattr(settings, name)) for name, value in over.items()}
    # One pass of a network for each photo that is worked on at once.
    return settings.model_copy(update=limits | {"threads": config.threads})


def service_at(connection: HTTPConnection) -> Service:
    """The service of the application that was asked. Raises Busy while it is loading, Internal where it cannot."""
    found: Service | None = connection.app.state.service
    if connection.app.state.trouble is not None:
        raise Internal("The service could not start.", "Its log says why.")
    if found is None:
        raise Busy("The service is starting.", "Try again in a moment.", STARTING_SECONDS)
    return found


def service_of(request: Request) -> Service:
    """As `service_at`, for a dependency."""
    return service_at(request)


ServiceOf = Annotated[Service, Depends(service_of)]
