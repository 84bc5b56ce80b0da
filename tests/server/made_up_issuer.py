"""A small service to log in by, on this machine: lets in whoever it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "mien-test", "the client's own secret"


@dataclass
class Issuer:
    """Lets in whoever `claims` says; `spoil` changes what it says before it is signed."""

    url: str = ""
    key: ECKey = field(
        default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
    )
    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "4711", "email": "anna@example.org", "email_verified": True}
    )
    spoil: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    signer: Any = None
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "one"})
    broken: bool = False
    begun: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def answer(self, path: str, form: dict[str, str], headers: Any) -> tuple[int, Any]:
        """What an issuer has."""
        self.read.append(path)
        if self.broken:
            return 500, {"error": "broken"}
        if path == "/.well-known/openid-configuration":
            here = self.url
            return 200, {
                "issuer": self.name or here,
                "authorization_endpoint": f"{here}/authorize",
                "token_endpoint": f"{here}/token",
                "jwks_uri": f"{here}/keys",
            }
        if path == "/keys":
            return 200, KeySet([self.key]).as_dict(private=False)
        if path == "/authorize":
            self.begun["the code"] = form
            return 302, f"{form['redirect_uri']}?{urlencode({'code': 'the code', 'state': form['state']})}"
        return self.token(form, headers)

    def token(self, form: dict[str, str], headers: Any) -> tuple[int, Any]:
        """Checks what a real one checks."""
        self.asked.append(form)
        begun = self.begun.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        sent = base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
        right = begun is not None and proof.decode() == begun["code_challenge"]
        if not right or form["redirect_uri"] != begun["redirect_uri"] or not sent.startswith(CLIENT):
            return 400, {"error": "invalid_grant", "error_description": "a secret"}
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": begun["nonce"]}
        said = {name: value for name, value in (said | self.claims | self.spoil).items() if value is not None}
        id_token = jwt.encode(self.header, said, self.signer or self.key, algorithms=[self.header["alg"]])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": id_token}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Answers until the end."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None: ...

        def do_GET(self) -> None:
            self.answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def answer(self, form: str) -> None:
            sent = {name: value[0] for name, value in parse_qs(form).items()}
            status, content = made.answer(urlsplit(self.path).path, sent, self.headers)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()
