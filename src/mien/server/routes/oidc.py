"""Logging in by another service."""

from __future__ import annotations

import hmac
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from mien.errors import MienError
from mien.server.access.guard import address_of
from mien.server.access.oidc import COOKIE, ERRAND_SECONDS, Claims, OtherService
from mien.server.caller import Role
from mien.server.config import ServerConfig
from mien.server.errors import NoAccount, NotLoggedIn
from mien.server.log import log
from mien.server.problem import status_of
from mien.server.routes.session import begin_session
from mien.server.schema.problems import problems
from mien.server.service import Service, ServiceOf
from mien.server.state.accounts import Account

router = APIRouter(prefix="/v1/session/oidc", tags=["session"])
# A browser sends the strict cookie of this answer only from a page of ours on, not on the way back from elsewhere.
ONWARD: Final = '<!doctype html><meta http-equiv="refresh" content="0;url={url}"><title>mien</title>'


@router.get(
    "",
    summary="Log in by another service",
    response_class=RedirectResponse,
    status_code=302,
    responses=problems(404, 501, 502),
)
def begin_oidc(request: Request, service: ServiceOf) -> Response:
    """Sends the browser there."""
    service.rate.take(f"address {address_of(request)}")
    try:
        url, state = _other(service).start(own_url(request, service.config))
    except MienError as error:
        return to_the_console(request, service, error)
    answer = RedirectResponse(url, 302)
    answer.set_cookie(
        COOKIE,
        state,
        max_age=ERRAND_SECONDS,
        path="/v1/session/oidc",
        secure=service.config.secure,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(
    "/callback",
    summary="Come back from another service",
    response_class=HTMLResponse,
    responses=problems(401, 403, 404, 501, 502),
)
def finish_oidc(
    request: Request,
    service: ServiceOf,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Gives a cookie and goes on to the console. Whoever has no account here is refused."""
    service.rate.take(f"address {address_of(request)}")
    try:
        account = came_back(request, service, state, code)
    except MienError as error:
        return to_the_console(request, service, error)
    answer = HTMLResponse(ONWARD.format(url=escape(own_url(request, service.config) + "/")))
    begin_session(service, account, request, answer, "other service")
    answer.delete_cookie(COOKIE, path="/v1/session/oidc", secure=service.config.secure, httponly=True)
    return answer


def came_back(request: Request, service: Service, state: str, code: str) -> Account:
    """Whose account it is. Raises NotLoggedIn, OtherServiceFailed."""
    begun = request.cookies.get(COOKIE, "")
    if not (state and code) or not hmac.compare_digest(begun.encode(), state.encode()):
        raise NotLoggedIn("This log-in was not begun in this browser, or was broken off.", "Begin it anew.")
    claims = _other(service).finish(own_url(request, service.config), code, state)
    return account_of(service, claims)


def to_the_console(request: Request, service: Service, error: MienError) -> Response:
    """For a browser, which would show JSON: the page to log in at, with the error's code. Raises it for others."""
    if "text/html" not in request.headers.get("Accept", ""):
        raise error
    service.metrics.rejected.labels(error.code).inc()
    # The page has only the code: what is wrong with the settings is for whoever made them.
    log.warning("refused", extra={"fields": {"code": error.code, "cause": error.cause, "cure": error.cure}})
    url = f"{own_url(request, service.config)}/login?refused={error.code}"
    return HTMLResponse(ONWARD.format(url=escape(url)), status_of(error))


def _other(service: Service) -> OtherService:
    return OtherService(service.config, service.state, service.issuer)


def own_url(request: Request, config: ServerConfig) -> str:
    """How this browser reaches the service."""
    return config.public_url.rstrip("/") or f"{'https' if config.tls else 'http'}://{request.url.netloc}"


def account_of(service: Service, claims: Claims) -> Account:
    """The account called `oidc:SUBJECT`, or by the verified e-mail; made only where the preferences say so.

    Raises NoAccount.
    """
    subject = f"oidc:{claims.subject}"
    names = [subject, *([claims.email] if claims.email else [])]
    account = next((found for name in names if (found := service.accounts.called(name))), None)
    if account is None and service.preferences.get("")[0].oidc_makes_viewers:
        account = service.accounts.make(claims.email or subject, Role.VIEWER)
        service.audit.write(account.caller, "add_account", account.id, detail={"how": "other service"})
    if account is None or account.disabled:
        raise NoAccount("The other service knows you, this one does not.", "Ask an administrator for an account.")
    service.accounts.trust(account.id)
    return service.accounts.get(account.id)
