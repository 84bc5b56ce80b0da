"""The audit log on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mien.server.schema.wire import Wire


class AuditEntry(Wire):
    """kind, actor, name: who did it. subject: the id of what it was done to.

    subject_name: what that is called now; null where it is gone, or has no name. The log itself keeps ids alone.
    """

    seq: int = Field(examples=[17])
    at: datetime
    kind: str = Field(examples=["account"])
    actor: str = Field(examples=["mfrggzdfmztwq2lknnwg23tpoa"])
    name: str = Field(examples=["anna@example.org"])
    action: str = Field(examples=["identify"])
    subject: str | None = Field(examples=["abcdefghijklmnopqrstuvwxyz"])
    subject_name: str | None = Field(default=None, examples=["Anna Weber"])
    why: str = Field(examples=["Lost badge"])
    detail: dict[str, str | int | float | bool] = Field(examples=[{"outcome": "done"}])


class AuditVerdict(Wire):
    """head: note it down elsewhere; `mien audit verify --head` then finds even a log that was replaced as a whole."""

    whole: bool
    entries: int = Field(examples=[17])
    head: str = Field(examples=["17:5f1c9e0a5a3e4f8e9a440b1c7d1b2f105f1c9e0a5a3e4f8e9a440b1c7d1b2f10"])
    faults: list[str] = Field(examples=[[]])
