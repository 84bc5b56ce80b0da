"""What stands before every route: who asks, by cookie or key, and whether they may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Request, WebSocket
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from mien.server.access.csrf import SAFE, check_origin, check_token
from mien.server.caller import Caller, Role
from mien.server.config import ServerConfig
from mien.server.errors import NotAllowed, NotLoggedIn
from mien.server.service import Service, ServiceOf, service_at
from mien.server.state.sessions import Session

COOKIE: Final = "mien_session"
# For the OpenAPI document only; both are read by hand, where an old cookie must not hide a good key.
BY_COOKIE = APIKeyCookie(name=COOKIE, scheme_name="session", auto_error=False)
BY_KEY = HTTPBearer(scheme_name="key", bearerFormat="mien_<id>_<secret>", auto_error=False)

Cookie = Annotated[str | None, Depends(BY_COOKIE)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(BY_KEY)]


def cookie_name(config: ServerConfig) -> str:
    """`__Host-` keeps browsers from taking it over plain HTTP or from a neighbouring host."""
    return f"__Host-{COOKIE}" if config.secure else COOKIE


def session_of(connection: HTTPConnection, service: Service) -> Session | None:
    """The session that a browser's cookie names, where there is one in force."""
    token = connection.cookies.get(cookie_name(service.config))
    return service.sessions.find(token) if token else None


def has_key(connection: HTTPConnection) -> bool:
    """Whether a key was sent, right or wrong; then a cookie counts for nothing."""
    return key_of(connection) is not None


def key_of(connection: HTTPConnection) -> str | None:
    """What was sent as a key."""
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def caller_by_key(service: Service, text: str) -> Caller:
    """Raises NotLoggedIn for a key that is wrong, revoked or run out."""
    caller = service.keys.find(text)
    if caller is None:
        raise NotLoggedIn("The key opens nothing.", "Make one in the console, or by POST /v1/keys.")
    return caller


def checked_session(connection: HTTPConnection, service: Service) -> Session:
    """A browser's session, asked for by the own page. Raises NotLoggedIn, NotAllowed."""
    session = session_of(connection, service)
    if session is None:
        raise NotLoggedIn("Nobody is logged in.", "POST /v1/session, or send a key: `Authorization: Bearer mien_...`.")
    check_origin(connection, service.config)
    if connection.scope.get("method", "GET") not in SAFE:
        check_token(connection, session)
    return session


def caller_of(connection: HTTPConnection, service: Service) -> Caller:
    """Who asks. Raises NotLoggedIn, NotAllowed."""
    if (text := key_of(connection)) is not None:
        return caller_by_key(service, text)
    session = checked_session(connection, service)
    if session.account.must_change:
        raise NotAllowed("A password must be set before anything else.", "PUT /v1/session/password.")
    return session.account.caller


def check(caller: Caller, role: Role, service: Service) -> Caller:
    """The caller, who may do what the role may and does not ask too often. Raises NotAllowed, TooMany."""
    service.rate.take(caller.tag)
    if not caller.may(role):
        raise NotAllowed(f"This takes the role {role}; you have {caller.role}.", "Ask an administrator.")
    return caller


def _guard(role: Role) -> Callable[..., Caller]:
    def guard(
        request: Request,
        service: ServiceOf,
        _cookie: Cookie = None,
        _key: Bearer = None,
    ) -> Caller:
        caller = check(caller_of(request, service), role, service)
        request.state.caller = caller
        return caller

    return guard


Viewer = Annotated[Caller, Depends(_guard(Role.VIEWER))]
Operator = Annotated[Caller, Depends(_guard(Role.OPERATOR))]
Administrator = Annotated[Caller, Depends(_guard(Role.ADMINISTRATOR))]


def _logged_in(request: Request, service: ServiceOf, _cookie: Cookie = None) -> Session:
    """A browser, though its account may have no password yet."""
    session = checked_session(request, service)
    service.rate.take(session.account.caller.tag)
    return session


LoggedIn = Annotated[Session, Depends(_logged_in)]


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy of the setting `proxies`, what that says."""
    return request.client.host if request.client else ""


async def caller_of_socket(socket: WebSocket, role: Role, key: str | None = None) -> Caller:
    """As the guards, for a WebSocket; key: where the first message brings one. Raises what they raise."""
    service = service_at(socket)

    def ask() -> Caller:
        caller = caller_by_key(service, key) if key is not None else caller_of(socket, service)
        return check(caller, role, service)

    check_origin(socket, service.config)
    return await run_in_threadpool(ask)
