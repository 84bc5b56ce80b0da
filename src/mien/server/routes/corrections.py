""" "Not this person": faces that looked like somebody and are not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mien.server.access.guard import Operator, Viewer
from mien.server.caller import Caller
from mien.server.errors import NotFound
from mien.server.routes.attending import attended, form, opened
from mien.server.routes.noting import noted
from mien.server.routes.ownership import PersonId, own_person
from mien.server.schema import people as wire
from mien.server.schema.problems import problems
from mien.server.schema.upload import Field, form_body, photo_schema
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent

router = APIRouter(prefix="/v1/people/{person_id}/corrections", tags=["people"])
Number = Annotated[int, Path(ge=1, le=1 << 62, description="Of the correction.")]


@router.get(
    "",
    operation_id="list_corrections",
    summary="Faces that are said not to be this person",
    description="Who said so, and when; the faces themselves are not kept, only their vectors.",
    response_model=wire.Corrections,
    responses=problems(401, 403, 404),
)
def list_corrections(service: ServiceOf, caller: Viewer, person_id: PersonId) -> Response:
    """The oldest first."""
    person = own_person(service, caller, person_id)
    service.audit.write(caller, "list_corrections", person.id)
    return answer({"items": [wire.correction_fields(one) for one in service.gallery.records.negatives(person.id)]})


@router.post(
    "",
    operation_id="add_correction",
    summary="Say that the one face of a photo is not this person",
    description="From then on such a face is not called this person. With dry_run nothing is stored, and the answer has"
    " the past answers that it would change, where the gallery's policy keeps any.",
    response_model=wire.CorrectionAnswer,
    responses=problems(401, 403, 404, 409, 415, 507),
    openapi_extra=form_body({"photo": photo_schema("With the one face.")}, ("photo",)),
)
async def add_correction(
    request: Request,
    service: ServiceOf,
    caller: Operator,
    person_id: PersonId,
    dry_run: Annotated[bool, Query(description="Store nothing; say what it would change.")] = False,
    idempotency_key: RequestKey = None,
) -> Response:
    """Durable when answered."""
    await run_in_threadpool(own_person, service, caller, person_id)
    async with form(request, service, {"photo": Field(service.config.photo_bytes)}) as sent:
        work = _replayed if dry_run else _corrected

        async def make(_: str) -> Response:
            photo = sent.one("photo")
            return await attended(request, service, lambda: work(service, caller, person_id, photo))

        return await idempotent(service, caller, idempotency_key, fingerprint(request, *sent.content), make)


@router.delete(
    "/{correction_id}",
    operation_id="remove_correction",
    summary="Take a correction back",
    description="The face may be called this person again.",
    status_code=204,
    response_class=Response,
    responses=problems(401, 403, 404, 507),
)
def remove_correction(service: ServiceOf, caller: Operator, person_id: PersonId, correction_id: Number) -> Response:
    """Durable when answered."""
    person = own_person(service, caller, person_id)
    if correction_id not in {one.id for one in service.gallery.records.negatives(person.id)}:
        raise NotFound(f"The person has no correction {correction_id}.", "GET .../corrections lists them.")
    with noted(service, caller, "remove_correction", person.id) as note:
        note.detail["correction"] = correction_id
        service.gallery.withdraw(person.id, correction_id)
    service.events.publish(caller.tenant, "person_changed", {"person_id": person.id})
    return Response(status_code=204)


def _replayed(service: Service, caller: Caller, person_id: str, photo: bytes) -> Response:
    own_person(service, caller, person_id)
    changes = service.gallery.replay(person_id, opened(service, photo))
    service.audit.write(caller, "replay_correction", person_id, detail={"changes": len(changes)})
    return answer(
        {
            "stored": False,
            "correction": None,
            "changes": [wire.changed_fields(one) for one in changes],
            "answers_kept_days": service.gallery.info.policy.keep_answers_days,
        }
    )


def _corrected(service: Service, caller: Caller, person_id: str, photo: bytes) -> Response:
    own_person(service, caller, person_id)
    with noted(service, caller, "add_correction", person_id) as note:
        service.gallery.correct(person_id, opened(service, photo), caller.name)
        newest = service.gallery.records.negatives(person_id)[-1]
        note.detail["correction"] = newest.id
    service.events.publish(caller.tenant, "person_changed", {"person_id": person_id})
    return answer(
        {
            "stored": True,
            "correction": wire.correction_fields(newest),
            "changes": [],
            "answers_kept_days": service.gallery.info.policy.keep_answers_days,
        }
    )
