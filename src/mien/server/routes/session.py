"""Logging in and out."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from mien.server.access.csrf import check_origin
from mien.server.access.devices import device_of, remember_device
from mien.server.access.guard import (
    Bearer,
    Cookie,
    LoggedIn,
    address_of,
    caller_of,
    check,
    cookie_name,
    has_key,
    session_of,
)
from mien.server.caller import Caller, Role
from mien.server.errors import NotLoggedIn
from mien.server.schema.page import moment_of
from mien.server.schema.problems import problems
from mien.server.schema.session import LogIn, NewPassword, SessionOut, Welcome
from mien.server.service import Service, ServiceOf
from mien.server.state.accounts import Account
from mien.server.state.sessions import Session

router = APIRouter(prefix="/v1/session", tags=["session"])
# What was typed as a name may be a password: it is not kept.
NOBODY: Final = Caller("nobody", "", "", Role.VIEWER, "")


@router.post("", summary="Log in with a name and a password", responses=problems(401, 403))
def log_in(body: LogIn, request: Request, response: Response, service: ServiceOf) -> SessionOut:
    """Gives a cookie. Wrong passwords lock the account and the address for a while, but for browsers known to it."""
    check_origin(request, service.config)
    address = address_of(request)
    service.rate.take(f"address {address}")
    device = device_of(request, service, service.accounts.called(body.name))
    service.lockout.begin(body.name, address, device)
    account = _who(service, body)
    if account is None:
        raise NotLoggedIn("The name or the password is wrong.", "Whoever runs the service can make a one-time link.")
    service.lockout.succeeded(body.name, address, device)
    return begin_session(service, account, request, response, "password")


@router.post("/welcome", summary="Log in by a one-time link", responses=problems(401, 403))
def open_link(body: Welcome, request: Request, response: Response, service: ServiceOf) -> SessionOut:
    """Gives a cookie, with which a password must be set."""
    check_origin(request, service.config)
    service.rate.take(f"address {address_of(request)}")
    account = service.accounts.welcomed(body.token)
    if account is None or account.disabled:
        raise NotLoggedIn("The link was used before, or its day is over.", "Ask for a new one.")
    return begin_session(service, account, request, response, "link")


@router.get("", summary="Who I am", responses=problems(401, 403))
def get_session(request: Request, service: ServiceOf, _cookie: Cookie = None, _key: Bearer = None) -> SessionOut:
    """For accounts and keys; `csrf` is what changes need."""
    session = session_of(request, service)
    if session is not None and not has_key(request):
        service.rate.take(session.account.caller.tag)
        return session_fields(session)
    caller = check(caller_of(request, service), Role.VIEWER, service)
    return SessionOut(
        kind="key",
        id=caller.id,
        name=caller.name,
        role=caller.role,
        tenant=caller.tenant,
        must_change_password=False,
        csrf="",
        expires_at=None,
    )


@router.delete("", status_code=204, summary="Log out", responses=problems(401, 403))
def log_out(session: LoggedIn, response: Response, service: ServiceOf) -> None:
    """The cookie opens nothing any more."""
    with service.state.write():
        service.sessions.end(session.token)
        service.audit.write(session.account.caller, "log_out")
    response.delete_cookie(cookie_name(service.config), path="/", secure=service.config.secure, httponly=True)


@router.put("/password", summary="Set my password", responses=problems(401, 403))
def set_password(
    body: NewPassword, session: LoggedIn, request: Request, response: Response, service: ServiceOf
) -> SessionOut:
    """Logs out everywhere else."""
    account, address = session.account, address_of(request)
    hashed = service.accounts.password_of(account.id)
    if hashed is not None:
        device = device_of(request, service, account)
        service.lockout.begin(account.name, address, device)
        if not service.passwords.check(hashed, body.old):
            raise NotLoggedIn("The old password is wrong.", "Whoever runs the service can make a one-time link.")
        service.lockout.succeeded(account.name, address, device)
    fresh = service.passwords.hash(body.new)
    with service.state.write():
        if hashed is None:
            service.lockout.forgive(account.name)
        service.accounts.set_password(account.id, fresh)
        service.audit.write(account.caller, "set_password", account.id)
    return begin_session(service, service.accounts.get(account.id), request, response, "new password")


def begin_session(service: Service, account: Account, request: Request, response: Response, how: str) -> SessionOut:
    """Log an account in: the cookies, the entry in the audit log, and what the page wants to know."""
    with service.state.write():
        session = service.sessions.begin(account)
        service.audit.write(account.caller, "log_in", account.id, detail={"how": how})
    response.set_cookie(
        cookie_name(service.config),
        session.token,
        max_age=round(service.config.session_hours * 3600),
        path="/",
        secure=service.config.secure,
        httponly=True,
        samesite="strict",
    )
    remember_device(request, service, account, response)
    return session_fields(session)


def session_fields(session: Session) -> SessionOut:
    """As the wire has it."""
    account = session.account
    return SessionOut(
        kind="account",
        id=account.id,
        name=account.name,
        role=account.role,
        tenant=account.tenant,
        must_change_password=account.must_change,
        csrf=session.csrf,
        expires_at=moment_of(session.expires_at),
    )


def _who(service: Service, body: LogIn) -> Account | None:
    """Whose name and password these are. Does the same, and so takes as long, for a name that nobody has."""
    account = service.accounts.called(body.name)
    hashed = service.accounts.password_of(account.id) if account else None
    right = service.passwords.check(hashed, body.password)
    open_to = account if account and not account.disabled else None
    if open_to and right and hashed is not None:
        if service.passwords.is_old(hashed):
            service.accounts.rehash(open_to.id, service.passwords.hash(body.password))
        return open_to
    if welcomed := service.accounts.welcomed(body.password, open_to.id if open_to else ""):
        return welcomed
    # An entry waits for the disk, which can be measured from outside.
    service.audit.write(account.caller if account else NOBODY, "log_in_failed", account.id if account else None)
    return None
