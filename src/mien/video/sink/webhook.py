"""Events to a web server, signed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
import time
import uuid
from urllib.parse import SplitResult, urlsplit

from mien.errors import SinkError
from mien.video.frame import SourceInfo
from mien.video.sink.messages import Messages
from mien.video.sink.outbox import WAITING, NotNow, Refused

TIMEOUT_SECONDS = 10.0
DRAIN_SECONDS = 15.0
# These say: later. All other 4xx, and redirects, say: never.
LATER = {408, 425, 429}


class WebhookPost:
    """Hands one body after another to a web server, signed. For one thread.

    Headers: `X-Mien-Timestamp` (Unix seconds), `X-Mien-Delivery` (the same for each try of a body) and, with a secret,
    `X-Mien-Signature`: `sha256=` and the HMAC-SHA256, in hex, of timestamp, a full stop and the body. Redirects are not
    followed.
    """

    def __init__(self, url: str, secret: str | None = None) -> None:
        """url: http:// or https://, without a password. Raises SinkError for another."""
        self._address = _address(url)
        self._secret = secret.encode() if secret else None
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None
        self.name = f"{self._address.scheme}://{self._address.netloc}"

    def __call__(self, body: bytes, delivery: str) -> None:
        """Returns once the server has taken it; raises NotNow or Refused."""
        path = self._address.path or "/"
        query = f"?{self._address.query}" if self._address.query else ""
        connection = self._connection()
        try:
            connection.request("POST", path + query, body, self._headers(body, delivery))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise NotNow(f"It cannot be reached: {error or type(error).__name__}.") from error
        finally:
            connection.close()
        if status >= 500 or status in LATER:
            raise NotNow(f"It answered {status}.")
        if not 200 <= status < 300:
            raise Refused(f"It answered {status}" + (", a redirect." if 300 <= status < 400 else "."))

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._tls:
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def _headers(self, body: bytes, delivery: str) -> dict[str, str]:
        at = str(int(time.time()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "mien",
            "X-Mien-Timestamp": at,
            "X-Mien-Delivery": delivery,
        }
        if self._secret:
            digest = hmac.new(self._secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers["X-Mien-Signature"] = f"sha256={digest}"
        return headers


class Webhook(Messages):
    """A Sink: each record of JSON as a POST of its own, in order, tried again while the server is away or busy."""

    def __init__(self, url: str, secret: str | None = None, waiting: int = WAITING) -> None:
        """url, secret: as `WebhookPost` has them. Raises SinkError for another address."""
        super().__init__(waiting)
        self._send = WebhookPost(url, secret)
        self._trying: tuple[bytes, str] = (b"", "")

    def start(self, info: SourceInfo) -> None:
        """Returns at once; a server that is away now may come later."""
        self.begin(self._send.name, self._post, info, DRAIN_SECONDS)

    def _post(self, body: bytes) -> None:
        if self._trying[0] is not body:
            self._trying = body, str(uuid.uuid4())
        self._send(*self._trying)


def _address(url: str) -> SplitResult:
    """Never repeats the URL, which may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SinkError("The address of the webhook cannot be read.", "It is https://hook.example/path.")
    if parts.username or parts.password:
        raise SinkError("The address of the webhook holds a password.", "Leave it out, and sign with a secret instead.")
    return parts
