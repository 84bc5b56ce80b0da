"""Accounts on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from mien.server.caller import Role
from mien.server.schema.page import moment_of
from mien.server.schema.wire import Wire

if TYPE_CHECKING:
    from mien.server.state.accounts import Account

Name = Annotated[
    str,
    Field(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$", examples=["anna@example.org"]
    ),
]
Tenant = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]*$", examples=[""])]


class AccountOut(Wire):
    """An account without its secrets."""

    id: str = Field(examples=["mfrggzdfmztwq2lknnwg23tpoa"])
    tenant: Tenant
    name: str = Field(examples=["anna@example.org"])
    role: Role
    must_change_password: bool
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> AccountOut:
        """As the state has it."""
        return cls(
            id=account.id,
            tenant=account.tenant,
            name=account.name,
            role=account.role,
            must_change_password=account.must_change,
            disabled=account.disabled,
            created_at=_sure(account.created_at),
            last_login_at=moment_of(account.last_login_at),
        )


class AccountNew(BaseModel):
    """tenant: another than your own only for administrators of the tenant "" (the empty one)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "anna@example.org", "role": "operator"}]}
    )

    name: Name
    role: Role = Role.VIEWER
    tenant: Tenant | None = None


class AccountMade(Wire):
    """token: for the one-time link `/#welcome=TOKEN`; it is not shown again, and lasts a day."""

    account: AccountOut
    token: str = Field(examples=["vI6jW0cG0l0c3mVdX0iW8S7a1hE1aYqk3Jb4mZ4yq2o"])


class AccountChange(BaseModel):
    """What is given is changed. reset: end its sessions and password, and make a new one-time link."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"disabled": True}]})

    role: Role | None = None
    disabled: bool | None = None
    reset: bool = False


class AccountChanged(Wire):
    """token: only after `reset`."""

    account: AccountOut
    token: str | None = Field(default=None, examples=[None])


def _sure(micros: int) -> datetime:
    moment = moment_of(micros)
    assert moment is not None
    return moment
