"""`mien gallery init`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.gallery.opening import Place
from mien.cli.gallery.said import policy_of
from mien.cli.gallery.showing import tell
from mien.gallery.errors import GalleryExists
from mien.gallery.place import is_server, place_of
from mien.gallery.store.master import SERVICE, VARIABLE, MasterKey, key_file
from mien.gallery.store.opening import KEYS
from mien.settings import load_settings
from mien.weights.catalog import Catalog


class KeyChoice(StrEnum):
    """Where a master key is kept."""

    FILE = "file"
    KEYRING = "keyring"
    ENVIRONMENT = "environment"


def init(
    place: Place = None,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card; it cannot be changed later.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="Embed in half the time, a little less accurate.")] = False,
    key: Annotated[
        KeyChoice | None, typer.Option(help=f"Where the master key is kept; a file, unless {VARIABLE} is set.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="The policy: max_templates, keep_crops, require_consent, keep_answers_days, min_quality, "
            "duplicate_fmr.",
        ),
    ] = None,
) -> None:
    """Make an empty gallery, and the master key that opens it."""
    from mien.gallery.gallery import Gallery

    settings, policy = load_settings(), policy_of(set_)
    where = place_of(place, settings)
    if not is_server(where) and (Path(where).expanduser() / KEYS).exists():
        raise GalleryExists(f"There is a gallery at {where} already.", "Name another place: --gallery DIR.")
    Catalog.load(settings).card(embedder)  # Before a key is made for nothing.
    chosen = key or (KeyChoice.ENVIRONMENT if os.environ.get(VARIABLE) else KeyChoice.FILE)
    master = kept_key(chosen)
    with Gallery.create(where, policy, settings, master=master, embedder=embedder, fast=fast) as gallery:
        tell(f"Made {'a gallery on the server' if is_server(where) else where} for {gallery.info.model}.")
    tell(*key_lines(chosen, master))


def kept_key(choice: KeyChoice) -> MasterKey:
    """The key of the environment, or a fresh one that lies where it was asked for. Raises what `MasterKey` raises."""
    if choice is KeyChoice.ENVIRONMENT:
        return MasterKey.from_environment()
    master = MasterKey.new()
    if choice is KeyChoice.KEYRING:
        master.save_in_keyring()
    else:
        master.save(key_file(master.name))
    return master


def key_lines(choice: KeyChoice, master: MasterKey) -> list[str]:
    """Where a key lies, and what that means."""
    where = {
        KeyChoice.FILE: f"lies at {key_file(master.name)}",
        KeyChoice.KEYRING: f"lies in the system's keyring, as {master.name!r} of {SERVICE!r}",
        KeyChoice.ENVIRONMENT: f"is the one in {VARIABLE}",
    }
    return [
        f"The master key {where[choice]}.",
        "Back it up, apart from the gallery: without it nobody can open the gallery, with both anybody can.",
    ]
