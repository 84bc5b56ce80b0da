"""Serves the console: files from memory, a fresh nonce in every index.html, no request to anywhere else."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from mien.console import page_folder

# The first part of each address that the page itself understands; index.html answers them all.
PLACES: Final = ("login", "welcome", "try", "compare", "people", "live", "videos", "settings", "audit")
# The first part of addresses that are not the page's, whoever asks.
OTHERS: Final = ("v1", "health", "metrics", "assets")
# Stand in the built index.html: for the nonce, and for whether another service can be logged in by.
NONCE: Final = b"__CSP_NONCE__"
OIDC: Final = b"__OIDC__"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' blob: data:;"
    " media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MISSING: Final = (
    "This install carries no console. With Node 20.19 or newer on the path, or the npm registry in reach,"
    " `pip install --force-reinstall --no-deps mien` builds it; the API is served all the same."
)
# Not as the machine's own table of types has it, which may call scripts plain text.
KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
WORTH_COMPRESSING: Final = ("text/", "application/json", "image/svg+xml")
IMMUTABLE: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the page; packed is None where gzip gains nothing. etag: over the content, quoted."""

    content: bytes
    packed: bytes | None
    kind: str
    etag: str
    cache: str


class Page:
    """The console of one install; without one, `missing` is the line that says how to get it."""

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or page_folder()
        paths = [path for path in sorted(place.rglob("*")) if path.is_file()] if place else []
        self._files = {path.relative_to(place).as_posix(): _read(path, place) for path in paths if place}

    @property
    def missing(self) -> str | None:
        """What to tell whoever started the service; None where the page is there."""
        return None if "index.html" in self._files else MISSING

    def routes(self) -> list[BaseRoute]:
        """To be added after the API's own; all of them are open, for they hold nothing but the page."""
        if self.missing:
            return [Route("/", self._explain, include_in_schema=False)]
        places = [f"/{place}{rest}" for place in PLACES for rest in ("", "/{rest:path}")]
        files = [f"/{name}" for name in self._files if name not in {"index.html", "build.json"}]
        return [
            *(Route(path, self._index, include_in_schema=False) for path in ["/", *places]),
            *(Route(path, self._file, include_in_schema=False) for path in files),
            _Elsewhere("/{rest:path}", self._nowhere, include_in_schema=False),
        ]

    async def _index(self, request: Request) -> Response:
        return self._shown(request, 200)

    async def _nowhere(self, request: Request) -> Response:
        return self._shown(request, 404)

    def _shown(self, request: Request, status: int) -> Response:
        nonce = secrets.token_urlsafe(16)
        oidc = b"yes" if request.app.state.config.oidc_issuer else b"no"
        content = self._files["index.html"].content.replace(NONCE, nonce.encode()).replace(OIDC, oidc)
        return Response(
            content,
            status,
            media_type="text/html; charset=utf-8",
            headers={
                "Content-Security-Policy": POLICY.format(nonce=nonce),
                "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
                "Cache-Control": "no-store",
            },
        )

    async def _file(self, request: Request) -> Response:
        file = self._files[request.url.path.removeprefix("/")]
        headers = {"ETag": file.etag, "Cache-Control": file.cache, "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == file.etag:
            return Response(status_code=304, headers=headers)
        packed = file.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return Response(packed or file.content, media_type=file.kind, headers=headers)

    async def _explain(self, request: Request) -> Response:
        return Response(f"{MISSING}\n", media_type="text/plain; charset=utf-8")


class _Elsewhere(Route):
    """Any other address that a browser opens, so that the page says itself that it has no such page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """None for programs and for what others answer: those get the service's own 404."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        first, _, rest = scope["path"].lstrip("/").partition("/")
        last = rest.rpartition("/")[2] or first
        if first in OTHERS or "." in last or "text/html" not in Headers(scope=scope).get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)


def _read(path: Path, folder: Path) -> _File:
    content = path.read_bytes()
    kind = KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if kind.startswith(WORTH_COMPRESSING) else None
    hashed = path.relative_to(folder).parts[0] == "assets"
    return _File(
        content,
        packed if packed and len(packed) < len(content) else None,
        kind,
        f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        IMMUTABLE if hashed else "no-cache",
    )
