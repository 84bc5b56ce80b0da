"""Whether a browser asks on its own page's behalf, or another site's page makes it ask."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from mien.server.config import ServerConfig
from mien.server.errors import NotAllowed
from mien.server.state.sessions import Session

HEADER: Final = "X-CSRF-Token"
SAFE: Final = {"GET", "HEAD", "OPTIONS"}


def check_origin(connection: HTTPConnection, config: ServerConfig) -> None:
    """Browsers say where a page that asks came from; others say nothing. Raises NotAllowed for another place."""
    origin = connection.headers.get("origin")
    if origin is not None and origin not in _own(connection, config):
        raise NotAllowed(f"The request comes from a page of {origin[:100]!r}.", "Behind a proxy, set public_url.")
    if origin is None and connection.headers.get("sec-fetch-site") == "cross-site":
        raise NotAllowed("The request comes from another site's page.", "Behind a proxy, set public_url.")


def check_token(connection: HTTPConnection, session: Session) -> None:
    """What GET /v1/session gave must come back as a header. Raises NotAllowed."""
    if not hmac.compare_digest(connection.headers.get(HEADER, "").encode(), session.csrf.encode()):
        raise NotAllowed(f"The header {HEADER} is missing or wrong.", "Send `csrf` of GET /v1/session in it.")


def _own(connection: HTTPConnection, config: ServerConfig) -> set[str]:
    if config.public_url:
        parts = urlsplit(config.public_url)
        return {f"{parts.scheme}://{parts.netloc}"}
    host = connection.headers.get("host", "")
    return {f"{'https' if config.tls else 'http'}://{host}"}
