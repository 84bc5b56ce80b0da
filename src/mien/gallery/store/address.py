"""The URL of a gallery on a server: what the server is told, and what may be shown of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mien.errors import ExtraMissing
from mien.gallery.errors import GalleryError

if TYPE_CHECKING:
    import psycopg

GALLERY: Final = "gallery"
_NAME: Final = re.compile(r"(?!pg_)[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A server's database, and a gallery in it.

    conninfo: what libpq takes, with the password. gallery: name of the schema. shown: where that is, without secrets.
    """

    conninfo: str = field(repr=False)
    gallery: str
    shown: str

    @property
    def keys(self) -> str:
        """Name of the schema that holds the keys and nothing else."""
        return f"{self.gallery}_keys"


def library() -> Any:
    """psycopg, which speaks to the server. Raises ExtraMissing."""
    try:
        import psycopg
    except ImportError as error:
        raise ExtraMissing("psycopg is not installed.", "Run `pip install 'mien[postgres]'`.") from error
    return psycopg


def read_url(url: str) -> Address:
    """Take the gallery's name (`?gallery=NAME`, "mien" where there is none) out of a postgresql:// URL.

    Raises GalleryError for a URL that cannot be read; its text is never repeated, since it may hold a password.
    """
    base, _, query = url.partition("?")
    parts = [part for part in query.split("&") if part]
    named = [unquote(part.partition("=")[2]) for part in parts if part.partition("=")[0] == GALLERY]
    name = named[-1] if named else "mien"
    if not _NAME.fullmatch(name):
        raise GalleryError(
            f"{name!r} is not a name for a gallery on a server.",
            "Use up to 40 letters, digits and underscores, beginning with a letter, and not with pg_.",
        )
    conninfo = "?".join([base, "&".join(part for part in parts if part.partition("=")[0] != GALLERY)]).rstrip("?")
    return Address(conninfo, name, f"{_shown(conninfo)}, gallery {name!r}")


def _shown(conninfo: str) -> str:
    psycopg = library()
    try:
        said: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.Error:
        said = {"host": "@"}
    host, port = str(said.get("host", "localhost")), str(said.get("port", ""))
    # A password with a bare @, : or / would be taken for the host or port, and shown in messages.
    if "@" in host or not re.fullmatch(r"[0-9,]*", port):
        raise GalleryError(
            "The URL of the gallery cannot be read.",
            "It is postgresql://user:password@host:port/database?gallery=name; write @ : / ? # % in a password as "
            "%40 %3A %2F %3F %23 %25.",
        ) from None
    return f"{host}{':' if port else ''}{port}/{said.get('dbname', '')}"


def reason(error: psycopg.Error) -> str:
    """What the server said, in a line."""
    said = error.diag.message_primary or str(error)
    return " ".join(said.split()).rstrip(".")
