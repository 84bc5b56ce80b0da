"""Where the service is, who asks, and by which certificates it is known."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from mien import __version__
from mien.client.body import SourceMissing
from mien.client.call import Call
from mien.client.errors import ClientError
from mien.server.schema.session import SessionOut

CSRF: Final = "X-CSRF-Token"
SAFE: Final = ("GET", "HEAD")


class AddressWrong(ClientError):
    """The address of the service cannot be one."""

    code = "address"


@dataclass(slots=True)
class Place:
    """key: an API key; without one, `log_in` begins a session. ca: of the service, in place of the system's.

    seconds: without a byte from the service, after which it is given up. patience: seconds of waiting in all, when the
    service is busy or away, before that is an error; 0: one try.
    """

    address: str
    key: str | None = field(default=None, repr=False)
    ca: str | os.PathLike[str] | ssl.SSLContext | None = None
    seconds: float = 60.0
    patience: float = 30.0
    csrf: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise AddressWrong(
                f"{self.address!r} is no address of a service.",
                "Begin it with http or https, as `mien serve` prints it.",
            )
        if parts.username is not None or parts.password is not None:
            raise AddressWrong("The address holds a name or a password.", "Give a key, or log in.")

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """Raises SourceMissing."""
        if self.ca is None or isinstance(self.ca, ssl.SSLContext):
            return self.ca or True
        try:
            return ssl.create_default_context(cafile=os.fspath(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise SourceMissing(f"{self.ca} holds no certificates: {error}.", "Name a PEM file.") from error

    @property
    def options(self) -> dict[str, Any]:
        """Of the HTTP library's client."""
        headers = {"User-Agent": f"mien/{__version__}", **self.who}
        timeout = httpx2.Timeout(self.seconds, connect=min(10.0, self.seconds))
        base = self.address.rstrip("/")
        return {"base_url": base, "headers": headers, "timeout": timeout, "verify": self.trust}

    @property
    def who(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def request(
        self, http: httpx2.Client | httpx2.AsyncClient, call: Call[Any], body: dict[str, Any]
    ) -> httpx2.Request:
        """To be sent by `http`; body: the arguments that the call's body makes."""
        csrf = {CSRF: self.csrf} if self.csrf and call.method not in SAFE else {}
        headers = {**call.headers, **csrf, **body.pop("headers", {})}
        return http.build_request(call.method, call.path, params=dict(call.query), headers=headers, **body)

    def note(self, result: object) -> None:
        """Remember what changes need from now on."""
        if isinstance(result, SessionOut):
            self.csrf = result.csrf
