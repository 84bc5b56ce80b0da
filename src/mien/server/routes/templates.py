"""The photos on record of a person: more of them, fewer of them, and the faces themselves."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from mien.gallery.enrol import Allow
from mien.gallery.people import Template
from mien.server.access.guard import Operator, Viewer
from mien.server.caller import Caller
from mien.server.errors import NotFound
from mien.server.routes.attending import attended, form
from mien.server.routes.noting import noted
from mien.server.routes.ownership import PersonId, etag, own_person
from mien.server.routes.people import PHOTOS, UNFIT, NothingFit, unless_unfit
from mien.server.schema import people as wire
from mien.server.schema.problems import problems
from mien.server.schema.upload import Field, form_body
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent

router = APIRouter(prefix="/v1/people/{person_id}", tags=["people"])
JPEG: Final = "image/jpeg"
# A copy of a photo on record is no fault: whoever sends it again has what they wanted.
FIT: Final = ("ok", "surplus", "copy")
FACE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The aligned face, 112 x 112.", "content": {JPEG: {"schema": {"type": "string"}}}}
}
Number = Annotated[int, Path(ge=1, le=1 << 62, description="Of the template.")]


@router.post(
    "/photos",
    operation_id="add_photos",
    summary="More photos of somebody enrolled",
    description="Of all the best are kept, as many as the gallery's policy says. Where none is fit the answer is 422.",
    response_model=wire.Enrolment,
    responses=problems(401, 403, 404, 409, 415, 507) | UNFIT,
    openapi_extra=form_body({"photos": PHOTOS | {"minItems": 1}}, ("photos",)),
)
async def add_photos(
    request: Request,
    service: ServiceOf,
    caller: Operator,
    person_id: PersonId,
    asked: Annotated[wire.AllowQuery, Query()],
    idempotency_key: RequestKey = None,
) -> Response:
    """Durable when answered."""
    allow = Allow(asked.allow_duplicate, asked.allow_unlike)
    fields = {"photos": Field(service.config.photo_bytes, most=wire.MOST_PHOTOS)}
    async with form(request, service, fields) as sent:

        async def make(_: str) -> Response:
            photos = sent.parts["photos"]
            return await attended(request, service, lambda: _added(service, caller, person_id, photos, allow))

        same = fingerprint(request, *sent.content)
        return await unless_unfit(request, idempotent(service, caller, idempotency_key, same, make))


@router.get(
    "/templates",
    operation_id="list_templates",
    summary="The photos on record of a person",
    description="Quality and origin of each; the vectors stay in the gallery.",
    response_model=wire.Templates,
    responses=problems(401, 403, 404),
)
def list_templates(service: ServiceOf, caller: Viewer, person_id: PersonId) -> Response:
    """The oldest first."""
    person = own_person(service, caller, person_id)
    service.audit.write(caller, "list_templates", person.id)
    return answer({"items": [wire.template_fields(one) for one in service.gallery.records.templates(person.id)]})


@router.delete(
    "/templates/{template_id}",
    operation_id="remove_template",
    summary="Take a photo away from a person",
    description="Its vector and its face are deleted.",
    status_code=204,
    response_class=Response,
    responses=problems(401, 403, 404, 507),
)
def remove_template(service: ServiceOf, caller: Operator, person_id: PersonId, template_id: Number) -> Response:
    """Durable when answered."""
    _template(service, caller, person_id, template_id)
    with noted(service, caller, "remove_template", person_id) as note:
        note.detail["template"] = template_id
        service.gallery.drop_templates(person_id, [template_id])
    service.events.publish(caller.tenant, "person_changed", {"person_id": person_id})
    return Response(status_code=204)


@router.get(
    "/templates/{template_id}/crop",
    operation_id="get_crop",
    summary="The face of one photo on record",
    description="Only where the gallery's policy keeps faces (`keep_crops`).",
    response_class=Response,
    responses=problems(401, 403, 404) | FACE,
)
def get_crop(service: ServiceOf, caller: Viewer, person_id: PersonId, template_id: Number) -> Response:
    """As it was stored."""
    return _face(service, caller, person_id, _template(service, caller, person_id, template_id))


@router.get(
    "/face",
    operation_id="get_face",
    summary="The best face on record of a person",
    description="Of the photo with the highest quality whose face is kept; 404 where none is.",
    response_class=Response,
    responses=problems(401, 403, 404) | FACE,
)
def get_face(service: ServiceOf, caller: Viewer, person_id: PersonId) -> Response:
    """For lists of people."""
    person = own_person(service, caller, person_id)
    kept = [one for one in service.gallery.records.templates(person.id) if one.crop is not None]
    best = max(kept, key=lambda one: -1 if math.isnan(one.quality) else one.quality, default=None)
    return _face(service, caller, person_id, best)


def _added(service: Service, caller: Caller, person_id: str, photos: tuple[bytes, ...], allow: Allow) -> Response:
    own_person(service, caller, person_id)
    with noted(service, caller, "add_photos", person_id) as note:
        note.detail["photos"] = len(photos)
        enrolled = service.gallery.add_photos(person_id, photos, allow)
        note.detail["kept"] = enrolled.n_kept
        if all(one.code not in FIT for one in enrolled.photos):
            raise NothingFit(enrolled.photos)
    person = service.gallery.records.person(person_id)
    service.events.publish(caller.tenant, "person_changed", {"person_id": person_id})
    return answer(wire.enrolment_fields(person, enrolled), headers=etag(person))


def _template(service: Service, caller: Caller, person_id: str, template_id: int) -> Template:
    person = own_person(service, caller, person_id)
    for one in service.gallery.records.templates(person.id):
        if one.id == template_id:
            return one
    raise NotFound(f"The person has no template {template_id}.", "GET /v1/people/{id}/templates lists them.")


def _face(service: Service, caller: Caller, person_id: str, template: Template | None) -> Response:
    if template is None or template.crop is None:
        raise NotFound("No face is kept.", "Faces are kept where the gallery was made with keep_crops.")
    service.audit.write_once(caller, "get_face", person_id, detail={"template": template.id})
    return Response(template.crop, media_type=JPEG)
