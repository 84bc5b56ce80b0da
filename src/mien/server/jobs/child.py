"""The process in which videos are worked on, so that one that crashes a decoder ends this process alone.

It takes orders from standard input, says on standard output what comes of them, and ends at once when the service does.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, BinaryIO, Final

from mien.memory import return_large_blocks
from mien.server.log import set_up

NICER: Final = 5
# Where memory runs out on Linux, the process of the highest score is killed; this counts as half of all memory.
OOM_SCORE: Final = 500


def main(log_format: str) -> None:
    """Work on videos until standard input ends."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        # A terminal and systemd tell all processes of the service at once: it says what becomes of the video.
        signal.signal(stop, signal.SIG_IGN)
    answers = _answers()
    _stand_back()
    faulthandler.enable(all_threads=False)
    set_up(log_format)
    return_large_blocks()
    orders: Queue[bytes] = Queue()
    Thread(target=_listen, args=(orders,), name="mien-orders", daemon=True).start()
    # This takes a while, in which the service may go.
    from mien.server.jobs.order import Order
    from mien.server.jobs.work import Work

    def tell(said: dict[str, Any]) -> None:
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()

    work = Work(tell)
    while True:
        work(Order.of(orders.get()))


def _answers() -> BinaryIO:
    """What was standard output: whatever else is printed, by FFmpeg for one, goes where the log goes."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _stand_back() -> None:
    """The service answers first, and outlives it where memory runs out; no face is left in a file of a crash."""
    if hasattr(os, "nice"):
        os.nice(NICER)
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def _listen(orders: Queue[bytes]) -> None:
    # Not sys.stdin, whose lock this thread would hold when another one ends the process.
    with open(sys.stdin.fileno(), "rb", closefd=False) as said:
        for line in said:
            orders.put(line)
    # Nobody wants any more what is being worked on.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
