"""The audit log, for administrators of their tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from mien.server.access.guard import Administrator
from mien.server.schema.audit import AuditEntry, AuditVerdict
from mien.server.schema.page import Page, cursor_of, micros_of
from mien.server.schema.places import before_of
from mien.server.schema.problems import problems
from mien.server.service import Service, ServiceOf
from mien.server.state.audit import Wanted

router = APIRouter(prefix="/v1/audit", tags=["audit"])
NAMED: Final = ("accounts", "keys", "jobs")
Word = Annotated[str | None, Field(max_length=100, pattern=r"^[\x20-\x7e]*$")]


class AuditQuery(BaseModel):
    """Which entries; what is left out asks for all."""

    model_config = ConfigDict(extra="forbid")

    actor: Word = Field(default=None, description="Id of an account or key.")
    action: Word = Field(default=None, description="What was done, or how it begins.", examples=["identify"])
    subject: Word = Field(default=None, description="Id of what it was done to, or how it begins.")
    since: datetime | None = Field(default=None, description="From then on.")
    until: datetime | None = Field(default=None, description="Before then.")
    cursor: str = Field(default="", max_length=200, description="`next` of the page before; empty for the first.")
    limit: int = Field(default=50, ge=1, le=200, description="Items of a page.")


@router.get("", summary="Who did what", responses=problems(401, 403))
def list_audit(service: ServiceOf, caller: Administrator, asked: Annotated[AuditQuery, Query()]) -> Page[AuditEntry]:
    """The newest first, by pages."""
    wanted = Wanted(
        tenant=caller.tenant,
        actor=asked.actor,
        action=asked.action,
        subject=asked.subject,
        since=micros_of(asked.since),
        until=micros_of(asked.until),
        before=before_of(asked.cursor),
    )
    found = service.audit.entries(wanted, asked.limit + 1)
    more = cursor_of(str(found[asked.limit - 1].seq)) if len(found) > asked.limit else None
    entries = [AuditEntry.model_validate(one, from_attributes=True) for one in found[: asked.limit]]
    names = _names(service, caller.tenant, {one.subject for one in entries if one.subject})
    # Whatever page it is, as places of the list can be made up.
    service.audit.write_once(caller, "list_audit")
    items = [one.model_copy(update={"subject_name": names.get(one.subject or "")}) for one in entries]
    return Page(items=items, next=more)


@router.get("/verify", summary="Whether the log is as it was written", responses=problems(401, 403))
def verify_audit(service: ServiceOf, caller: Administrator) -> AuditVerdict:
    """Checks every entry, those of other tenants too, against the chain and the second file."""
    verdict = service.audit.verify()
    service.audit.write(caller, "verify_audit", detail={"whole": not verdict.faults})
    return AuditVerdict(
        whole=not verdict.faults, entries=verdict.entries, head=str(verdict.head), faults=list(verdict.faults)
    )


def _names(service: Service, tenant: str, ids: set[str]) -> dict[str, str]:
    """What a tenant's people, accounts, keys and videos are called now, by id."""
    marks = ", ".join("?" * len(ids))
    one = "SELECT id, name FROM {} WHERE tenant = ? AND id IN ({})"
    sql = " UNION ALL ".join(one.format(table, marks) for table in NAMED)
    found: dict[str, str] = dict(service.state.read(sql, (tenant, *ids) * len(NAMED)))
    for person_id in ids - found.keys():
        if name := service.named(tenant, {"person_id": person_id})["name"]:
            found[person_id] = name
    return found
