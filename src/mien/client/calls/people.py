"""People on record, their photos and their corrections."""

from __future__ import annotations

from collections.abc import Sequence

from mien.client.asking import MOST_OF_A_PAGE, at, content, get, if_match, model, nothing, write
from mien.client.body import Form, Json, Source, photos
from mien.client.call import Call, Pages
from mien.server.schema.people import (
    CorrectionAnswer,
    Corrections,
    Enrolment,
    History,
    MergeIn,
    People,
    Person,
    PersonChange,
    PersonIn,
    Receipt,
    Templates,
)

PERSON = "/v1/people/{}"
JSON = "application/json"


def list_people(*, q: str = "", group: str | None = None, tag: str | None = None) -> Pages[Person]:
    """The people on record, in order of enrolment; all pages. q: what name or number have in them."""
    return Pages(
        lambda cursor: get("/v1/people", People, q=q, group=group, tag=tag, cursor=cursor or None, limit=MOST_OF_A_PAGE)
    )


def enrol_person(person: PersonIn, pictures: Sequence[Source] = ()) -> Call[Enrolment]:
    """Somebody new, with up to ten photos. Where no photo is fit, `Refused.photos` says what speaks against each."""
    said = ("person", person.model_dump_json(exclude_unset=True).encode(), JSON)
    return write("/v1/people", Enrolment, Form((said, *photos({"photos": tuple(pictures)}))))


def get_person(person_id: str) -> Call[Person]:
    """One person."""
    return get(at(PERSON, person_id), Person)


def change_person(person_id: str, change: PersonChange, *, seq: int | None = None) -> Call[Person]:
    """Only what was set in `change` is changed. seq: of the state that it is based upon."""
    body = Json(change.model_dump_json(exclude_unset=True).encode())
    return Call("PATCH", at(PERSON, person_id), model(Person), headers=if_match(seq), body=body)


def remove_person(person_id: str, *, seq: int | None = None) -> Call[Receipt]:
    """Forget somebody for good; the receipt names nobody."""
    return Call("DELETE", at(PERSON, person_id), model(Receipt), headers=if_match(seq))


def merge_people(person_id: str, into: str) -> Call[Person]:
    """Two records were one person: `into` stays, with the best photos of both."""
    body = Json(MergeIn(into=into).model_dump_json().encode())
    return Call("POST", at(PERSON + "/merge", person_id), model(Person), body=body)


def get_history(person_id: str) -> Call[History]:
    """What happened to a person's record."""
    return get(at(PERSON + "/history", person_id), History)


def get_face(person_id: str) -> Call[bytes]:
    """The best face on record, JPEG."""
    return Call("GET", at(PERSON + "/face", person_id), content, again=True)


def add_photos(
    person_id: str, pictures: Sequence[Source], *, allow_duplicate: bool = False, allow_unlike: bool = False
) -> Call[Enrolment]:
    """More photos of somebody. Where none is fit, `Refused.photos` says why."""
    path, body = at(PERSON + "/photos", person_id), Form(photos({"photos": tuple(pictures)}))
    return write(path, Enrolment, body, allow_duplicate=allow_duplicate, allow_unlike=allow_unlike)


def list_templates(person_id: str) -> Call[Templates]:
    """The photos on record of a person."""
    return get(at(PERSON + "/templates", person_id), Templates)


def remove_template(person_id: str, template_id: int) -> Call[None]:
    """Forget one photo."""
    return Call("DELETE", at(PERSON + "/templates/{}", person_id, template_id), nothing)


def get_crop(person_id: str, template_id: int) -> Call[bytes]:
    """The face of one photo on record, JPEG."""
    return Call("GET", at(PERSON + "/templates/{}/crop", person_id, template_id), content, again=True)


def list_corrections(person_id: str) -> Call[Corrections]:
    """Faces that are said not to be this person."""
    return get(at(PERSON + "/corrections", person_id), Corrections)


def add_correction(person_id: str, photo: Source, *, dry_run: bool = False) -> Call[CorrectionAnswer]:
    """The one face of the photo is not this person. dry_run: store nothing, say which past answers it would change."""
    path, body = at(PERSON + "/corrections", person_id), Form(photos({"photo": photo}))
    return write(path, CorrectionAnswer, body, dry_run=dry_run)


def remove_correction(person_id: str, correction_id: int) -> Call[None]:
    """Take a correction back."""
    return Call("DELETE", at(PERSON + "/corrections/{}", person_id, correction_id), nothing)
