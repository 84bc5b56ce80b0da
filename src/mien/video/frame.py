"""A picture with its time, and what hands such pictures out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from mien.face import Pixels
from mien.record import Record


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    index: which one of the source's it is, from 0, those left out counted, estimated after a jump; no measure of time.
    time_seconds: when it is shown, by the container's clock, the source's first frame at 0; rises from frame to frame.
    pixels: (H, W, 3) uint8 RGB, upright, read-only. gap_seconds: above 0 where the source was away so long just before
    (a stream that was lost). dropped: frames that were left out just before, because analysis was slower than the
    camera; those that nobody asked for do not count.
    """

    index: int
    time_seconds: float
    pixels: Pixels
    gap_seconds: float = 0.0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class SourceInfo(Record):
    """What is known of a source before its first frame.

    name: for people, without passwords. kind: file, stream, webcam or folder. width, height: of the upright pictures in
    px. frames_per_second: the average, None where the source does not say. duration_seconds: None where it does not say
    or is live. live: it goes on by itself, and does not wait for whoever watches.
    """

    name: str
    kind: str
    width: int
    height: int
    frames_per_second: float | None
    duration_seconds: float | None
    live: bool


class VideoSource(Protocol):
    """Frames in the order of their time; to be iterated once, by one thread, inside `with`."""

    info: SourceInfo

    @property
    def unreadable(self) -> int:
        """How many damaged places or pictures were skipped so far; 0 where the source cannot tell."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """The frames. Raises a VideoError where the source is lost for good."""
        ...

    def __enter__(self) -> Self:
        """The source itself."""
        ...

    def __exit__(self, *_: object) -> None:
        """Let go of file, camera and threads; ends an iteration in another thread soon."""
        ...
