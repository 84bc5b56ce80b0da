"""`mien gallery list`, `show` and `history`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from mien.cli.gallery.opening import Filters, JsonTo, Place, open_kept
from mien.cli.gallery.said import filter_of
from mien.cli.gallery.showing import Answers, count_of, when
from mien.gallery.errors import PersonUnknown
from mien.gallery.kept import Kept
from mien.gallery.people import Event, Person, Template
from mien.record import plain

PERSON_SCHEMA: Final = "mien.person/1"
GALLERY_SCHEMA: Final = "mien.gallery/1"
EVENT_SCHEMA: Final = "mien.event/1"
COLUMNS = ("name", "id", "external id", "templates", "groups", "tags", "tenant", "valid from", "valid until", "consent")


def list_people(
    place: Place = None,
    set_: Filters = None,
    expired: Annotated[bool, typer.Option("--expired", help="Only those whose consent has run out.")] = False,
    json_to: JsonTo = None,
) -> None:
    """List who is enrolled, in order of enrolment."""
    keep = filter_of(set_)
    with open_kept(place) as gallery, Answers(json_to) as answers:
        late = {person.id for person in gallery.expired()} if expired else None
        rows = []
        for person in gallery.people(keep if set_ else None):
            if late is None or person.id in late:
                answers.record(PERSON_SCHEMA, person.to_dict())
                rows += [] if answers.quiet else [_row(person)]
        answers.table(COLUMNS, rows)
        answers.tell(f"{count_of(len(rows), 'person', 'people')}.")


def show(
    person: Annotated[str | None, typer.Argument(help="Id, external id or name; the gallery itself without.")] = None,
    place: Place = None,
    json_to: JsonTo = None,
) -> None:
    """Show what is on record about a person.

    All but the embeddings; without a person, what the gallery itself is.
    """
    with open_kept(place) as gallery, Answers(json_to) as answers:
        if person is None:
            _show_gallery(gallery, answers)
            return
        found = gallery.person(person)
        templates, negatives = gallery.records.templates(found.id), gallery.records.negatives(found.id)
        listed = [template_record(one) for one in templates]
        answers.record(PERSON_SCHEMA, found.to_dict() | {"templates": listed, "n_corrections": len(negatives)})
        corrections = [f"{one.id} by {one.by or '?'}, {when(one.at)}" for one in negatives]
        _facts(answers, [*person_facts(found), ("corrections", "; ".join(corrections))])
        rows = [(str(one.id), _number(one.quality), when(one.added_at), one.source) for one in templates]
        answers.table(("template", "quality", "added", "photo"), rows)


def history(
    person: Annotated[str | None, typer.Argument(help="Id, external id or name; everybody without.")] = None,
    place: Place = None,
    json_to: JsonTo = None,
) -> None:
    """Show what happened, the oldest first.

    Of removed people only what and when is left; ask for them by the id.
    """
    with open_kept(place) as gallery, Answers(json_to) as answers:
        events = gallery.history(person)
        for event in events:
            answers.record(EVENT_SCHEMA, event.to_dict())
        names = {} if answers.quiet else names_of(gallery, (one.person_id for one in events))
        rows = [
            (
                str(one.seq),
                when(one.at),
                one.kind,
                names.get(one.person_id or "", ""),
                one.person_id or "",
                _detail(one),
            )
            for one in events
        ]
        answers.table(("change", "at", "what", "name", "id", "detail"), rows)


def names_of(gallery: Kept, people: Iterable[str | None]) -> dict[str, str]:
    """Names by id, of those who are not removed."""
    names = {}
    for one in {person for person in people if person}:
        with suppress(PersonUnknown):
            names[one] = gallery.records.person(one).profile.name
    return names


def person_facts(person: Person) -> list[tuple[str, str]]:
    """A person in lines for a person."""
    profile = person.profile
    facts = [("name", profile.name), ("id", person.id), ("external id", profile.external_id or "")]
    facts += [("groups", ", ".join(profile.groups)), ("tags", ", ".join(profile.tags)), ("tenant", profile.tenant)]
    facts += [("valid from", when(profile.valid_from)), ("valid until", when(profile.valid_until))]
    if consent := profile.consent:
        facts.append(("consent", f"by {consent.given_by}, {when(consent.given_at)}, to {consent.purpose}"))
        facts.append(("", f"{consent.how}; until {when(consent.until) or 'it is withdrawn'}"))
    return [*facts, ("enrolled", when(person.created_at)), ("templates", str(person.n_templates))]


def template_record(one: Template) -> dict[str, Any]:
    """A template as JSON, without the vector and the crop themselves."""
    said = {"id": one.id, "quality": one.quality, "source": one.source, "added_at": one.added_at}
    known: dict[str, Any] = plain(said | {"has_crop": one.crop is not None})
    return known


def _row(person: Person) -> tuple[str, ...]:
    profile = person.profile
    until = f"until {when(profile.consent.until) or 'withdrawn'}" if profile.consent else ""
    dates = (when(profile.valid_from), when(profile.valid_until))
    labels = (", ".join(profile.groups), ", ".join(profile.tags), profile.tenant)
    return profile.name, person.id, profile.external_id or "", str(person.n_templates), *labels, *dates, until


def _show_gallery(gallery: Kept, answers: Answers) -> None:
    people = templates = 0
    for person in gallery.people():
        people, templates = people + 1, templates + person.n_templates
    counts = {"n_people": people, "n_templates": templates}
    answers.record(GALLERY_SCHEMA, gallery.info.to_dict() | counts)
    info = gallery.info
    facts = [("gallery", info.id), ("model", f"{info.model}, {info.dim} dimensions"), ("made", when(info.created_at))]
    facts += [("people", f"{people:,}"), ("templates", f"{templates:,}"), ("format", str(info.format))]
    _facts(answers, facts + [(name, str(value)) for name, value in info.policy.to_dict().items()])


def _facts(answers: Answers, facts: Iterable[tuple[str, str]]) -> None:
    said = [(name, value) for name, value in facts if value]
    width = max(len(name) for name, _ in said)
    answers.tell(*(f"{name:<{width}}  {value}" for name, value in said))


def _detail(event: Event) -> str:
    return ", ".join(f"{name} {value}" for name, value in event.detail.items())


def _number(value: float) -> str:
    return f"{value:.0f}" if value == value else ""
