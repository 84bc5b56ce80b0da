"""`mien gallery identify`: who is it; the answer on stdout, its meaning in the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from mien.cli.gallery.opening import Filters, JsonTo, Place, open_gallery
from mien.cli.gallery.said import filter_of
from mien.cli.gallery.showing import Answers, count_of
from mien.cli.interrupt import Interrupt
from mien.cli.printable import printable
from mien.cli.sources import NamedSource, expand
from mien.cli.terminal import counter, saved_name, warn
from mien.draw import draw_analysis
from mien.errors import ImageError, SettingsError
from mien.face import Analysis, Quality
from mien.gallery.asking import Ask, Sighting
from mien.gallery.identify import DEFAULT_FPIR, Candidate, Identification, IdentifyPolicy, Who
from mien.image import ImageLimits, open_photo, write_image

SCHEMA: Final = "mien.identification/1"
EXIT_NOBODY, EXIT_ERROR, EXIT_INCONCLUSIVE = 1, 2, 3


def identify(
    paths: Annotated[list[str], typer.Argument(help="Photos, folders, patterns, or - for standard input.")],
    place: Place = None,
    fpir: Annotated[float, typer.Option(help="Share of strangers who may be called somebody.")] = DEFAULT_FPIR,
    top: Annotated[int, typer.Option(help="How many candidates to list for each face.", min=1, max=1000)] = 1,
    margin: Annotated[
        float, typer.Option(help="Two people closer together than this, in score, leave it open.", min=0, max=2)
    ] = IdentifyPolicy().margin,
    set_: Filters = None,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Write copies with the names here.")] = None,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
    json_to: JsonTo = None,
) -> None:
    """Who are the faces in photos?

    The threshold is the one for the error rate asked for, at this gallery's size.

    Exit code: 0 somebody of the gallery was found; 1 nobody; 3 nobody, but some faces are inconclusive; 2 an error, or
    nobody was found and some photos could not be read.
    """
    ask = Ask(IdentifyPolicy(fpir, margin), top, filter_of(set_))
    with open_gallery(place, threads) as gallery, Answers(json_to) as answers:
        limits = ImageLimits(gallery.settings.max_pixels, gallery.settings.max_bytes)
        sources, output = expand(paths, limits), _Output(answers, save, limits, top)
        found: list[set[Who | None]] = []
        with Interrupt() as interrupt, counter(len(sources), Console(stderr=True)) as bar:
            photos = (named.source for named in sources if not interrupt.asked)
            for index, (named, seen) in enumerate(zip(sources, gallery.identify_many(photos, ask), strict=False)):
                found.append(output.photo(index, named, seen))
                bar.step()
            if interrupt.asked:
                raise KeyboardInterrupt
    raise typer.Exit(_exit_code(set().union(*found)))


def _exit_code(found: set[Who | None]) -> int:
    """As grep has it: what was found counts more than what could not be read."""
    if Who.PERSON in found:
        return 0
    if None in found:
        return EXIT_ERROR
    return EXIT_INCONCLUSIVE if Who.INCONCLUSIVE in found else EXIT_NOBODY


@dataclass(frozen=True, slots=True)
class _Output:
    """Where answers go. top: how many candidates were asked for."""

    answers: Answers
    save: Path | None
    limits: ImageLimits
    top: int

    def photo(self, index: int, named: NamedSource, seen: tuple[Sighting, ...] | ImageError) -> set[Who | None]:
        """Report one photo; what was found in it, None for a photo that could not be read."""
        if isinstance(seen, ImageError):
            warn(f"{named.name}: {seen}")
            problem = {"code": seen.code, "cause": seen.cause, "cure": seen.cure}
            self.answers.record(SCHEMA, {"source": named.name, "error": problem})
            return {None}
        if self.save:
            self._picture(self.save, index, named, seen)
        self.answers.record(SCHEMA, {"source": named.name, "faces": [face_record(one) for one in seen]})
        self.answers.tell(f"{named.name}  {count_of(len(seen), 'face') if seen else 'no faces'}")
        for number, one in enumerate(seen, 1):
            self.answers.tell(*describe(number, one, self.top))
        return {answer_of(one) for one in seen}

    def _picture(self, folder: Path, index: int, named: NamedSource, seen: Sequence[Sighting]) -> None:
        photo = open_photo(named.source, self.limits)
        analysis = Analysis(photo.width, photo.height, tuple(one.face for one in seen))
        captions = [printable(one.name or answer_of(one).value) for one in seen]
        picture = draw_analysis(photo.pixels().pixels, analysis, captions)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_image(folder / f"{saved_name(named.name, index)}.jpg", picture)
        except OSError as error:
            raise SettingsError(f"{folder} cannot be written to: {error.strerror}.", "Name another --save.") from error


def answer_of(sighting: Sighting) -> Who:
    """A face that could not be embedded is nobody's and nobody knows whose."""
    found = sighting.identification
    return found.answer if isinstance(found, Identification) else Who.INCONCLUSIVE


def describe(number: int, one: Sighting, top: int = 1) -> list[str]:
    """One face in lines for a person."""
    found = one.identification
    if not isinstance(found, Identification):
        return [f"  {number}  {Who.INCONCLUSIVE.value}", f"     {found.reason}"]
    head = [f"  {number}  {one.name or found.answer.value}"]
    head += [found.person_id] if found.person_id else []
    head += [f"score {found.score:.3f}"] if found.score is not None else []
    head += [f"{found.margin:.3f} before the next"] if found.margin is not None else []
    listed = [_candidate(each, one) for each in found.candidates] if top > 1 else []
    return ["  ".join(head), *(f"     {line}" for line in (*listed, *found.reasons))]


def _candidate(one: Candidate, sighting: Sighting) -> str:
    name = sighting.names.get(one.person_id, "removed meanwhile")
    return f"{one.score:.3f}  {name}  {one.person_id}{'  corrected: not this person' if one.not_this else ''}"


def face_record(one: Sighting) -> dict[str, Any]:
    """One face as JSON: without its embedding, which is what a thief would want."""
    quality = one.face.quality
    return {
        "detection": one.face.detection.to_dict(),
        "quality": round(quality.score, 4) if isinstance(quality, Quality) else None,
        "answer": answer_of(one).value,
        "name": one.name,
        "names": dict(one.names),
        "identification": one.identification.to_dict(),
    }
