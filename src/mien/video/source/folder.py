"""A folder of pictures as a video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from mien.errors import ImageError, VideoFormatRefused, VideoMissing
from mien.face import Pixels
from mien.image import ImageLimits, open_photo
from mien.image.folder import SUFFIXES
from mien.video.frame import Frame, SourceInfo
from mien.video.source.policy import Selection, SourcePolicy


class FolderSource:
    """The pictures right in a folder, in the order of their names, numbers by their value: 2.jpg before 10.jpg.

    They follow one another at `policy.frames_per_second`. One that cannot be read is left out, and its time with it:
    the others stay where they are. Raises VideoMissing without pictures, VideoFormatRefused where none can be read.
    """

    def __init__(self, folder: Path, policy: SourcePolicy, limits: ImageLimits) -> None:
        self._policy, self._limits = policy, limits
        self._closed = False
        self._unreadable = 0
        self._paths = _pictures(folder)
        for path in self._paths:
            if (pixels := self._read(path)) is not None:
                break
        else:
            raise VideoFormatRefused(
                f"None of the {len(self._paths)} pictures in {str(folder)!r} can be read.",
                "`mien analyze` on the folder says what is wrong with each.",
            )
        height, width = pixels.shape[:2]
        rate = policy.frames_per_second
        self.info = SourceInfo(str(folder), "folder", width, height, rate, len(self._paths) / rate, live=False)

    @property
    def unreadable(self) -> int:
        """How many pictures the iteration could not read so far."""
        return self._unreadable

    def __iter__(self) -> Iterator[Frame]:
        """The pictures that the policy asks for; their sizes may differ."""
        selection = Selection(self._policy)
        self._unreadable = 0
        for index, path in enumerate(self._paths):
            time = index / self._policy.frames_per_second
            if self._closed or selection.over(time):
                return
            if not selection.wants(time):
                continue
            pixels = self._read(path)
            if pixels is None:
                self._unreadable += 1
            else:
                yield Frame(index, time, pixels)

    def _read(self, path: Path) -> Pixels | None:
        try:
            return open_photo(path, self._limits).pixels().pixels
        except ImageError:
            return None

    def __enter__(self) -> Self:
        """The source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End an iteration after the picture that is being read."""
        self._closed = True


def _pictures(folder: Path) -> list[Path]:
    try:
        names = [path for path in folder.iterdir() if not path.name.startswith(".")]
        found = [path for path in names if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise VideoMissing(f"{str(folder)!r} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not found:
        raise VideoMissing(
            f"There are no pictures in {str(folder)!r}.",
            f"It is searched for {', '.join(sorted(SUFFIXES))}, without its subfolders.",
        )
    return sorted(found, key=lambda path: _natural(path.name))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers by their value; the name itself decides between 1.jpg and 01.jpg."""
    parts = re.split(r"([0-9]+)", name.lower())
    return (*((int(part), "") if part.isdecimal() else (-1, part) for part in parts), (0, name))
