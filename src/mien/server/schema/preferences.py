"""Preferences on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mien.server.schema.wire import Wire

Days = Annotated[int, Field(ge=1, le=3650)]
Rate = Annotated[float, Field(gt=0, lt=1)]


class PreferencesOut(Wire):
    """What is in force in the tenant."""

    version: int = Field(description="Number of the last change, which is the ETag.", examples=[1])
    purpose: str = Field(
        description="Why faces are processed here; shown to everybody who logs in.", examples=["Entry"]
    )
    why_required: bool = Field(description="Look-ups need a reason.")
    fmr: float = Field(description="False match rate of comparisons that name none.", examples=[1e-4])
    fpir: float = Field(description="False positive rate of searches that name none.", examples=[0.01])
    event_days: int = Field(description="Events are deleted after so long.", examples=[30])
    result_days: int = Field(description="Videos and their results are deleted after so long.", examples=[30])
    audit_days: int = Field(
        description="The audit log is cut after so long; at the longest of all tenants.", examples=[365]
    )
    oidc_makes_viewers: bool = Field(
        description='Whoever logs in by the other service and has no account gets one. Of use in the tenant "" alone.'
    )


class PreferencesChange(BaseModel):
    """What is given is changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"purpose": "Entry", "event_days": 14}]})

    purpose: Annotated[str, Field(max_length=2000)] | None = None
    why_required: bool | None = None
    fmr: Rate | None = None
    fpir: Rate | None = None
    event_days: Days | None = None
    result_days: Days | None = None
    audit_days: Days | None = None
    oidc_makes_viewers: bool | None = None
