"""`mien gallery enrol` and `import`: people in, and what became of their photos."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from mien.cli.gallery.opening import Allowed, Consents, JsonTo, Place, Profiles, allow_of, open_gallery
from mien.cli.gallery.said import consent_of, profile_of, text_of
from mien.cli.gallery.showing import Answers, count_of
from mien.cli.sources import STDIN, NamedSource, expand
from mien.cli.terminal import counter
from mien.errors import DataError, SettingsError
from mien.gallery.enrol import Enrolment
from mien.gallery.errors import EnrolmentRefused
from mien.gallery.people import Profile
from mien.image import ImageLimits, Source
from mien.settings import Settings

SCHEMA: Final = "mien.enrolment/1"
EXIT_SOME_REFUSED: Final = 1


def enrol(
    paths: Annotated[list[str], typer.Argument(help="Photos, folders, patterns, or - for standard input.")],
    place: Place = None,
    name: Annotated[str | None, typer.Option(help="Enrol one person of this name.")] = None,
    to: Annotated[str | None, typer.Option(metavar="PERSON", help="More photos of somebody enrolled.")] = None,
    folders: Annotated[bool, typer.Option("--folders", help="Each path holds one folder a person.")] = False,
    set_: Profiles = None,
    consent: Consents = None,
    allow: Allowed = "",
    json_to: JsonTo = None,
) -> None:
    """Enrol people by photos of their faces.

    Say who it is: --name, --to, or --folders. What is not fit is left out, with the reasons. Folders are named by their
    person; `_` in a name is a space.

    Exit code: 0 every photo is fit; 1 some photos or people were refused; 2 an error, or nobody was enrolled.
    """
    if (name is not None) + (to is not None) + folders != 1:
        raise SettingsError("It is not clear who is enrolled.", "Give one of --name NAME, --to PERSON and --folders.")
    if to is not None and (set_ or consent):
        raise SettingsError("--to changes nothing but photos.", "`mien gallery change` takes --set and --consent.")
    said = "" if name is None else text_of(name, "The name")
    profile, allowed = Profile(said, consent=consent_of(consent), **profile_of(set_)), allow_of(allow)
    if folders and profile.external_id:
        raise SettingsError("People cannot share an external id.", "Leave it out with --folders.")
    with open_gallery(place) as gallery, Answers(json_to) as answers:
        if folders:
            every = chain.from_iterable(gallery.enrol_folder(Path(path), profile, allowed) for path in paths)
            raise typer.Exit(Report(answers).all(every))
        with _photos(paths, gallery.settings) as photos:
            done = (
                gallery.add_photos(to, photos, allowed) if to is not None else gallery.enrol(profile, photos, allowed)
            )
        raise typer.Exit(Report(answers).all([done]))


def import_people(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON Lines; photos are relative to the file.")],
    place: Place = None,
    allow: Allowed = "",
    json_to: JsonTo = None,
) -> None:
    """Enrol the people of a file.

    It has templates, as `mien gallery export` writes them, or names photos, which are judged.

    Exit code: 0 all are in; 1 some photos or people were refused; 2 an error. People before an error stay.
    """
    allowed = allow_of(allow)
    with open_gallery(place) as gallery, Answers(json_to) as answers, _text_lines(file) as lines:
        root = Path.cwd() if file == STDIN else Path(file).parent
        raise typer.Exit(Report(answers, brief=True).all(gallery.import_people(lines, root, allowed)))


class Report:
    """What became of people and their photos. brief: those of whom all is well are only counted."""

    def __init__(self, answers: Answers, brief: bool = False) -> None:
        self._answers, self._brief = answers, brief
        self._people = self._photos = self._fit = self._refused = 0

    def all(self, enrolments: Iterable[Enrolment]) -> int:
        """Report each; the exit code. Raises EnrolmentRefused where nobody was enrolled."""
        for one in enrolments:
            self._one(one)
        if self._refused and not self._fit:
            raise EnrolmentRefused(("Not one photo is fit: nothing is stored.",), "The reasons are above.")
        if self._brief:
            self._answers.tell(f"{count_of(self._people, 'person', 'people')}, {count_of(self._photos, 'template')}.")
        return EXIT_SOME_REFUSED if self._refused else 0

    def _one(self, one: Enrolment) -> None:
        refused = sum(bool(photo.reasons) for photo in one.photos)
        self._people += one.person_id is not None
        self._photos += one.n_kept
        self._fit += len(one.photos) - refused
        self._refused += refused + (one.person_id is None)
        self._answers.record(SCHEMA, one.to_dict())
        if self._brief and not refused and one.person_id:
            return
        photos = count_of(len(one.photos), "photo")
        said = f"{one.n_kept} of {photos} kept" if one.person_id else f"not enrolled: none of {photos} is fit"
        self._answers.tell("  ".join(part for part in (one.name, one.person_id or "", said) if part))
        for photo in one.photos:
            word = "kept" if photo.kept else "refused" if photo.reasons else "surplus"
            self._answers.tell(f"  {word:<8}{photo.source}{':' if photo.reasons else ''}")
            self._answers.tell(*(f"          {line}" for line in (*photo.reasons, *photo.notes)))


@contextmanager
def _photos(paths: list[str], settings: Settings) -> Iterator[Iterator[Source]]:
    """The photos meant, with a bar that moves as they are asked for."""
    named = expand(paths, ImageLimits(settings.max_pixels, settings.max_bytes))
    with counter(len(named), Console(stderr=True)) as bar:

        def each(sources: list[NamedSource]) -> Iterator[Source]:
            for one in sources:
                yield one.source
                bar.step()

        yield each(named)


@contextmanager
def _text_lines(file: str) -> Iterator[Iterable[str]]:
    """The lines of a file or of standard input. Raises DataError for what cannot be read or is not UTF-8."""
    cure = "Name a file of JSON Lines, in UTF-8."
    with ExitStack() as stack:
        try:
            lines = sys.stdin if file == STDIN else stack.enter_context(open(file, encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}.", cure) from error
        try:
            yield lines
        except UnicodeDecodeError as error:
            raise DataError(f"{file} is not text: {error.reason}.", cure) from error
