"""API keys: everybody their own, administrators the tenant's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from mien.server.access.guard import Viewer
from mien.server.caller import Caller
from mien.server.schema.keys import KeyMade, KeyNew, KeyOut
from mien.server.schema.page import Cursor, Limit, Page, cursor_of, place_of
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state.database import SECOND
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent_change

router = APIRouter(prefix="/v1/keys", tags=["keys"])
KeyId = Annotated[str, Path(pattern="^[a-z2-7]{26}$", examples=["mfrggzdfmztwq2lknnwg23tpoa"])]
DAY = 24 * 3600 * SECOND


@router.get("", summary="Keys", responses=problems(401, 403))
def list_keys(service: ServiceOf, caller: Viewer, cursor: Cursor = "", limit: Limit = 50) -> Page[KeyOut]:
    """Administrators see the tenant's, others their own; by pages."""
    found = service.keys.page(caller, place_of(cursor), limit + 1)
    more = cursor_of(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[KeyOut.of(one) for one in found[:limit]], next=more)


@router.post("", status_code=201, summary="Make a key", response_model=KeyMade, responses=problems(401, 403, 409))
async def add_key(
    body: KeyNew, request: Request, service: ServiceOf, caller: Viewer, key: RequestKey = None
) -> Response:
    """Never of a higher role than one's own. The text is shown this once."""
    same = fingerprint(request, body.model_dump_json().encode())

    def make() -> Response:
        return answer(_make(service, caller, body).model_dump(mode="json"), 201)

    return await idempotent_change(service, caller, key, same, make)


@router.delete("/{key_id}", summary="Revoke a key", responses=problems(401, 403, 404))
def revoke_key(key_id: KeyId, service: ServiceOf, caller: Viewer) -> KeyOut:
    """At once and for good; it stays in the list."""
    with service.state.write():
        key = service.keys.revoke(caller, key_id)
        service.audit.write(caller, "revoke_key", key_id)
    return KeyOut.of(key)


def _make(service: Service, caller: Caller, body: KeyNew) -> KeyMade:
    until = None if body.days is None else service.state.now() + round(body.days * DAY)
    with service.state.write():
        key, text = service.keys.make(caller, body.name, body.role, until)
        service.audit.write(caller, "add_key", key.id, detail={"role": body.role.value})
    return KeyMade(key=KeyOut.of(key), text=text)
