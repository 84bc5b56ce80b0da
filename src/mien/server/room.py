"""How many bytes of uploads may be in memory at once, whoever sends them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from mien.server.errors import Busy


class Room:
    """Counts bytes; used in one event loop alone, so that nothing is locked."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def share(self) -> Share:
        """What one request takes, given back at the end of the `with` block."""
        return Share(self)


class Share:
    """One request's bytes."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken = 0

    def take(self, size: int) -> None:
        """As many bytes more. Raises Busy where there is no room for them."""
        if self._room.taken + size > self._room.most:
            raise Busy("Too much is being uploaded at once.", "Try again in a moment.", 2.0)
        self._room.taken += size
        self._taken += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.taken -= self._taken
        self._taken = 0
