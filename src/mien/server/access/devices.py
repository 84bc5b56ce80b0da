"""Browsers that have logged in to an account before: wrong passwords of strangers do not lock them out of it.

As OWASP's "Slow down online guessing attacks with device cookies" has it. Nothing of a device is kept: its cookie is a
number that the service has signed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from fastapi import Response
from starlette.requests import HTTPConnection

from mien.server.service import Service
from mien.server.state.accounts import Account

COOKIE: Final = "mien_device"
LASTS_SECONDS: Final = 365 * 24 * 3600


def device_of(connection: HTTPConnection, service: Service, account: Account | None) -> str | None:
    """What the failures of the browser that asks are counted by; None where it never logged in to the account."""
    # Without the cookie nothing more is done, which would take longer for names that somebody has.
    if account is None or not (cookie := connection.cookies.get(_cookie_name(service, account))):
        return None
    if (hashed := service.accounts.password_of(account.id)) is None:
        return None
    number, _, sign = cookie.partition(".")
    right = hmac.compare_digest(sign.encode(), _sign(service, account, hashed, number).encode())
    return f"{account.id} {number}" if right else None


def remember_device(connection: HTTPConnection, service: Service, account: Account, response: Response) -> None:
    """The browser has just logged in. Without a password there is nothing that strangers could try."""
    if (hashed := service.accounts.password_of(account.id)) is None:
        return
    # A browser keeps its number: old cookies of it are no tries more for whoever collects them.
    known = device_of(connection, service, account)
    number = known.partition(" ")[2] if known else secrets.token_urlsafe(16)
    response.set_cookie(
        _cookie_name(service, account),
        f"{number}.{_sign(service, account, hashed, number)}",
        max_age=LASTS_SECONDS,
        path="/",
        secure=service.config.secure,
        httponly=True,
        samesite="strict",
    )


def _cookie_name(service: Service, account: Account) -> str:
    """One for each account, as people share browsers."""
    return f"{'__Host-' if service.config.secure else ''}{COOKIE}_{account.id}"


def _sign(service: Service, account: Account, hashed: str, number: str) -> str:
    """With the password's hash in it, so that a new password ends every device of the account."""
    text = f"{account.id} {number} {hashed}"
    return hmac.new(service.state.key("devices"), text.encode(), hashlib.sha256).hexdigest()
