"""`mien redact`: photos and videos with covered faces; what was covered on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from mien.cli.gallery.opening import Place, open_gallery
from mien.cli.gallery.showing import count_of
from mien.cli.lines import write_line
from mien.cli.printable import printable
from mien.cli.terminal import warn
from mien.cli.weights import reporter
from mien.errors import ImageMissing, MienError, SettingsError
from mien.image.folder import photos_in
from mien.redact.files import same_file, written_as
from mien.redact.policy import AUDIO, HOWS, RedactPolicy
from mien.redact.redactor import Redactor
from mien.redact.report import Redaction
from mien.settings import load_settings
from mien.video.source.open import is_video

SCHEMA: Final = "mien.redaction/1"
EXIT_SOME_FAILED, EXIT_ERROR = 1, 2
FILMS: Final = {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv"}
# What has an option of its own.
OPTIONS: Final = ("how", "keep", "only", "margin", "audio")
NAMES: Final = tuple(one.name for one in fields(RedactPolicy) if one.name not in OPTIONS)
SET_HELP: Final = f"How sure and how generous, repeatable: {', '.join(NAMES)}."

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def redact(
    paths: Annotated[list[str], typer.Argument(help="Photos, videos, and folders of them.")],
    out: Annotated[Path, typer.Option(metavar="FILE|DIR", help="The new file; a folder where there are several.")],
    keep: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Stays bare, repeatable.")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Alone is covered, repeatable.")] = None,
    place: Place = None,
    how: Annotated[str, typer.Option(help=f"{', '.join(HOWS)}.")] = "solid",
    margin: Annotated[
        float, typer.Option(help="How far beyond a face's box, in boxes, on each side.")
    ] = RedactPolicy().margin,
    audio: Annotated[str, typer.Option(help=f"{' or '.join(AUDIO)}: a voice tells who somebody is, too.")] = "keep",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)] = None,
    threads: Annotated[int | None, typer.Option(help="Frames searched at once.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of text.")] = False,
) -> None:
    """Cover faces in photos and videos.

    Whatever may be a face is covered. --keep and --only name people of the gallery. Metadata is left out. A file
    appears when it is whole; the sources are never touched.

    Exit code: 0; 1 where some files failed, of which nothing is written (the others are done); 2 for an error, or where
    every file failed.
    """
    settings = load_settings(threads=threads)
    policy = replace(policy_of(set_ or ()), how=how, keep=tuple(keep or ()), only=tuple(only or ()))
    policy = replace(policy, margin=margin, audio=audio)
    jobs = targets(paths, out)
    with open_gallery(place) if keep or only else nullcontext() as gallery:
        redactor = Redactor(policy, settings, gallery=gallery, progress=reporter())
        failed = sum(not _done(redactor, source, target, as_json) for source, target in jobs)
    raise typer.Exit((EXIT_ERROR if failed == len(jobs) else EXIT_SOME_FAILED) if failed else 0)


def policy_of(pairs: Sequence[str]) -> RedactPolicy:
    """What `--set` says. Raises SettingsError."""
    given = dict(pair.partition("=")[::2] for pair in pairs)
    if unknown := [name for name in given if name not in NAMES]:
        raise SettingsError(f"--set {unknown[0]} is not known.", f"Give NAME=VALUE, NAME one of: {', '.join(NAMES)}.")
    try:
        return TypeAdapter(RedactPolicy).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"--set {first['loc'][0]}: {first['msg']}.", "docs/redact.md has the values.") from error


def targets(names: Sequence[str], out: Path) -> list[tuple[Path, Path]]:
    """Every source with the file that it becomes. Raises SettingsError, before anything is written, for a clash."""
    sources = [path for name in names for path in _files(name)]
    folder = len(sources) > 1 or out.is_dir() or any(Path(name).is_dir() for name in names)
    if folder:
        if out.exists() and not out.is_dir():
            raise SettingsError(f"{out} is no folder, and there are {len(sources)} sources.", "Name a folder.")
        jobs = [(source, out / written_as(source, is_video(source))) for source in sources]
    else:
        jobs = [(source, out) for source in sources]
    for index, (source, target) in enumerate(jobs):
        for other, taken in jobs[:index]:
            if target == taken:
                raise SettingsError(f"{source} and {other} would both become {target}.", "Redact them one by one.")
        if any(same_file(target, other) for other in sources):
            raise SettingsError(
                f"{target} is one of the sources.", "A source is never overwritten: name another --out."
            )
    if folder:
        _make(out)
    return jobs


def _files(name: str) -> list[Path]:
    path = Path(name)
    if not path.is_dir():
        return [path]
    # A file that should be a video and cannot be read must fail aloud, not be passed over.
    films = (one for one in path.rglob("*") if one.is_file() and (one.suffix.lower() in FILMS or is_video(one)))
    found = sorted({*photos_in(path), *films})
    if not found:
        raise ImageMissing(f"There are no photos and videos in {name}.", "Name another folder.")
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}.", "Name another --out.") from error


def _done(redactor: Redactor, source: Path, target: Path, as_json: bool) -> bool:
    """Redact one file and say what came of it."""
    try:
        with _progress(source) as advance:
            done = redactor.redact(source, target, advance)
    except MienError as error:
        warn(f"{source}: {error}")
        if as_json:
            problem = {"code": error.code, "cause": error.cause, "cure": error.cure}
            write_line(sys.stdout, {"schema": SCHEMA, "source": printable(str(source)), "error": problem})
        return False
    for text in done.warnings:
        warn(f"{source}: WARNING: {text}")
    if as_json:
        write_line(sys.stdout, {"schema": SCHEMA} | _textual(done))
    else:
        print(describe(done), flush=True)
    return True


def describe(done: Redaction) -> str:
    """One file in two lines or three."""
    faces, frames = done.faces, f"{done.covered_frames} of {done.frames} frames"
    where = f", in {frames}" if done.kind == "video" else ""
    tracks = " ({} tracks)" if done.kind == "video" else ""
    lines = [printable(f"{done.source} -> {done.out}")]
    covered = count_of(faces.covered, "face")
    lines.append(f"  covered {covered}{tracks.format(faces.covered_tracks)}{where}; {done.how}")
    if faces.bare:
        names = f": {', '.join(faces.names)}" if faces.names else ""
        lines.append(printable(f"  left bare {faces.bare} faces{tracks.format(faces.bare_tracks)}{names}"))
    return "\n".join(lines)


def _textual(done: Redaction) -> dict[str, Any]:
    """Names of files may hold bytes that are no text, which JSON cannot hold."""
    return done.to_dict() | {
        name: getattr(done, name).encode(errors="backslashreplace").decode() for name in ("source", "out")
    }


@contextmanager
def _progress(source: Path) -> Iterator[Callable[[float], object] | None]:
    """A bar on a terminal."""
    if not sys.stderr.isatty() or not is_video(source):
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(printable(source.name), total=1.0)
        yield lambda share: progress.update(task, completed=share)
