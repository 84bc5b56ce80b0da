"""Turns between callers, where places are fewer than they ask for: one who wants them all keeps nobody else out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Final, Generic, TypeVar

from mien.server.errors import Busy

T = TypeVar("T")
HEAVY_SECONDS: Final = 5.0


def who_yields(held: Mapping[str, int], newcomer: str) -> str | None:
    """Who gives a place up when all are taken; None where the newcomer gets none. held: places, by caller.

    It is the one who holds the most, as long as the newcomer does not hold as many afterwards as that one did before:
    places would go back and forth.
    """
    most = max(held, key=held.__getitem__, default=newcomer)
    return most if held.get(newcomer, 0) + 1 < held.get(most, 0) else None


class Line(Generic[T]):
    """A queue with so many places: the first of each caller in turn, then the second of each. Nothing is locked."""

    def __init__(self, most: int) -> None:
        self._most = most
        # Callers by turn, and the things of each by age.
        self._waiting: dict[str, dict[int, T]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def enter(self, who: str, number: int, item: T) -> T | None:
        """number: of this item alone. What has no place then: nothing, another caller's newest, or the item itself."""
        left = None
        if len(self) >= self._most:
            yielding = who_yields({name: len(own) for name, own in self._waiting.items()}, who)
            if yielding is None:
                return item
            left = self.leave(yielding, next(reversed(self._waiting[yielding])))
        self._waiting.setdefault(who, {})[number] = item
        return left

    def leave(self, who: str, number: int) -> T | None:
        """Take an item out; None where it is not there any more."""
        own = self._waiting.get(who, {})
        item = own.pop(number, None)
        if not own:
            self._waiting.pop(who, None)
        return item

    def next(self) -> T:
        """Take out what is due; its caller is the last in turn from now on. The line must not be empty."""
        who = next(iter(self._waiting))
        own = self._waiting.pop(who)
        item = own.pop(next(iter(own)))
        if own:
            self._waiting[who] = own
        return item

    def clear(self) -> list[T]:
        """Take everything out."""
        left = [item for own in self._waiting.values() for item in own.values()]
        self._waiting.clear()
        return left


class OneEach:
    """Heavy work, of which each tenant has one at a time in this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._busy: set[str] = set()

    @contextmanager
    def hold(self, tenant: str) -> Iterator[None]:
        """Raises Busy while the tenant's is being done already."""
        with self._lock:
            if tenant in self._busy:
                raise Busy("This is being worked out already.", "Try again when it is done.", HEAVY_SECONDS)
            self._busy.add(tenant)
        try:
            yield
        finally:
            with self._lock:
                self._busy.remove(tenant)
