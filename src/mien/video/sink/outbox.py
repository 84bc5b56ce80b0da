"""Messages that wait for a broker or server, so that the loop never does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from mien.errors import SinkError

WAITING = 1000
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STOP_SECONDS = 2.0


class NotNow(Exception):
    """It did not go through and may later; says why."""


class Refused(Exception):
    """It never will; says why."""


class Outbox:
    """Sends messages in their order from a thread of its own; tries again, ever more slowly, while the way is shut.

    At most `limit` messages wait. One more pushes out the oldest: those are counted, and once the way is open again
    `notice` says how many were lost. Thread-safe.
    """

    def __init__(
        self, name: str, send: Callable[[bytes], None], notice: Callable[[int], bytes], limit: int = WAITING
    ) -> None:
        """send: hands over one message, or raises NotNow or Refused; called by one thread only."""
        self._name, self._send, self._notice, self._limit = name, send, notice, limit
        self._waiting: deque[bytes] = deque()
        self._change = threading.Condition()
        self._busy = self._stopping = False
        self._untold = 0
        self.dropped = self.refused = 0
        self.trouble = ""
        self._thread = threading.Thread(target=self._work, name="mien-outbox", daemon=True)
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether `close` was called; a `send` that waits gives up then."""
        return self._stopping

    def put(self, message: bytes) -> None:
        """Returns at once."""
        with self._change:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self.dropped += 1
                self._untold += 1
            self._waiting.append(message)
            self._change.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until all is sent, for so long at most. Raises SinkError where anything was lost or still waits."""
        until = time.monotonic() + seconds
        with self._change:
            while (self._waiting or self._busy) and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            stuck = len(self._waiting) + self._busy
        lost = self.dropped + self.refused + stuck
        if lost:
            why = f" {self.trouble}" if self.trouble else ""
            raise SinkError(f"{lost:,} messages did not reach {self._name}.{why}", "See that it runs and is reachable.")

    def close(self) -> None:
        """What still waits is lost. May be called twice."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._thread.join(STOP_SECONDS)

    def _work(self) -> None:
        while (message := self._next()) is not None:
            self._deliver(message)
            with self._change:
                self._busy = False
                self._change.notify_all()

    def _next(self) -> bytes | None:
        with self._change:
            while not self._waiting and not self._stopping:
                self._change.wait()
            if self._stopping:
                return None
            self._busy = True
            if self._untold:
                message, self._untold = self._notice(self._untold), 0
                return message
            return self._waiting.popleft()

    def _deliver(self, message: bytes) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping:
            try:
                self._send(message)
            except NotNow as error:
                self.trouble = str(error)
                with self._change:
                    self._change.wait_for(lambda: self._stopping, pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            except Refused as error:
                self.trouble = str(error)
                self.refused += 1
                return
            else:
                return
