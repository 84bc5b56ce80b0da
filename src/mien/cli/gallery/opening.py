"""Which gallery, and the options that every command of it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from mien.cli.gallery.said import CONSENT_HELP, FILTER_HELP, PROFILE_HELP
from mien.cli.weights import reporter
from mien.errors import SettingsError
from mien.gallery.kept import Kept
from mien.settings import load_settings

if TYPE_CHECKING:
    from mien.gallery.enrol import Allow
    from mien.gallery.gallery import Gallery

Place = Annotated[
    str | None, typer.Option("--gallery", metavar="PLACE", help="A folder or postgresql://...; else the setting.")
]
JsonTo = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="JSON Lines; - is standard output.")]
Profiles = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=PROFILE_HELP)]
Consents = Annotated[list[str] | None, typer.Option("--consent", metavar="NAME=VALUE", help=CONSENT_HELP)]
Filters = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=FILTER_HELP)]
Allowed = Annotated[
    str,
    typer.Option(
        "--allow",
        metavar="duplicate,unlike",
        help="duplicate: somebody enrolled looks like the person. unlike: photos do not look like the others.",
    ),
]
ALLOWED: Final = ("duplicate", "unlike")


def open_kept(place: str | None) -> Kept:
    """The people on record, for what needs no photo: it is open sooner."""
    return Kept(place, load_settings())


def open_gallery(place: str | None, threads: int | None = None) -> Gallery:
    """The whole gallery; networks are loaded with the first photo."""
    from mien.gallery.gallery import Gallery

    return Gallery(place, load_settings(threads=threads), progress=reporter())


def allow_of(text: str) -> Allow:
    """What `--allow` says. Raises SettingsError."""
    from mien.gallery.enrol import Allow

    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in ALLOWED]:
        raise SettingsError(f"--allow {unknown[0]} allows nothing.", f"Choose of: {', '.join(ALLOWED)}.")
    return Allow("duplicate" in names, "unlike" in names)
