"""What cameras and streams share: a thread that keeps up, the newest picture, and coming back after a loss."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Protocol, Self

from mien.errors import StreamLost, VideoError
from mien.face import Pixels
from mien.video.frame import Frame, SourceInfo
from mien.video.source.clock import LiveClock
from mien.video.source.policy import Selection, SourcePolicy

FIRST_WAIT_SECONDS: Final = 0.25
LONGEST_WAIT_SECONDS: Final = 10.0
# How soon a thread that waits sees that the source was closed.
GLANCE_SECONDS: Final = 0.05
# Pictures that wait where all are wanted; then the camera has to.
DEPTH: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A picture as it came: when by the camera's clock, None where it has none, and by the wall's; how to see it."""

    shown_seconds: float | None
    arrived_seconds: float
    develop: Callable[[], Pixels]


class Connection(Protocol):
    """One connection to a camera or stream; opened when made, used by one thread."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright pictures in px."""
        ...

    @property
    def frames_per_second(self) -> float | None:
        """The average, None where nobody says."""
        ...

    @property
    def duration_seconds(self) -> float | None:
        """None for what is live."""
        ...

    def __iter__(self) -> Iterator[Arrival]:
        """Pictures until it is lost or ends."""
        ...

    @property
    def ending(self) -> str:
        """Why the pictures ended, in a few words."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    index: int
    time_seconds: float
    gap_seconds: float
    dropped: int
    develop: Callable[[], Pixels]


class LiveSource:
    """Frames of a camera or stream.

    A thread reads and decodes from `__enter__` on, since a camera does not wait; frames count, and time begins, with
    the iteration. By default only the newest picture waits for whoever watches, and frames say how many were dropped.
    When the connection is lost, it is made again, at first after 0.25 s, at last every 10 s; the first frame after that
    tells the gap. Raises StreamLost without a picture for `policy.reconnect_seconds`.
    """

    def __init__(self, name: str, kind: str, connect: Callable[[], Connection], policy: SourcePolicy) -> None:
        self._connect, self._policy = connect, policy
        self._connection: Connection | None = connect()
        first = self._connection
        length = first.duration_seconds
        self.info = SourceInfo(name, kind, *first.size, first.frames_per_second, length, live=length is None)
        self._latest = self.info.live if policy.latest is None else policy.latest
        # No locks: `__exit__` may run in a signal's handler, in the midst of whatever its thread does.
        self._waiting: deque[_Waiting] = deque()
        self._news: SimpleQueue[None] = SimpleQueue()
        self._closed = self._ended = False
        self._watched = not self.info.live
        self._failure: BaseException | None = None
        self._thread: Thread | None = None
        self._clock, self._selection = LiveClock(), Selection(policy)
        self._index = self._dropped = 0
        self._gap = 0.0

    @property
    def unreadable(self) -> int:
        """Nobody can tell: what a stream loses is not counted."""
        return 0

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come. Raises StreamLost, VideoTooLarge."""
        self._start()
        self._watched = True
        while (waiting := self._next()) is not None:
            one = waiting
            yield Frame(one.index, one.time_seconds, one.develop(), one.gap_seconds, one.dropped)
            del one, waiting
        if self._failure is not None and not self._closed:
            raise self._failure

    def _next(self) -> _Waiting | None:
        """What waits, or will; None where nothing more comes."""
        while not self._closed:
            ended = self._ended
            try:
                return self._waiting.popleft()
            except IndexError:
                if ended:
                    return None
            try:
                self._news.get(timeout=GLANCE_SECONDS)
                while True:
                    self._news.get_nowait()
            except Empty:
                pass
        return None

    def __enter__(self) -> Self:
        """Begin to read."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up. Waits for the thread: as long as one read may take, where the camera is silent."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()
        elif self._connection is not None:
            self._connection.close()
            self._connection = None
        self._waiting.clear()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = Thread(target=self._run, name="mien-live", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """The thread."""
        try:
            self._read()
        except VideoError as error:
            self._failure = error
        finally:
            # Anything else is a defect: it is reported where it happened, and ends the iteration too.
            self._failure = self._failure or sys.exception()
            self._ended = True
            self._news.put(None)

    def _read(self) -> None:
        connection, self._connection = self._connection, None
        seen, wait = time.monotonic(), FIRST_WAIT_SECONDS
        ending = ""
        while not self._closed:
            if connection is not None:
                try:
                    count = self._index
                    if self._follow(connection):
                        return
                    ending = connection.ending
                finally:
                    connection.close()
                if self._index > count:
                    seen, wait = time.monotonic(), FIRST_WAIT_SECONDS
                if not self.info.live:
                    return
            left = seen + self._policy.reconnect_seconds - time.monotonic()
            if left <= 0:
                raise self._lost(ending)
            self._sleep(min(wait, left))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            connection = None
            if not self._closed:
                try:
                    connection = self._connect()
                except VideoError as error:
                    ending = error.cause
        if connection is not None:
            connection.close()

    def _lost(self, ending: str) -> StreamLost:
        return StreamLost(
            f"{self.info.name} has sent no picture for {self._policy.reconnect_seconds:g} s ({ending.rstrip('.')}).",
            "Is the camera on, and can it be reached? Raise reconnect_seconds to wait longer.",
        )

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._closed and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE_SECONDS))

    def _follow(self, connection: Connection) -> bool:
        """Take in the connection's pictures until it is lost; whether nothing more is wanted."""
        fresh = True
        for arrival in connection:
            if self._closed:
                return True
            if self._watched:
                if self._take(arrival, fresh):
                    return True
                fresh = False
        return False

    def _take(self, arrival: Arrival, fresh: bool) -> bool:
        """Put one picture where the iteration finds it; whether the wanted part is over."""
        moment, gap = self._clock(arrival.shown_seconds, arrival.arrived_seconds, fresh)
        self._gap += gap
        index, self._index = self._index, self._index + 1
        if self._selection.over(moment):
            return True
        if not self._selection.wants(moment):
            return False
        self._make_room()
        self._waiting.append(_Waiting(index, moment, self._gap, self._dropped, arrival.develop))
        self._gap, self._dropped = 0.0, 0
        self._news.put(None)
        return False

    def _make_room(self) -> None:
        """Drop the picture that waits, and remember what it would have said; or wait until there is room."""
        if not self._latest:
            while len(self._waiting) >= DEPTH and not self._closed:
                time.sleep(GLANCE_SECONDS / 10)
            return
        try:
            old = self._waiting.popleft()
        except IndexError:
            return
        self._dropped += old.dropped + 1
        self._gap += old.gap_seconds
