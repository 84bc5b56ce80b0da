"""One try at one job, as the service sees it; the work is done in another process."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Event, Thread
from typing import Any, Final

from mien.server.errors import Internal, JobCrashed
from mien.server.jobs.order import Order, Outcome, trouble_of
from mien.server.jobs.process import ToldToStop, VideoProcess
from mien.server.state.jobs import Progress

LOG: Final = logging.getLogger("mien.server.jobs")


class Attempt:
    """Goes on by itself from `start` on. Afterwards: an outcome, trouble, or neither where it was stopped."""

    def __init__(self, process: VideoProcess, order: Order) -> None:
        self._process, self._order = process, order
        self._stopped = Event()
        self._thread: Thread | None = None
        self.progress = Progress()
        self.outcome: Outcome | None = None
        self.trouble: dict[str, str] | None = None

    def start(self) -> None:
        """Begin. Raises OSError where no process can be had."""
        answers = self._process.begin(self._order)
        self._thread = Thread(target=self._follow, args=(answers,), name="mien-job", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process, whatever it does: a decoder that is stuck would not listen."""
        self._stopped.set()
        self._process.end()

    def wait(self, seconds: float) -> bool:
        """Whether it is over, after so long at most."""
        assert self._thread is not None
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _follow(self, answers: Iterable[dict[str, Any]]) -> None:
        try:
            for said in answers:
                if "progress" in said:
                    self.progress = Progress(*said["progress"])
                    continue
                self.trouble = said.get("trouble")
                self.outcome = Outcome(**said["done"]) if "done" in said else None
                return
        except ToldToStop:
            # Whoever stops the service may have told all of its processes.
            return
        except JobCrashed as error:
            if not self._stopped.is_set():
                LOG.error("job %s: %s", self._order.job, error.cause)
                self.trouble = trouble_of(error)
        except Exception:
            # It may be of another version, where mien was upgraded meanwhile: tried again it would say the same.
            LOG.exception("job %s", self._order.job)
            cure = f"The service's log says more under the job's id, {self._order.job}."
            self.trouble = trouble_of(Internal("Something went wrong that should not have.", cure))
