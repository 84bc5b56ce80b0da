"""What administrators choose for their tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from mien.server.access.guard import Administrator, Viewer
from mien.server.routes.ownership import change_of
from mien.server.schema.preferences import PreferencesChange, PreferencesOut
from mien.server.schema.problems import problems
from mien.server.service import ServiceOf

router = APIRouter(prefix="/v1/preferences", tags=["preferences"])
ETAG = {"ETag": {"description": "To send as If-Match.", "schema": {"type": "string"}}}
IfMatch = Annotated[
    str | None,
    Header(max_length=40, description="The ETag of GET; a change made meanwhile is then not lost.", examples=['"1"']),
]


@router.get("", summary="Preferences", responses={**problems(401, 403), 200: {"headers": ETAG}})
def get_preferences(service: ServiceOf, caller: Viewer, response: Response) -> PreferencesOut:
    """Those of the tenant."""
    found, version = service.preferences.get(caller.tenant)
    response.headers["ETag"] = f'"{version}"'
    return PreferencesOut(version=version, **found.to_dict())


@router.patch("", summary="Change preferences", responses={**problems(401, 403, 412), 200: {"headers": ETAG}})
def change_preferences(
    body: PreferencesChange,
    service: ServiceOf,
    caller: Administrator,
    response: Response,
    if_match: IfMatch = None,
) -> PreferencesOut:
    """What is given is changed, the rest stays."""
    fields = body.model_dump(exclude_none=True)
    with service.state.write():
        found, version = service.preferences.change(caller.tenant, change_of(if_match), fields)
        said = {name: value for name, value in fields.items() if name != "purpose"}
        service.audit.write(caller, "change_preferences", detail=said)
    response.headers["ETag"] = f'"{version}"'
    return PreferencesOut(version=version, **found.to_dict())
