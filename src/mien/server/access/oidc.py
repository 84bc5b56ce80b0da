"""Log in by another service: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from mien.errors import ExtraMissing
from mien.server.config import ServerConfig
from mien.server.errors import NotFound, NotLoggedIn, OtherServiceFailed
from mien.server.state.accounts import token_hash
from mien.server.state.database import SECOND, State

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

COOKIE: Final = "mien_oidc"
CALLBACK: Final = "/v1/session/oidc/callback"
SCOPE: Final = "openid email"
ERRAND_SECONDS: Final = 600
TIMEOUT_SECONDS: Final = 10.0
LEEWAY_SECONDS: Final = 60
KNOWN_SECONDS: Final = 300.0
# No `none`, and no HMAC: the client's secret is no key that only the issuer has.
ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]


@dataclass(frozen=True, slots=True)
class Claims:
    """What the other service vouches for. email: None where it was not verified."""

    subject: str
    email: str | None


class Known:
    """What the issuer said of itself and of its keys, by address, for five minutes. Failures are not kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, address: str, ask: Callable[[], Any], fresh: bool = False) -> Any:
        """As it was said, or asked anew. Raises what `ask` raises: nothing older than that is believed."""
        with self._lock:
            until, found = self._kept.get(address, (0.0, None))
        if fresh or monotonic() >= until:
            until, found = monotonic() + KNOWN_SECONDS, ask()
            with self._lock:
                self._kept[address] = until, found
        return found


@dataclass(frozen=True, slots=True)
class OtherService:
    """The issuer of the settings."""

    config: ServerConfig
    state: State
    known: Known

    def start(self, own_url: str) -> tuple[str, str]:
        """Where to send the browser, and what its cookie must hold when it comes back."""
        nonce, verifier, state = (secrets.token_urlsafe(48) for _ in range(3))
        with self._client(own_url) as client:
            url, _ = client.create_authorization_url(
                self._discover(client)["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        until = self.state.now() + ERRAND_SECONDS * SECOND
        with self.state.write() as writing:
            writing.execute("INSERT INTO errands VALUES (?, ?, ?, ?)", (token_hash(state), nonce, verifier, until))
        return url, state

    def finish(self, own_url: str, code: str, state: str) -> Claims:
        """Who came back. Raises NotLoggedIn where any of it is not as it was begun, OtherServiceFailed."""
        nonce, verifier = self._errand(state)
        with self._client(own_url) as client:
            found = self._discover(client)
            token = _asked(lambda: client.fetch_token(found["token_endpoint"], code=code, code_verifier=verifier))
            id_token, address = str(token.get("id_token", "")), found["jwks_uri"]
            keys = self.known.get(address, lambda: _read(client, address))
            try:
                return self._claims(id_token, keys, nonce)
            except NotLoggedIn:
                # The issuer may sign by a new key since.
                newer = self.known.get(address, lambda: _read(client, address), fresh=True)
                if newer == keys:
                    raise
        return self._claims(id_token, newer, nonce)

    def _errand(self, state: str) -> tuple[str, str]:
        """Used up by this."""
        with self.state.write() as writing:
            sql = "DELETE FROM errands WHERE state = ? AND expires_at > ? RETURNING nonce, verifier"
            found = writing.execute(sql, (token_hash(state), self.state.now())).fetchall()
        if not found:
            raise NotLoggedIn("This log-in was not begun here, or took too long.", "Begin it anew.")
        return str(found[0][0]), str(found[0][1])

    def _client(self, own_url: str) -> OAuth2Client:
        if not self.config.oidc_issuer:
            raise NotFound("No other service to log in by is set up.", "Log in with a password.")
        try:
            from authlib.integrations.httpx_client import OAuth2Client
        except ImportError as error:
            raise ExtraMissing("authlib is not installed.", "Run `pip install 'mien[oidc]'`.") from error
        return OAuth2Client(
            self.config.oidc_client_id,
            self.config.oidc_client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self.config.oidc_client_secret else "none",
            scope=SCOPE,
            redirect_uri=own_url + CALLBACK,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def _discover(self, client: OAuth2Client) -> dict[str, Any]:
        issuer = self.config.oidc_issuer.rstrip("/")
        address = f"{issuer}/.well-known/openid-configuration"

        def ask() -> dict[str, Any]:
            found: dict[str, Any] = _read(client, address)
            if str(found.get("issuer", "")).rstrip("/") != issuer:
                raise OtherServiceFailed("The service to log in by calls itself otherwise.", "Mend oidc_issuer.")
            return found

        known: dict[str, Any] = self.known.get(address, ask)
        return known

    def _claims(self, id_token: str, keys: Any, nonce: str) -> Claims:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "values": [self.config.oidc_issuer, self.config.oidc_issuer.rstrip("/")]},
                aud={"essential": True, "value": self.config.oidc_client_id},
                exp={"essential": True},
                nonce={"essential": True, "value": nonce},
                sub={"essential": True},
            ).validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotLoggedIn("What the other service says cannot be trusted.", "Begin the log-in anew.") from error
        claims = token.claims
        party = claims.get("azp", self.config.oidc_client_id)
        if party != self.config.oidc_client_id:
            raise NotLoggedIn("What the other service says is meant for somebody else.", "Begin the log-in anew.")
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Claims(str(claims["sub"]), str(email) if email else None)


def _read(client: OAuth2Client, address: str) -> Any:
    return _asked(lambda: client.request("GET", address, withhold_token=True).raise_for_status().json())


def _asked(ask: Any) -> Any:
    """What the other service answers. Its words may hold secrets, so that none of them is repeated."""
    import httpx2
    from authlib.integrations.base_client import OAuthError

    try:
        return ask()
    except OAuthError as error:
        raise NotLoggedIn("The other service refuses the log-in.", "Begin it anew.") from error
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        raise OtherServiceFailed(
            f"The service to log in by does not answer as it should: {type(error).__name__}.", "Try again later."
        ) from error
