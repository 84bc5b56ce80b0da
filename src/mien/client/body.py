"""What a request brings along: JSON, a form with photos, or a video that is never held in memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import anyio.to_thread

from mien.client.errors import ClientError

Source: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes]
"""A path, the content itself, or an open binary file, which is read from where it is."""
CHUNK: Final = 256 * 1024
BINARY: Final = "application/octet-stream"


class SourceMissing(ClientError):
    """A file to be sent cannot be read."""

    code = "source-missing"


@dataclass(frozen=True, slots=True)
class Json:
    """content: encoded already."""

    content: bytes

    def sync(self) -> dict[str, Any]:
        """As arguments of a request."""
        return {"content": self.content, "headers": {"Content-Type": "application/json"}}

    later = sync


@dataclass(frozen=True, slots=True)
class Form:
    """parts: name, content and type of each."""

    parts: tuple[tuple[str, bytes, str], ...]

    def sync(self) -> dict[str, Any]:
        """As arguments of a request. Names of files are not sent: they may say who is in the photo."""
        return {"files": [(name, (name, content, kind)) for name, content, kind in self.parts]}

    later = sync


@dataclass(frozen=True, slots=True)
class Upload:
    """A video, read piece by piece, at every try from the beginning or, of an open file, from `start`."""

    source: Source
    start: int
    size: int

    def sync(self) -> dict[str, Any]:
        """As arguments of a request."""
        return {"content": self._pieces(), "headers": self._headers()}

    def later(self) -> dict[str, Any]:
        """As arguments of a request under an event loop, which reading does not hold up."""
        return {"content": self._pieces_later(), "headers": self._headers()}

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": BINARY, "Content-Length": str(self.size)}

    def _pieces(self) -> Iterator[bytes]:
        if isinstance(self.source, bytes):
            yield self.source
            return
        with opened(self.source) as file:
            file.seek(self.start)
            while piece := file.read(CHUNK):
                yield piece

    async def _pieces_later(self) -> AsyncIterator[bytes]:
        pieces = self._pieces()
        while piece := await anyio.to_thread.run_sync(next, pieces, b""):
            yield piece


Body: TypeAlias = Json | Form | Upload


def opened(source: str | os.PathLike[str] | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """A file to be read. Raises SourceMissing."""
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise SourceMissing(f"{source} cannot be read: {error.strerror or error}.", "Name another file.") from error


def upload(source: Source) -> Upload:
    """A video to be sent. Raises SourceMissing."""
    if isinstance(source, bytes):
        return Upload(source, 0, len(source))
    with opened(source) as file:
        try:
            start = file.tell()
            end = file.seek(0, os.SEEK_END)
            file.seek(start)
        except OSError as error:
            raise SourceMissing("The file cannot be gone back in.", "Name its path, or give its bytes.") from error
        return Upload(source, start, end - start)


def content_of(source: Source) -> bytes:
    """A photo's bytes, as they are: the service decodes them. Raises SourceMissing."""
    if isinstance(source, bytes):
        return source
    with opened(source) as file:
        return file.read()


def photos(named: Mapping[str, Source | tuple[Source, ...]]) -> tuple[tuple[str, bytes, str], ...]:
    """Parts of a form, one or several of a name. Raises SourceMissing."""
    return tuple(
        (name, content_of(one), BINARY)
        for name, given in named.items()
        for one in (given if isinstance(given, tuple) else (given,))
    )
