"""Pictures that somebody pushes, as a source of frames: the newest one wins, at most one waits."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from threading import Condition
from typing import Final, Self

from mien.errors import ImageError, ImageFormatRefused
from mien.face import Pixels
from mien.image import ImageLimits, open_photo
from mien.server.errors import Invalid
from mien.video.frame import Frame, SourceInfo

CLOCK: Final = struct.Struct(">d")
FORMATS: Final = ("jpeg", "webp", "png")
LONGEST_SECONDS: Final = 1e7

Refusal = Callable[[int, ImageError], None]
"""Told of the number of a picture that cannot be read, and why; called by the thread that iterates ahead."""


@dataclass(frozen=True, slots=True)
class _Pushed:
    number: int
    time_seconds: float
    picture: bytes


class PushedFrames:
    """A `VideoSource`. A frame's `index` is the number of its message, from 0; `time_seconds` is since the first."""

    unreadable = 0

    def __init__(self, limits: ImageLimits, refused: Refusal, name: str = "live") -> None:
        self.info = SourceInfo(name, "stream", 0, 0, None, None, live=True)
        self._limits, self._refused = limits, refused
        self._change = Condition()
        self._waiting: _Pushed | None = None
        self._closed = False
        self.pushed = 0
        self._first = self._last = float("nan")
        self._just_dropped = 0
        self.dropped = 0

    def push(self, message: bytes) -> int:
        """Eight bytes, a big-endian float64 of seconds by the sender's clock, and a picture; returns at once.

        The number of the message. Raises Invalid for a message that is too short or whose time does not rise; that
        has a number, too.
        """
        with self._change:
            number, self.pushed = self.pushed, self.pushed + 1
            seconds = self._time(message, number)
            if self._waiting is not None:
                self._just_dropped += 1
                self.dropped += 1
            self._waiting = _Pushed(number, seconds - self._first, message[CLOCK.size :])
            self._change.notify()
        return number

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come, until it is closed."""
        while (pushed := self._next()) is not None:
            one, dropped = pushed
            try:
                pixels = self._develop(one.picture)
            except ImageError as error:
                self._refused(one.number, error)
                continue
            yield Frame(one.number, one.time_seconds, pixels, 0.0, dropped)
            del pushed, one, pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What waits is let go."""
        with self._change:
            self._closed, self._waiting = True, None
            self._change.notify_all()

    def _time(self, message: bytes, number: int) -> float:
        if len(message) <= CLOCK.size:
            raise Invalid(f"Message {number} has no picture.", "Send eight bytes of time, then JPEG or WebP.")
        (seconds,) = CLOCK.unpack_from(message)
        if not isfinite(seconds) or abs(seconds) > LONGEST_SECONDS or seconds <= self._last:
            raise Invalid(
                f"The time of message {number} does not come after the one before.",
                "Send seconds as a big-endian float64 by a clock that only rises.",
            )
        self._first = seconds if self._first != self._first else self._first
        self._last = seconds
        return float(seconds)

    def _next(self) -> tuple[_Pushed, int] | None:
        with self._change:
            self._change.wait_for(lambda: self._closed or self._waiting is not None)
            pushed, self._waiting = self._waiting, None
            dropped, self._just_dropped = self._just_dropped, 0
        return None if pushed is None or self._closed else (pushed, dropped)

    def _develop(self, picture: bytes) -> Pixels:
        photo = open_photo(picture, self._limits)
        if photo.format not in FORMATS:
            raise ImageFormatRefused(f"Live pictures are not taken as {photo.format}.", "Send JPEG or WebP.")
        return photo.pixels().pixels
