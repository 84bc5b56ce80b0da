"""What a user names on the command line, as single images: files, folders, globs, and `-` for standard input."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mien.errors import ImageMissing
from mien.image import ImageLimits
from mien.image.folder import SUFFIXES, photos_in
from mien.image.source import read_source
from mien.video.source.sniff import is_video

STDIN = "-"


@dataclass(frozen=True, slots=True)
class NamedSource:
    """`name` for reports; `source` for `open_photo`."""

    name: str
    source: Path | bytes


def expand(names: Iterable[str], limits: ImageLimits, videos: bool = False) -> list[NamedSource]:
    """Every image that `names` stand for, in their order, a folder's (with its subfolders) sorted by name.

    videos: whether a folder's videos count, too.

    Raises ImageMissing for a folder or pattern without images. A single file that is absent is left to be reported
    with its own error.
    """
    return [source for name in names for source in _expand(name, limits, videos)]


def _expand(name: str, limits: ImageLimits, videos: bool) -> Iterator[NamedSource]:
    path = Path(name)
    if name == STDIN:
        yield NamedSource(STDIN, read_source(sys.stdin.buffer, limits))
    elif path.is_dir():
        films = [one for one in path.rglob("*") if is_video(one)] if videos else []
        yield from _named(sorted({*photos_in(path), *films}), name)
    elif glob.has_magic(name) and not path.exists():
        found = sorted(Path(item) for item in glob.glob(name, recursive=True))
        yield from _named([item for item in found if item.is_file()], name)
    else:
        yield NamedSource(_text(name), path)


def _named(paths: list[Path], where: str) -> Iterator[NamedSource]:
    if not paths:
        raise ImageMissing(
            f"There are no images in {where}.", f"Folders are searched for {', '.join(sorted(SUFFIXES))}."
        )
    yield from (NamedSource(_text(str(path)), path) for path in paths)


def _text(name: str) -> str:
    """A file's name may hold bytes that are no text, which JSON cannot hold."""
    return name.encode(errors="backslashreplace").decode()
