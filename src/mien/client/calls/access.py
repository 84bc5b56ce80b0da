"""Who gets in, what they prefer, and what they did."""

from __future__ import annotations

from datetime import datetime

from mien.client.asking import MOST_OF_A_PAGE, at, get, if_match, model, nothing, write
from mien.client.body import Json
from mien.client.call import Call, Pages
from mien.server.caller import Role
from mien.server.schema.accounts import AccountChange, AccountChanged, AccountMade, AccountNew, AccountOut
from mien.server.schema.audit import AuditEntry, AuditVerdict
from mien.server.schema.keys import KeyMade, KeyNew, KeyOut
from mien.server.schema.page import Page
from mien.server.schema.preferences import PreferencesChange, PreferencesOut
from mien.server.schema.session import LogIn, NewPassword, SessionOut, Welcome

SESSION = "/v1/session"


def log_in(name: str, password: str) -> Call[SessionOut]:
    """Begin a session, which the client keeps; a client with a key needs none."""
    body = Json(LogIn(name=name, password=password).model_dump_json().encode())
    return Call("POST", SESSION, model(SessionOut), body=body)


def open_link(token: str) -> Call[SessionOut]:
    """Log in by the token of a one-time link; then a password must be set."""
    return Call(
        "POST", SESSION + "/welcome", model(SessionOut), body=Json(Welcome(token=token).model_dump_json().encode())
    )


def get_session() -> Call[SessionOut]:
    """Who asks."""
    return get(SESSION, SessionOut)


def log_out() -> Call[None]:
    """End the session."""
    return Call("DELETE", SESSION, nothing)


def set_password(new: str, *, old: str = "") -> Call[SessionOut]:
    """One's own. old: not needed after a one-time link."""
    body = Json(NewPassword(old=old, new=new).model_dump_json().encode())
    return Call("PUT", SESSION + "/password", model(SessionOut), body=body)


def list_accounts() -> Pages[AccountOut]:
    """The tenant's; all pages."""
    return Pages(lambda cursor: get("/v1/accounts", Page[AccountOut], cursor=cursor, limit=MOST_OF_A_PAGE))


def add_account(name: str, role: Role | str = Role.VIEWER, *, tenant: str | None = None) -> Call[AccountMade]:
    """`token` of the answer is for a one-time link, `/#welcome=TOKEN`."""
    body = AccountNew(name=name, role=Role(role), tenant=tenant)
    return write("/v1/accounts", AccountMade, Json(body.model_dump_json(exclude_none=True).encode()))


def change_account(
    account_id: str, *, role: Role | str | None = None, disabled: bool | None = None, reset: bool = False
) -> Call[AccountChanged]:
    """What is given is changed. reset: end its sessions and password, and make a new one-time link."""
    change = AccountChange(role=Role(role) if role is not None else None, disabled=disabled, reset=reset)
    body = Json(change.model_dump_json(exclude_none=True).encode())
    return Call("PATCH", at("/v1/accounts/{}", account_id), model(AccountChanged), body=body)


def remove_account(account_id: str) -> Call[None]:
    """With its sessions and keys."""
    return Call("DELETE", at("/v1/accounts/{}", account_id), nothing)


def list_keys() -> Pages[KeyOut]:
    """One's own, or the tenant's for administrators; all pages."""
    return Pages(lambda cursor: get("/v1/keys", Page[KeyOut], cursor=cursor, limit=MOST_OF_A_PAGE))


def add_key(name: str, role: Role | str = Role.VIEWER, *, days: float | None = 365) -> Call[KeyMade]:
    """`text` of the answer is the key; it is not shown again. days: None: it never ends."""
    body = KeyNew(name=name, role=Role(role), days=days)
    return write("/v1/keys", KeyMade, Json(body.model_dump_json().encode()))


def revoke_key(key_id: str) -> Call[KeyOut]:
    """At once and for good."""
    return Call("DELETE", at("/v1/keys/{}", key_id), model(KeyOut), again=True)


def get_preferences() -> Call[PreferencesOut]:
    """Those in force in the tenant."""
    return get("/v1/preferences", PreferencesOut)


def change_preferences(change: PreferencesChange, *, version: int | None = None) -> Call[PreferencesOut]:
    """What is given is changed. version: of the state that it is based upon."""
    body = Json(change.model_dump_json(exclude_none=True).encode())
    return Call("PATCH", "/v1/preferences", model(PreferencesOut), headers=if_match(version), body=body)


def list_audit(
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Pages[AuditEntry]:
    """Who did what, the newest first; all pages. What is left out asks for all."""
    return Pages(
        lambda cursor: get(
            "/v1/audit",
            Page[AuditEntry],
            actor=actor,
            action=action,
            subject=subject,
            since=since,
            until=until,
            cursor=cursor,
            limit=MOST_OF_A_PAGE,
        )
    )


def verify_audit() -> Call[AuditVerdict]:
    """Whether the audit log is as it was written."""
    return get("/v1/audit/verify", AuditVerdict)
