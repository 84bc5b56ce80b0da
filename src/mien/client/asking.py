"""Short ways to make calls, and to read what is answered."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from mien.client.body import Body
from mien.client.call import Call
from mien.client.errors import WrongAnswer

M = TypeVar("M", bound=BaseModel)
Value: TypeAlias = str | int | float | bool | datetime | Sequence[str] | Sequence[float] | None
MOST_OF_A_PAGE: Final = 200


def get(path: str, read: type[M], **query: Value) -> Call[M]:
    """A question."""
    return Call("GET", path, model(read), asked(query), again=True)


def ask(path: str, read: type[M], body: Body, **query: Value) -> Call[M]:
    """A question that brings something along, and changes nothing."""
    return Call("POST", path, model(read), asked(query), body=body, again=True)


def write(path: str, read: type[M], body: Body, **query: Value) -> Call[M]:
    """A change that is made once however often it is sent."""
    return Call("POST", path, model(read), asked(query), {"Idempotency-Key": str(uuid.uuid4())}, body, again=True)


def at(path: str, *parts: str | int) -> str:
    """An address; each {} stands for one part, in which nothing has a meaning of its own."""
    return path.format(*(quote(str(part), safe="") for part in parts))


def asked(query: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """As it stands in an address; None is left out."""
    return {name: _written(value) for name, value in query.items() if value is not None}


def if_match(version: int | None) -> dict[str, str]:
    """The header that lets a change be made only to the state that was seen."""
    return {} if version is None else {"If-Match": f'"{version}"'}


def model(kind: type[M]) -> Callable[[httpx2.Response], M]:
    """Reads JSON. Fields that a newer service adds are looked past."""

    def read(reply: httpx2.Response) -> M:
        try:
            return kind.model_validate_json(reply.content, extra="ignore")
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise WrongAnswer(
                f"The answer is no {kind.__name__}: {where or 'all of it'}.",
                "Take a client of the service's version; GET /health/live says which that is.",
            ) from error

    return read


def nothing(reply: httpx2.Response) -> None:
    """Reads an answer without content."""


def content(reply: httpx2.Response) -> bytes:
    """Reads a picture."""
    return reply.content


def text(reply: httpx2.Response) -> str:
    """Reads text."""
    return reply.text


def document(reply: httpx2.Response) -> dict[str, Any]:
    """Reads JSON of no model."""
    found: dict[str, Any] = reply.json()
    return found


def _written(value: Value) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(one) for one in value]
    return str(value)
