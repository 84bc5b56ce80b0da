"""`mien serve`: the HTTP API and the console."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.gallery.opening import Place
from mien.cli.terminal import warn
from mien.cli.weights import reporter
from mien.errors import ExtraMissing, SettingsError
from mien.settings import Settings, load_settings

if TYPE_CHECKING:
    from mien.server.config import ServerConfig

SET_HELP = "Repeatable; any setting, and any of the table [server], such as session_hours=8."

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)]


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Where to listen; 0.0.0.0 for every network.")] = None,
    port: Annotated[int | None, typer.Option(help="8460 by default.", min=0, max=65_535)] = None,
    place: Place = None,
    workers: Annotated[int | None, typer.Option(help="Processes; each loads the networks.", min=1, max=64)] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="Speak TLS; with --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM", help="The certificate's key.")] = None,
    camera: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ADDRESS", help="Repeatable; what `mien watch` takes.")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Repeatable; where events go: https, mqtt.")
    ] = None,
    set_: Sets = None,
) -> None:
    """Serve the API and the console on this machine until Ctrl-C.

    The first start makes a gallery, where there is none, and an administrator, whose one-time link it prints.
    """
    need_extra()
    config, settings = configured(set_, place, host=host, port=port, workers=workers)
    over: dict[str, Any] = {
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "outputs": tuple(to) if to else None,
    }
    over["cameras"] = (config.cameras | pairs(camera, "--camera")) if camera else None
    config = changed(config, over)
    # The other command gets what stands before its name, too.
    context.obj = (config, settings)
    if context.invoked_subcommand is None:
        run(config, settings)


@app.command("reset-password")
def reset_password(context: typer.Context, name: Annotated[str, typer.Argument(help="Of the account.")]) -> None:
    """Print a one-time link for an account whose password is lost. Its password and sessions end."""
    from mien.server import run as running

    config, settings = context.obj
    found = running.welcome(config, settings, name)
    if found is None:
        raise SettingsError(f"There is no account called {name!r}.", "The first one is called admin.")
    print(f"{running.address_of(config, config.port)}/#welcome={found[1]}")
    warn("It works once, for a day, and takes the place of the password.")


def run(config: ServerConfig, settings: Settings) -> None:
    """Say where it is, and serve."""
    from mien.server import run as running
    from mien.server.page import Page

    with running.listen(config) as at:
        notes: list[str] = []
        token = running.prepare(config, settings, reporter(), notes.append)
        address = running.address_of(config, at.getsockname()[1])
        print(f"mien serves at {address}", flush=True)
        if token:
            print(f"Set the password of `admin` here (once, within a day): {address}/#welcome={token}", flush=True)
        for note in notes:
            print(note, flush=True)
        if missing := Page().missing:
            warn(missing)
        if not running.is_loopback(config.host) and not config.secure:
            warn(
                f"WARNING: {config.host} is open to the network WITHOUT TLS: passwords and pictures of people can be "
                "read on the way. Give --tls-certificate and --tls-key, or put a proxy before it and set public_url."
            )
        running.serve(config, settings, at)


def configured(sets: Iterable[str] | None, place: str | None = None, **options: Any) -> tuple[ServerConfig, Settings]:
    """The server's settings and mien's own, with options over them. Raises SettingsError."""
    from mien.server.config import ServerConfig, load_config

    said = pairs(sets, "--set")
    own = {name: value for name, value in said.items() if name in ServerConfig.model_fields}
    rest = {name: value for name, value in said.items() if name not in own}
    if unknown := [name for name in rest if name not in Settings.model_fields]:
        known = ", ".join(dict.fromkeys([*ServerConfig.model_fields, *Settings.model_fields]))
        raise SettingsError(f"--set {unknown[0]} sets nothing.", f"NAME is one of: {known}.")
    settings = load_settings(**(rest | ({"gallery": place} if place else {})))
    if "data_dir" in rest:
        own = {"state_dir": str(settings.data_dir / "server")} | own
    given = {name: value for name, value in options.items() if value is not None}
    return load_config(**(own | given)), settings


def changed(config: ServerConfig, over: dict[str, Any]) -> ServerConfig:
    """With other values for some fields. Raises SettingsError."""
    from mien.server.config import load_config

    return load_config(**(config.model_dump() | {name: value for name, value in over.items() if value is not None}))


def pairs(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    """`name=value` of each. Raises SettingsError."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise SettingsError(f"{option} {text} says nothing.", f"Give {option} NAME=VALUE.")
        found[name] = value
    return found


def need_extra() -> None:
    """Raises ExtraMissing where the extra `server` is not all there."""
    try:
        import argon2
        import fastapi
        import prometheus_client
        import python_multipart
        import uvicorn
    except ImportError as error:
        raise ExtraMissing(f"{error.name} is not installed.", "Run `pip install 'mien[server]'`.") from error
    assert argon2 and fastapi and prometheus_client and python_multipart and uvicorn
