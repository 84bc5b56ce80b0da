"""Sessions on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.server.caller import Role
from mien.server.schema.wire import Wire


class LogIn(BaseModel):
    """password: or the one-time token of a link, once."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "admin", "password": "a few words of mine"}]}
    )

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)


class Welcome(BaseModel):
    """token: of a one-time link."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"token": "vI6jW0cG0l0c3mVdX0iW8S7a1hE1aYqk3Jb4mZ4yq2o"}]}
    )

    token: str = Field(min_length=1, max_length=200)


class NewPassword(BaseModel):
    """old: not needed after a one-time link."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"old": "", "new": "a few words of mine"}]}
    )

    old: str = Field(default="", max_length=200)
    new: str = Field(min_length=10, max_length=200)


class SessionOut(Wire):
    """Who asks. csrf: to send as X-CSRF-Token with every change; empty for a key, which needs none."""

    kind: Literal["account", "key"]
    id: str = Field(examples=["mfrggzdfmztwq2lknnwg23tpoa"])
    name: str = Field(examples=["anna@example.org"])
    role: Role
    tenant: str = Field(examples=[""])
    must_change_password: bool = Field(description="Nothing but PUT /v1/session/password works until it is set.")
    csrf: str = Field(examples=["5f1c9e0a5a3e4f8e9a440b1c7d1b2f105f1c9e0a5a3e4f8e9a440b1c7d1b2f10"])
    expires_at: datetime | None
