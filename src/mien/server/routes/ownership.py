"""Whose person it is: another tenant's people are not there, whatever is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path

from mien.gallery.errors import PersonUnknown
from mien.gallery.people import Person
from mien.server.caller import Caller
from mien.server.errors import Changed, NotFound
from mien.server.service import Service

PersonId = Annotated[
    str,
    Path(
        pattern="^[a-z2-7]{26}$",
        description="Of a person, as GET /v1/people has it.",
        examples=["abcdefghijklmnopqrstuvwxyz"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(description="The ETag of the person that the change is made upon.", examples=['"12"'], max_length=40),
]


def own_person(service: Service, caller: Caller, person_id: str) -> Person:
    """Raises NotFound for nobody, and in the same words for somebody else's."""
    try:
        person = service.gallery.records.person(person_id)
    except PersonUnknown:
        person = None
    if person is None or person.profile.tenant != caller.tenant:
        raise NotFound(f"There is no person {person_id}.", "GET /v1/people lists who there is.")
    return person


def etag(person: Person) -> dict[str, str]:
    """The header that names a person's last change."""
    return {"ETag": f'"{person.seq}"'}


def change_of(if_match: str | None) -> int | None:
    """The change that an If-Match names; None where any will do. Raises Changed for what names none."""
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Changed("No state of it has this ETag.", "Send the ETag of the answer to GET, or none.")
    return int(number)
