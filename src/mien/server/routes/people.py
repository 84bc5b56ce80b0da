"""People on record: list, enrol, change, merge, forget."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from mien.gallery.enrol import Allow, Enrolment, JudgedPhoto
from mien.gallery.errors import EnrolmentRefused
from mien.record import plain
from mien.server.access.guard import Operator, Viewer
from mien.server.caller import Caller
from mien.server.errors import Conflict, Invalid, NotFound
from mien.server.problem import MEDIA_TYPE, problem_response
from mien.server.roll import containing, place_of
from mien.server.routes.attending import attended, form
from mien.server.routes.noting import noted
from mien.server.routes.ownership import IfMatch, PersonId, change_of, etag, own_person
from mien.server.schema import page
from mien.server.schema import people as wire
from mien.server.schema.problems import problems, title_of
from mien.server.schema.upload import Field, Form, form_body, photo_schema
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent

router = APIRouter(prefix="/v1/people", tags=["people"])
PERSON_BYTES: Final = 100_000
UNFIT: Final[dict[int | str, dict[str, Any]]] = {
    422: {
        "description": "Not one photo was fit, or a field cannot be used.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/EnrolmentProblem"}}},
    }
}
ETAG: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"ETag": {"description": "To send as If-Match.", "schema": {"type": "string"}}}}
}
PHOTOS: Final = {
    "type": "array",
    "maxItems": wire.MOST_PHOTOS,
    "items": photo_schema("Each is judged on its own; what is unfit is left out, with its reasons."),
}


class NothingFit(EnrolmentRefused):
    """Not one photo was fit. photos: what speaks against each."""

    def __init__(self, photos: tuple[JudgedPhoto, ...]) -> None:
        reasons = tuple(f"{one.source}: {' '.join(one.reasons or one.notes)}" for one in photos)
        super().__init__(reasons, "Send other photos; allow_duplicate and allow_unlike are for those who have looked.")
        self.photos = photos


async def unless_unfit(request: Request, response: Awaitable[Response]) -> Response:
    """The response, or the problem that has what speaks against each photo."""
    try:
        return await response
    except NothingFit as error:
        problem = wire.EnrolmentProblem(
            type=f"about:blank#{error.code}",
            title=title_of(422),
            status=422,
            detail="Not one photo was fit; nothing was stored.",
            code=error.code,
            cure=error.cure,
            request_id=getattr(request.state, "request_id", ""),
            reasons=list(error.reasons),
            photos=[wire.JudgedPhoto.model_validate(plain(one)) for one in error.photos],
        )
        return problem_response(problem)


@router.get(
    "",
    operation_id="list_people",
    summary="The people on record, in order of enrolment",
    description="Follow `next` until it is null; who is enrolled or removed meanwhile shifts nobody else.",
    response_model=wire.People,
    responses=problems(401, 403),
)
def list_people(service: ServiceOf, caller: Viewer, asked: Annotated[wire.PeopleQuery, Query()]) -> Response:
    """Only the caller's tenant."""
    has = containing(asked.q)
    found = [
        one
        for one in service.roll(caller.tenant)
        if (asked.group is None or asked.group in one.profile.groups)
        and (asked.tag is None or asked.tag in one.profile.tags)
        and (not asked.q or has(one))
    ]
    after = _read_cursor(asked.cursor)
    left = [one for one in found if place_of(one) > after]
    shown = left[: asked.limit]
    service.audit.write(caller, "list_people", detail={"people": len(shown), "searched": bool(asked.q)})
    following = page.cursor_of(" ".join(place_of(shown[-1]))) if len(left) > asked.limit else None
    return answer({"items": [wire.person_fields(one) for one in shown], "next": following, "total": len(found)})


@router.post(
    "",
    operation_id="enrol_person",
    summary="Enrol a person, with up to ten photos",
    description="Photos go through the gate. Where there are some and none is fit, nothing is stored and the answer is"
    " 422 with what speaks against each; without any, the person is stored to be given photos later.",
    status_code=201,
    response_model=wire.Enrolment,
    responses=problems(401, 403, 409, 415, 507) | UNFIT,
    openapi_extra=form_body({"person": wire.inlined(wire.PersonIn), "photos": PHOTOS}, ("person",)),
)
async def enrol_person(
    request: Request, service: ServiceOf, caller: Operator, idempotency_key: RequestKey = None
) -> Response:
    """The tenant is the caller's, whatever is sent."""
    fields = {
        "person": Field(PERSON_BYTES),
        "photos": Field(service.config.photo_bytes, least=0, most=wire.MOST_PHOTOS),
    }
    async with form(request, service, fields) as sent:
        person = _person_sent(sent)

        async def make(person_id: str) -> Response:
            photos = sent.parts["photos"]
            return await attended(request, service, lambda: _enrolled(service, caller, person, photos, person_id))

        same = fingerprint(request, *sent.content)
        return await unless_unfit(request, idempotent(service, caller, idempotency_key, same, make))


@router.get(
    "/{person_id}",
    operation_id="get_person",
    summary="One person",
    description="The ETag is the number of the person's last change.",
    response_model=wire.Person,
    responses=ETAG | problems(401, 403, 404),
)
def get_person(service: ServiceOf, caller: Viewer, person_id: PersonId) -> Response:
    """All that is said of the person, no photos."""
    person = own_person(service, caller, person_id)
    service.audit.write(caller, "get_person", person.id)
    return answer(wire.person_fields(person), headers=etag(person))


@router.patch(
    "/{person_id}",
    operation_id="change_person",
    summary="Change what is said of a person",
    description="Only what is sent is changed; null clears.",
    response_model=wire.Person,
    responses=ETAG | problems(401, 403, 404, 409, 412, 507),
)
def change_person(
    service: ServiceOf, caller: Operator, person_id: PersonId, change: wire.PersonChange, if_match: IfMatch = None
) -> Response:
    """Durable when answered."""
    own_person(service, caller, person_id)
    with noted(service, caller, "change_person", person_id) as note:
        note.detail["fields"] = " ".join(sorted(change.model_fields_set))
        with taken_ids():
            person = service.gallery.change(person_id, change_of(if_match), **change.fields())
    service.events.publish(caller.tenant, "person_changed", {"person_id": person_id})
    return answer(wire.person_fields(person), headers=etag(person))


@router.delete(
    "/{person_id}",
    operation_id="remove_person",
    summary="Forget a person for good",
    description="The key is destroyed, every row deleted, and so are the results of videos that name the person. The "
    "answer is the signed receipt, which names nobody.",
    response_model=wire.Receipt,
    responses=problems(401, 403, 404, 412, 507),
)
def remove_person(service: ServiceOf, caller: Operator, person_id: PersonId, if_match: IfMatch = None) -> Response:
    """Final when answered; the index and lists of names let go of the person, too."""
    own_person(service, caller, person_id)
    with noted(service, caller, "remove_person", person_id) as note:
        receipt = service.gallery.remove(person_id, change_of(if_match))
        note.detail["videos"] = videos = service.jobs.forgetting.forget(person_id, caller)
    service.roll(caller.tenant)
    service.events.publish(caller.tenant, "person_removed", {"person_id": person_id})
    return answer(receipt.to_dict() | {"videos": videos})


@router.post(
    "/{person_id}/merge",
    operation_id="merge_people",
    summary="Two records were one person",
    description="The person of the address is forgotten; the one named by `into` stays, with the best photos of both.",
    response_model=wire.Person,
    responses=problems(401, 403, 404, 507),
)
def merge_people(service: ServiceOf, caller: Operator, person_id: PersonId, merge: wire.MergeIn) -> Response:
    """Both must be the caller's."""
    own_person(service, caller, person_id)
    own_person(service, caller, merge.into)
    if person_id == merge.into:
        raise Invalid("That is one and the same person.", "Name another one in `into`.")
    with noted(service, caller, "merge_people", person_id) as note:
        note.detail["into"] = merge.into
        service.jobs.forgetting.merging(person_id, merge.into)
        person = service.gallery.merge(person_id, merge.into)
        service.jobs.forgetting.merged(person_id)
    service.events.publish(caller.tenant, "person_merged", {"person_id": person_id, "into": merge.into})
    return answer(wire.person_fields(person), headers=etag(person))


@router.get(
    "/{person_id}/history",
    operation_id="get_history",
    summary="What happened to a person's record",
    description="The gallery's own history: what was changed and when. Who looked is in the audit log.",
    response_model=wire.History,
    responses=problems(401, 403, 404),
)
def get_history(service: ServiceOf, caller: Viewer, person_id: PersonId) -> Response:
    """The oldest first."""
    person = own_person(service, caller, person_id)
    service.audit.write(caller, "get_history", person.id)
    return answer(wire.history_fields(service.gallery.records.history(person.id)))


@contextmanager
def taken_ids() -> Iterator[None]:
    """Raises Conflict for an external id that is somebody else's, instead of what the gallery raises."""
    try:
        yield
    except NothingFit:
        raise
    except EnrolmentRefused as error:
        raise Conflict(error.cause, error.cure) from error


def _enrolled(
    service: Service, caller: Caller, sent: wire.PersonIn, photos: tuple[bytes, ...], person_id: str
) -> Response:
    with noted(service, caller, "enrol_person") as note, taken_ids():
        note.detail["photos"] = len(photos)
        enrolled = _stored(service, caller, sent, photos, person_id)
        if enrolled.person_id is None:
            raise NothingFit(enrolled.photos)
        note.subject, note.detail["kept"] = enrolled.person_id, enrolled.n_kept
    person = service.gallery.records.person(enrolled.person_id)
    service.events.publish(
        caller.tenant, "person_enrolled", {"person_id": person.id, "n_templates": person.n_templates}
    )
    headers = etag(person) | {"Location": f"/v1/people/{person.id}"}
    return answer(wire.enrolment_fields(person, enrolled), 201, headers)


def _stored(
    service: Service, caller: Caller, sent: wire.PersonIn, photos: tuple[bytes, ...], person_id: str
) -> Enrolment:
    """Where a try that was cut off had stored the person, the photos are found to be copies, and nothing is added."""
    profile, allow = sent.profile(caller.tenant), Allow(sent.allow_duplicate, sent.allow_unlike)
    with suppress(NotFound):
        own_person(service, caller, person_id)
        return service.gallery.add_photos(person_id, photos, allow)
    if photos:
        return service.gallery.enrol(profile, photos, allow, person_id)
    return Enrolment(profile.name, service.gallery.add_people([(profile, ())], [person_id])[0], ())


def _person_sent(sent: Form) -> wire.PersonIn:
    try:
        return wire.PersonIn.model_validate_json(sent.one("person"))
    except ValidationError as error:
        found: list[Any] = [one | {"loc": ("body", "person", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error


def _read_cursor(text: str) -> tuple[str, str]:
    created_at, space, person_id = page.place_of(text).partition(" ")
    if text and not space:
        raise Invalid("The cursor is none of this list.", "Send `next` of the page before, as it is.")
    return created_at, person_id
