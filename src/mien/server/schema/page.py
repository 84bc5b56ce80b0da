"""Lists by pages: `items`, and `next` to ask for what follows."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, TypeVar

from pydantic import Field

from mien.server.errors import Invalid
from mien.server.schema.wire import Wire

T = TypeVar("T")
MOST: Final = 200
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICRO: Final = timedelta(microseconds=1)

Limit = Annotated[int, Field(ge=1, le=MOST, description="Items of a page.", examples=[50])]
Cursor = Annotated[
    str, Field(max_length=200, description="`next` of the page before; empty for the first.", examples=[""])
]


class Page(Wire, Generic[T]):
    """next: what to send as `cursor` for the next page; null at the end."""

    items: list[T]
    next: str | None = Field(default=None, examples=[None])


def cursor_of(place: str) -> str:
    """A place in a list as clients see it: opaque, so that it may change."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> str:
    """What `cursor_of` made. Raises Invalid."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError as error:
        raise Invalid("The cursor is none of this list.", "Send `next` of the page before, as it is.") from error


def moment_of(micros: int | None) -> datetime | None:
    """A time as the wire has it."""
    return None if micros is None else EPOCH + micros * MICRO


def micros_of(moment: datetime | None) -> int | None:
    """A time as the state has it; without a zone it is UTC."""
    if moment is None:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICRO
