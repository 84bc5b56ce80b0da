"""What administrators choose for their tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from mien.server.access.guard import Administrator, Viewer
from mien.server.errors import Changed
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
        found, version = service.preferences.change(caller.tenant, _version(if_match), fields)
        said = {name: value for name, value in fields.items() if name != "purpose"}
        service.audit.write(caller, "change_preferences", detail=said)
    response.headers["ETag"] = f'"{version}"'
    return PreferencesOut(version=version, **found.to_dict())


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Changed("No state of the preferences has this ETag.", "Send the ETag of GET /v1/preferences, or none.")
    return int(number)
