"""`mien gallery rename`, `change`, `merge`, `remove` and `correct`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.gallery.opening import Consents, Place, Profiles, open_gallery, open_kept
from mien.cli.gallery.said import consent_of, profile_of, text_of
from mien.cli.gallery.showing import Answers, count_of, tell, when
from mien.cli.printable import printable
from mien.cli.sources import STDIN
from mien.cli.terminal import warn
from mien.errors import SettingsError
from mien.gallery.kept import Kept
from mien.gallery.people import Person

Whom = Annotated[str, typer.Argument(help="Id, external id or name.")]
EXIT_NOT_REMOVED = 1


def rename(
    person: Whom,
    name: Annotated[str, typer.Argument(help="The new name.")],
    place: Place = None,
) -> None:
    """Give a person another name."""
    said = text_of(name, "The name")
    with open_kept(place) as gallery:
        before = gallery.person(person).profile.name
        tell(f"{before} is {gallery.change(person, name=said).profile.name} now.")


def change(
    person: Whom,
    place: Place = None,
    set_: Profiles = None,
    consent: Consents = None,
    drop: Annotated[
        list[int] | None, typer.Option(metavar="TEMPLATE", help="Take this template away, by its id; repeatable.")
    ] = None,
) -> None:
    """Change what is said about a person.

    --drop takes templates away, of which the doctor says that they are wrong. An empty value clears what was there.
    --set tag and --set group replace all tags and all groups. --consent changes the parts that it names.
    """
    if not (set_ or consent or drop):
        raise SettingsError("Nothing is to be changed.", "Give --set, --consent or --drop.")
    with open_kept(place) as gallery:
        found = gallery.person(person)
        fields: dict[str, Any] = profile_of(set_)
        if consent:
            fields["consent"] = consent_of(consent, found.profile.consent)
        stored = {one.id for one in gallery.records.templates(found.id)} if drop else set()
        if strange := [one for one in drop or () if one not in stored]:
            raise SettingsError(
                f"{found.profile.name} has no template {strange[0]}.", "`mien gallery show` lists them."
            )
        if fields:
            gallery.change(found.id, **fields)
        if drop:
            gallery.drop_templates(found.id, drop)
        left = gallery.person(found.id)
        tell(f"Changed {left.profile.name}: {count_of(left.n_templates, 'template')}.")
        if not left.n_templates:
            warn("Without a template the person is not found any more: enrol more photos, or remove the person.")


def merge(
    person: Whom,
    into: Annotated[str, typer.Argument(help="Who it is as well; this profile stays.")],
    place: Place = None,
) -> None:
    """Make one person of two.

    The best templates of both go to the second; the first is forgotten, for good.
    """
    with open_kept(place) as gallery:
        before = gallery.person(person)
        after = gallery.merge(before.id, gallery.person(into).id)
        tell(f"{before.profile.name} ({before.id}) is {after.profile.name} ({after.id}) now,")
        tell(f"with {count_of(after.n_templates, 'template')}.")


def remove(
    people: Annotated[list[str] | None, typer.Argument(help="Ids, external ids or names.")] = None,
    place: Place = None,
    expired: Annotated[bool, typer.Option("--expired", help="Everybody whose consent has run out.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_to: Annotated[
        str | None, typer.Option("--json", metavar="FILE|-", help="The receipts, one a line; - is standard output.")
    ] = None,
) -> None:
    """Forget people for good.

    Keys, rows, crops and the history's contents go; no backup brings them back. Each removal leaves a signed receipt
    without personal data.

    Exit code: 0 removed; 1 you said no; 2 an error.
    """
    if not people and not expired:
        raise SettingsError("It is not said who is to be removed.", "Name people, or give --expired.")
    with open_kept(place) as gallery, Answers(json_to) as answers:
        named = [gallery.person(one) for one in people or ()]
        every = {one.id: one for one in [*named, *(gallery.expired() if expired else ())]}
        if not every:
            answers.tell("Nobody's consent has run out.")
        elif not yes and not _agreed(list(every.values())):
            raise typer.Exit(EXIT_NOT_REMOVED)
        for one in every.values():
            _remove(gallery, one, answers)


def _agreed(people: list[Person]) -> bool:
    """Ask, on a terminal. Raises SettingsError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise SettingsError("Removing is final, and there is nobody to ask.", "Say --yes where it is meant.")
    for one in people:
        enrolled = f"enrolled {when(one.created_at)}, {count_of(one.n_templates, 'template')}"
        print(printable(f"{one.profile.name}  {one.id}  {enrolled}"), file=sys.stderr)
    return typer.confirm(f"Forget {count_of(len(people), 'person', 'people')} for good?", err=True)


def _remove(gallery: Kept, person: Person, answers: Answers) -> None:
    receipt = gallery.remove(person.id)
    answers.record(None, receipt.to_dict())
    counts = ", ".join(f"{name} {count}" for name, count in receipt.counts.to_dict().items())
    answers.tell(f"Forgot {person.profile.name}  {person.id}", f"  deleted: {counts}")
    if file := gallery.receipt_file(receipt):
        answers.tell(f"  receipt: {file}")


def correct(
    person: Whom,
    photo: Annotated[str | None, typer.Argument(help="A photo of somebody else, who was taken for the person.")] = None,
    place: Place = None,
    by: Annotated[str, typer.Option(help="Who says so, for the record.")] = "",
    replay: Annotated[
        bool, typer.Option("--replay", help="Store nothing; show which past answers it would change.")
    ] = False,
    withdraw: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Take back this correction, as `show` numbers it.")
    ] = None,
) -> None:
    """Say that a face is not this person.

    The one face of the photo is not taken for the person again. Past answers are there where the policy's
    keep_answers_days keeps them.
    """
    if (photo is None) == (withdraw is None):
        raise SettingsError("It is not clear what to correct.", "Give a photo, or --withdraw NUMBER.")
    with open_gallery(place) as gallery:
        found = gallery.person(person)
        if photo is None:
            gallery.withdraw(found.id, withdraw or 0)
            tell(f"Correction {withdraw} of {found.profile.name} is taken back.")
            return
        source = sys.stdin.buffer.read() if photo == STDIN else Path(photo)
        if not replay:
            gallery.correct(found.id, source, by)
            tell(f"This face will not be taken for {found.profile.name} again.")
            return
        if not gallery.info.policy.keep_answers_days:
            raise SettingsError(
                "This gallery keeps no answers.", "Make one with `--set keep_answers_days=30` to replay answers later."
            )
        changed = gallery.replay(found.id, source)
        for one in changed:
            now = gallery.person(one.now.person_id).profile.name if one.now.person_id else one.now.answer.value
            tell(f"{when(one.answer.at)}  {found.profile.name} ({one.answer.score:.3f}) would be {now}")
        tell(f"{count_of(len(changed), 'past answer')} would change. Nothing was stored.")
