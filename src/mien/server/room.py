"""How many bytes of uploads may be in memory at once: of all callers together, and half of it of one."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Self

from mien.server.errors import Busy


class Room:
    """Counts bytes; used in one event loop alone, so that nothing is locked."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.of: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """By all callers."""
        return self.of.total()

    def share(self, who: str) -> Share:
        """What one request of a caller takes, given back at the end of the `with` block."""
        return Share(self, who)


class Share:
    """One request's bytes."""

    def __init__(self, room: Room, who: str) -> None:
        self._room, self._who = room, who
        self._taken = 0

    def take(self, size: int) -> None:
        """As many bytes more. Raises Busy where there is no room for them."""
        room = self._room
        if room.taken + size > room.most or room.of[self._who] + size > room.most // 2:
            raise Busy("Too much is being uploaded at once.", "Try again in a moment.", 2.0)
        room.of[self._who] += size
        self._taken += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.of[self._who] -= self._taken
        if not self._room.of[self._who]:
            del self._room.of[self._who]
        self._taken = 0
