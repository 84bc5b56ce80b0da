"""Server-sent events, and where to go on after the connection was lost."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from mien.client.errors import WrongAnswer
from mien.server.schema.events import LoggedEvent

PATH: Final = "/v1/events/stream"
MOST_OF_AN_EVENT: Final = 10_000_000
RETRY_SECONDS: Final = 2.0
# The service says every 15 s that it is there.
QUIET_SECONDS: Final = 60.0


class FeedReader:
    """Of one feed. after: the number of the last event that was read."""

    def __init__(self, after: int | None) -> None:
        self.after = self._last = after
        self._data: list[str] = []
        self._size = 0

    @property
    def headers(self) -> dict[str, str]:
        """Those that ask for what was not seen yet. A connection begins at the start of an event."""
        self._data, self._size, self._last = [], 0, self.after
        seen = {} if self.after is None else {"Last-Event-ID": str(self.after)}
        return {"Accept": "text/event-stream", **seen}

    def read(self, line: str) -> LoggedEvent | None:
        """The event that this line completes. Raises WrongAnswer."""
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._size += len(value)
                if self._size > MOST_OF_AN_EVENT:
                    raise WrongAnswer("An event has no end.", "Tell whoever runs the service.")
                self._data.append(value.removeprefix(" "))
            elif name == "id" and value.strip().isdecimal():
                self._last = int(value)
            return None
        self.after = self._last
        data, self._data, self._size = "\n".join(self._data), [], 0
        return self._event(data) if data else None

    def _event(self, data: str) -> LoggedEvent:
        try:
            event = LoggedEvent.model_validate_json(data, extra="ignore")
        except ValidationError as error:
            raise WrongAnswer("What came is no event.", "Take a client of the service's version.") from error
        return event
