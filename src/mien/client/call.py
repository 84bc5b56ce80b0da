"""What the methods of both clients make: a request as data, and how its answer is read.

An action is done by whichever of the two transports it is given: `now` returns the result, `later` one to be awaited,
or iterated under an event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import httpx2

from mien.client.body import Body
from mien.server.schema.events import LoggedEvent

T = TypeVar("T")
Item = TypeVar("Item", covariant=True)
Now = TypeVar("Now", covariant=True)
Later = TypeVar("Later", covariant=True)


class Transport(Protocol):
    """Waits for the service."""

    def send(self, call: Call[T]) -> T:
        """One request, and what its answer says."""
        ...

    def save(self, call: Download) -> Path:
        """One file, as it comes."""
        ...

    def follow(self, feed: Feed) -> Iterator[LoggedEvent]:
        """Events, until the iteration is given up."""
        ...


class LaterTransport(Protocol):
    """Leaves the waiting to an event loop."""

    async def send(self, call: Call[T]) -> T:
        """One request, and what its answer says."""
        ...

    async def save(self, call: Download) -> Path:
        """One file, as it comes."""
        ...

    def follow(self, feed: Feed) -> AsyncIterator[LoggedEvent]:
        """Events, until the iteration is given up."""
        ...


class Action(Protocol[Now, Later]):
    """What a method makes."""

    def now(self, transport: Transport) -> Now:
        """Do it, and wait."""
        ...

    def later(self, transport: LaterTransport) -> Later:
        """Do it under an event loop."""
        ...


@dataclass(frozen=True, slots=True)
class Call(Generic[Item]):
    """One request. again: it may be sent again after a broken connection, since that changes nothing or it is keyed."""

    method: str
    path: str
    read: Callable[[httpx2.Response], Item]
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    again: bool = False

    def now(self, transport: Transport) -> Item:
        """Do it."""
        return transport.send(self)

    def later(self, transport: LaterTransport) -> Awaitable[Item]:
        """Do it."""
        return transport.send(self)


@dataclass(frozen=True, slots=True)
class Download:
    """A file of any size, written to `to`; there is all of it in the end, or nothing."""

    path: str
    to: Path

    def now(self, transport: Transport) -> Path:
        """Do it."""
        return transport.save(self)

    def later(self, transport: LaterTransport) -> Awaitable[Path]:
        """Do it."""
        return transport.save(self)


class PageLike(Protocol[Item]):
    """What lists by pages answer with."""

    @property
    def items(self) -> Sequence[Item]:
        """Of this page."""
        ...

    @property
    def next(self) -> str | None:
        """The cursor of the next page; None: this is the last."""
        ...


@dataclass(frozen=True, slots=True)
class Pages(Generic[T]):
    """All items of a list, page by page as they are asked for. page: the call for what a cursor names."""

    page: Callable[[str], Call[PageLike[T]]]

    def now(self, transport: Transport) -> Iterator[T]:
        """Do it."""
        cursor: str | None = ""
        while cursor is not None:
            found = transport.send(self.page(cursor))
            yield from found.items
            cursor = found.next

    async def later(self, transport: LaterTransport) -> AsyncIterator[T]:
        """Do it."""
        cursor: str | None = ""
        while cursor is not None:
            found = await transport.send(self.page(cursor))
            for item in found.items:
                yield item
            cursor = found.next


@dataclass(frozen=True, slots=True)
class Feed:
    """Events behind a number, or from now on; across as many connections as it takes."""

    after: int | None

    def now(self, transport: Transport) -> Iterator[LoggedEvent]:
        """Do it."""
        return transport.follow(self)

    def later(self, transport: LaterTransport) -> AsyncIterator[LoggedEvent]:
        """Do it."""
        return transport.follow(self)
