"""Events: by pages, as a stream, and where else they go."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mien.errors import MienError
from mien.record import plain
from mien.server.access.guard import Viewer, caller_of
from mien.server.caller import Role
from mien.server.errors import NotFound
from mien.server.events import EventStream, shown
from mien.server.outputs import delivery_fields
from mien.server.schema.events import LoggedEvent, OutputStates
from mien.server.schema.page import Cursor, Limit, Page, cursor_of, micros_of
from mien.server.schema.places import before_of
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer
from mien.server.service import ServiceOf

router = APIRouter(prefix="/v1/events", tags=["events"])

STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events without end: `id` is the number of an event, `event` its kind, `data` the "
        "event as GET /v1/events has it. A comment comes when nothing else does; the stream ends after ten minutes, "
        "and a browser comes back by itself.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
Kind = Annotated[
    str | None, Query(max_length=50, pattern="^[a-z_]+$", description="Of this kind alone.", examples=["identity"])
]
Since = Annotated[
    datetime | None, Query(description="Not older; without a zone it is UTC.", examples=["2026-01-31T12:00:00Z"])
]
LastId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=18,
        pattern="^[0-9]*$",
        description="The last event that was seen; new ones alone where left out.",
        examples=["1204"],
    ),
]


@router.get(
    "",
    operation_id="list_events",
    summary="What happened, the newest first",
    response_model=Page[LoggedEvent],
    responses=problems(401, 403),
)
def list_events(
    service: ServiceOf,
    caller: Viewer,
    cursor: Cursor = "",
    limit: Limit = 50,
    kind: Kind = None,
    since: Since = None,
) -> Response:
    """Those of the caller's tenant."""
    before, from_ = before_of(cursor), micros_of(since)
    found = service.events.page(caller.tenant, limit + 1, before=before, kind=kind, since=from_)
    more = cursor_of(str(found[limit - 1].seq)) if len(found) > limit else None
    items = [shown(event, service.named) for event in found[:limit]]
    named = sorted({str(item["data"]["person_id"]) for item in items if item["data"].get("person_id")})
    # A page asks for the newest ones again and again; whoever leafs through older ones is noted each time.
    note = service.audit.write if cursor else service.audit.write_once
    note(caller, "list_events", detail={"events": len(items), "people": len(named)})
    return answer({"items": items, "next": more})


@router.get(
    "/stream",
    status_code=200,
    operation_id="stream_events",
    summary="What happens, as it happens",
    response_class=EventStream,
    responses={**STREAM, **problems(401, 403)},
)
async def stream_events(request: Request, service: ServiceOf, caller: Viewer, last: LastId = None) -> EventStream:
    """Of the caller's tenant, from all processes."""

    def allowed() -> bool:
        try:
            return caller_of(request, service).may(Role.VIEWER)
        except MienError:
            return False

    after = int(last) if last else await run_in_threadpool(service.events.newest)
    await run_in_threadpool(service.audit.write, caller, "stream_events")
    service.streams.enter(caller.tag)
    return EventStream(service.events, service.named, service.streams, caller, after, allowed)


@router.get(
    "/outputs",
    operation_id="list_outputs",
    summary="Where events go, and how far each is",
    description="Only the tenant of whoever set the service up has outputs; addresses are without secrets.",
    response_model=OutputStates,
    responses=problems(401, 403, 404),
)
def list_outputs(service: ServiceOf, caller: Viewer) -> Response:
    """From the configuration alone."""
    if caller.tenant:
        raise NotFound("Your tenant has no outputs.", "GET /v1/events/stream has your events.")
    return answer({"items": [plain(delivery_fields(one)) for one in service.outputs.deliveries]})
