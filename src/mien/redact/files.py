"""Where results go: the whole file appears under its name, or nothing does; sources are never touched."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mien.errors import ImageMissing, SettingsError
from mien.image.write import SUFFIXES
from mien.video.sink.encoder import CONTAINERS

# What photos and videos become whose own format is not written.
LOSSLESS: Final = frozenset({".bmp", ".tif", ".tiff", ".gif"})

VIDEO_NAMES: Final = frozenset(
    {
        ".mpg",
        ".mpeg",
        ".avi",
        ".wmv",
        ".webm",
        ".flv",
        ".ts",
        ".mts",
        ".m2ts",
        ".3gp",
        ".ogv",
        ".vob",
        ".mjpeg",
        ".mjpg",
    }
)


def written_as(source: Path, video: bool) -> str:
    """The file name of a source's result in a folder: its own, in a format that is written."""
    suffix = source.suffix.lower()
    if suffix in (CONTAINERS if video else SUFFIXES):
        return source.name
    if video:
        return f"{source.name}.mp4" if suffix not in VIDEO_NAMES else f"{source.stem}.mp4"
    return f"{source.stem}.png" if suffix in LOSSLESS else f"{source.stem}.jpg"


def check_target(source: Path, out: Path, video: bool) -> None:
    """Raises SettingsError where `out` is the source, a folder, in no folder, or of a format that is not written.

    Raises ImageMissing where there is no source.
    """
    known = CONTAINERS if video else SUFFIXES
    if not source.exists():
        raise ImageMissing(f"There is no file {str(source)!r}.", "Check the name and the folder.")
    if out.suffix.lower() not in known:
        kind = "video" if video else "photo"
        raise SettingsError(f"A {kind} cannot be written as {out.name!r}.", f"End the name in {', '.join(known)}.")
    if same_file(source, out):
        raise SettingsError(f"{out} is the source itself.", "Name another --out: a source is never overwritten.")
    if out.is_dir():
        raise SettingsError(f"{out} is a folder.", "Name a file.")
    if not out.parent.is_dir():
        raise SettingsError(f"There is no folder {str(out.parent)!r}.", "Create it first.")


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, also by a link."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A file to write beside `out`, with its suffix: put in its place if all goes well, removed if anything does not.

    Whatever happens to the process, `out` never holds a part. Raises SettingsError where the disk refuses.
    """
    partial = out.with_name(f".{out.stem}.{secrets.token_hex(4)}.part{out.suffix}")
    try:
        yield partial
        _to_disk(partial)
        os.replace(partial, out)
    except OSError as error:
        raise refused(out, error) from error
    finally:
        partial.unlink(missing_ok=True)


def refused(out: Path, error: OSError) -> SettingsError:
    """What the disk's refusal is for whoever named `out`."""
    return SettingsError(f"{out} cannot be written: {error.strerror}.", "Name another --out.")


def _to_disk(path: Path) -> None:
    """What a name stands for must be on the disk before the name is."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
