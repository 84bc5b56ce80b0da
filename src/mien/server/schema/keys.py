"""API keys on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from mien.server.caller import Role
from mien.server.schema.page import moment_of
from mien.server.schema.wire import Wire

if TYPE_CHECKING:
    from mien.server.state.keys import Key


class KeyOut(Wire):
    """A key without its secret. account: who made it; it never may more than that account may."""

    id: str = Field(examples=["mfrggzdfmztwq2lknnwg23tpoa"])
    account: str = Field(examples=["nbswy3dpeb3w64tmmqxc4lroeq"])
    name: str = Field(examples=["door 1"])
    role: Role
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")

    @classmethod
    def of(cls, key: Key) -> KeyOut:
        """As the state has it."""
        return cls(
            id=key.id,
            account=key.account,
            name=key.name,
            role=key.role,
            created_at=moment_of(key.created_at),
            expires_at=moment_of(key.expires_at),
            revoked_at=moment_of(key.revoked_at),
            last_used_at=moment_of(key.last_used_at),
        )


class KeyNew(BaseModel):
    """days: after which it opens nothing any more; null: never."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "door 1", "role": "operator", "days": 365}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
    role: Role = Role.VIEWER
    days: Annotated[float, Field(gt=0, le=3650)] | None = 365


class KeyMade(Wire):
    """text: to be sent as `Authorization: Bearer TEXT`; it is not shown again."""

    key: KeyOut
    text: str = Field(examples=["mien_mfrggzdfmztwq2lknnwg23tpoa_vI6jW0cG0l0c3mVdX0iW8S7a1hE1aYqk3Jb4mZ4yq2o"])
