"""Work off the event loop: a short queue, a worker for each photo that may be worked on at once, and an end to waiting.

Whoever finds the queue full is told so at once, and whoever waited too long is told so without being worked on: under
ten times the load the service answers as many photos as ever, and its memory stays as it is. Callers take turns, and a
queue that one of them has filled has room for the others.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any, Final, Generic, Self, TypeVar

from mien.server.config import ServerConfig
from mien.server.errors import Busy
from mien.server.room import Room
from mien.server.turns import Line

T = TypeVar("T")
# How fast the mean time of a piece of work follows the last one.
FOLLOWED: Final = 0.05
# What a piece of work is taken to need before the first one was done.
GUESSED_SECONDS: Final = 0.1
# Uploads that may be in memory at once, in photos of the largest size.
PHOTOS_IN_MEMORY: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What a worker does; `answer` lives in `loop`, and is touched there alone."""

    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Ticket(Generic[T]):
    """A place in the queue; awaiting it gives the answer, or raises what the work raised, or Busy."""

    def __init__(self, answer: asyncio.Future[T], abandon: Callable[[], bool]) -> None:
        self.answer = answer
        self._abandon = abandon

    def __await__(self) -> Generator[Any, None, T]:
        return self.answer.__await__()

    def abandon(self) -> bool:
        """Give the place up; False where the work has begun, and goes on to its end."""
        return self._abandon()


class Inference:
    """Runs work for requests. Each worker is one thread: the engine's own work is outside of Python's lock.

    Photos of several requests are not put together into one pass of a network: docs/serve-api.md has what that would
    gain, and that it would let an answer depend on who else asks.
    """

    def __init__(self, threads: int = 2, queue: int = 32, deadline_seconds: float = 30.0, room: int = 1 << 28) -> None:
        """queue: work that may wait. room: bytes of uploads that may be in memory at once."""
        self.room = Room(room)
        self._threads, self._deadline = threads, deadline_seconds
        self._changed = threading.Condition()
        self._numbers = count()
        self._line: Line[_Job] = Line(queue)
        self._working = 0
        self._closed = False
        self._seconds = GUESSED_SECONDS
        self._workers = [
            threading.Thread(target=self._work, name=f"mien-work-{n}", daemon=True) for n in range(threads)
        ]
        for worker in self._workers:
            worker.start()

    @classmethod
    def of(cls, config: ServerConfig) -> Self:
        """As the service is set up."""
        room = PHOTOS_IN_MEMORY * config.photo_bytes
        return cls(config.threads, config.queue, config.request_seconds, room)

    @property
    def waiting(self) -> int:
        """How much work waits."""
        with self._changed:
            return len(self._line)

    @property
    def working(self) -> int:
        """How much work is being done."""
        return self._working

    def submit(self, who: str, work: Callable[[], T]) -> Ticket[T]:
        """Take a place in the queue; to be called in an event loop. who: whose work it is, by `Caller.tag`.

        Raises Busy at once where there is none. Awaiting raises it where another caller, who held fewer, needed it.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        # What nobody waits for any more is no error of the loop's.
        answer.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        job, number = _Job(work, loop, answer), next(self._numbers)
        with self._changed:
            if self._closed:
                raise Busy("The service is shutting down.", "Try again in a moment.", 5.0)
            out = self._line.enter(who, number, job)
            if out is job:
                raise self._full
            self._changed.notify()
        if out is not None:
            _tell(out, None, self._full)
        timer = loop.call_later(self._deadline, self._expire, who, number)
        answer.add_done_callback(lambda _: timer.cancel())
        return Ticket(answer, lambda: self._withdraw(who, number) is not None)

    @property
    def retry_after(self) -> float:
        """Whole seconds after which what waits now will be done."""
        return float(max(1, math.ceil(self.waiting * self._seconds / self._threads)))

    def close(self) -> None:
        """What has begun is finished; what waits is refused. Returns when every worker has ended."""
        with self._changed:
            self._closed = True
            left = self._line.clear()
            self._changed.notify_all()
        for job in left:
            _tell(job, None, Busy("The service is shutting down; nothing was done.", "Try again in a moment.", 5.0))
        for worker in self._workers:
            worker.join()

    @property
    def _full(self) -> Busy:
        return Busy("The queue is full; nothing was done.", "Try again later.", self.retry_after)

    def _withdraw(self, who: str, number: int) -> _Job | None:
        with self._changed:
            job = self._line.leave(who, number)
        if job is not None:
            job.answer.cancel()
        return job

    def _expire(self, who: str, number: int) -> None:
        with self._changed:
            job = self._line.leave(who, number)
        if job is not None and not job.answer.done():
            job.answer.set_exception(
                Busy("It waited too long; nothing was done.", "Try again later, or less at once.", self.retry_after)
            )

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began = monotonic()
            try:
                value, error = job.work(), None
            except BaseException as raised:  # noqa: BLE001 - the one who waits gets it, whatever it is
                value, error = None, raised
            with self._changed:
                self._working -= 1
                self._seconds += FOLLOWED * (monotonic() - began - self._seconds)
            _tell(job, value, error)
            # Nothing of a photo stays until the next one comes.
            del job, value, error

    def _next(self) -> _Job | None:
        """The work that is due; None when it is time to end."""
        with self._changed:
            while not self.waiting:
                if self._closed:
                    return None
                self._changed.wait()
            self._working += 1
            return self._line.next()


def _tell(job: _Job, value: object, error: BaseException | None) -> None:
    # The loop may have ended before its work did.
    with suppress(RuntimeError):
        job.loop.call_soon_threadsafe(_settle, job.answer, value, error)


def _settle(answer: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)
