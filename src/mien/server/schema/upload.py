"""Photos and fields of multipart/form-data, held in memory within limits, never on disk.

The parser's own limits are not enough: it takes any number of parts, and forms of the framework go to a file on disk
when they are large, which is where photos of people must not be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from mien.server.errors import ClientGone, Invalid, TooLarge, TooSlow, WrongKind
from mien.server.room import Share

FORM: Final = "multipart/form-data"
# Headers and boundaries of all parts together.
AROUND: Final = 64_000
HEADERS: Final = 8


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: how many parts of this name there must and may be, and the most bytes of each."""

    most_bytes: int
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What came, by name of the field, in order."""

    parts: Mapping[str, tuple[bytes, ...]]

    def one(self, name: str) -> bytes:
        """The part of a field that comes once."""
        return self.parts[name][0]

    @property
    def content(self) -> Iterator[bytes]:
        """Names and parts one after the other: what was sent, whatever the boundary was."""
        for name, parts in self.parts.items():
            yield name.encode()
            yield from parts


@asynccontextmanager
async def form_of(
    request: Request, share: Share, fields: Mapping[str, Field], most_bytes: int, seconds: float
) -> AsyncIterator[Form]:
    """The form of a request; its bytes count as `share` until the block ends.

    most_bytes: of all parts together. seconds: within which the body must be there. Raises WrongKind, TooLarge,
    TooSlow, Busy where the room is taken, ClientGone, and Invalid for what is no such form.
    """
    reader = _Reader(fields, most_bytes + AROUND)
    parser = _parser(request, reader)
    _check_length(request, reader.most_bytes)
    with share:
        try:
            async with asyncio.timeout(seconds):
                await _feed(request, parser, reader, share)
        except TimeoutError as error:
            raise TooSlow(f"The body did not arrive within {seconds:g} s.", "Send smaller photos.") from error
        yield reader.form()


async def _feed(request: Request, parser: MultipartParser, reader: _Reader, share: Share) -> None:
    try:
        async for chunk in request.stream():
            share.take(len(chunk))
            reader.count(len(chunk))
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise Invalid("The body is no multipart/form-data.", "Let an HTTP library make it.") from error
    except ClientDisconnect as error:
        raise ClientGone("Whoever asked hung up before the body was there.") from error


def _parser(request: Request, reader: _Reader) -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM.encode():
        raise WrongKind("The body is no multipart/form-data.", "Send photos as fields of a form: curl -F photo=@...")
    try:
        return MultipartParser(options[b"boundary"], reader.callbacks(), max_header_count=HEADERS)
    except (KeyError, FormParserError) as error:
        raise Invalid("The Content-Type names no boundary that can be used.", "Let an HTTP library make it.") from error


def _check_length(request: Request, most: int) -> None:
    said = request.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:19]) > most:
        raise _too_large(most)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body has more than {most:,} bytes.", "Send smaller photos, or fewer at once.")


class _Reader:
    """What the parser calls; parts that are not asked for end the reading at their headers."""

    def __init__(self, fields: Mapping[str, Field], most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._fields = fields
        self._parts: dict[str, list[bytearray]] = {name: [] for name in fields}
        self._name, self._value, self._disposition = bytearray(), bytearray(), b""
        self._now = bytearray()
        self._most = 0
        self._read = 0
        self._ended = False

    def callbacks(self) -> Any:
        """By the names of the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def count(self, size: int) -> None:
        """So many bytes more. Raises TooLarge."""
        self._read += size
        if self._read > self.most_bytes:
            raise _too_large(self.most_bytes)

    def form(self) -> Form:
        """All of it. Raises Invalid where a field is not there, or the end is missing."""
        for name, field in self._fields.items():
            if len(self._parts[name]) < field.least:
                raise Invalid(f"The form has no field {name!r}.", f"It needs {self._wanted}.")
        if not self._ended:
            raise Invalid("The form ends in the middle of a part.", "Let an HTTP library make it.")
        return Form({name: tuple(_taken(parts)) for name, parts in self._parts.items()})

    @property
    def _wanted(self) -> str:
        return ", ".join(
            name if field.most == 1 else f"{name} (up to {field.most})" for name, field in self._fields.items()
        )

    def _begin(self) -> None:
        self._disposition = b""

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"").decode("utf-8", "replace")[:100]
        field = self._fields.get(name)
        if field is None:
            raise Invalid(f"The form has a field {name!r} that is not known here.", f"It takes {self._wanted}.")
        if len(self._parts[name]) >= field.most:
            raise Invalid(f"The form has more than {field.most} of the field {name!r}.", f"It takes {self._wanted}.")
        self._now, self._most = bytearray(), field.most_bytes
        self._parts[name].append(self._now)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if len(self._now) + end - start > self._most:
            raise TooLarge(f"A field has more than {self._most:,} bytes.", "Send a smaller photo.")
        self._now += memoryview(data)[start:end]

    def _end(self) -> None:
        self._ended = True


def _taken(parts: list[bytearray]) -> Iterator[bytes]:
    """Each is let go of as soon as there is another one of it: no form is in memory twice."""
    parts.reverse()
    while parts:
        yield bytes(parts.pop())


def form_body(fields: Mapping[str, Mapping[str, Any]], needed: tuple[str, ...]) -> dict[str, Any]:
    """What the OpenAPI document says of such a body, for `openapi_extra`; fields: a JSON schema each."""
    schema = {
        "type": "object",
        "properties": dict(fields),
        "required": list(needed),
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def photo_schema(text: str) -> dict[str, Any]:
    """The JSON schema of a photo in a form."""
    return {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream", "description": text}
