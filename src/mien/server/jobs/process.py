"""The service's end of the process that works on its videos: begun when one comes, ended when none has for a while."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from mien.server.errors import JobCrashed
from mien.server.jobs.order import Order

# Networks take seconds to load, and some hundred megabytes for as long as they are loaded.
REST_SECONDS: Final = 60.0


class ToldToStop(Exception):
    """A signal that asks came before the process was ready to leave that to the service; nothing crashed."""


def video_command(log_format: str) -> list[str]:
    """What runs `child.py`, importing nothing from the current folder. `ps` shows it: all else is told in orders."""
    return [sys.executable, "-P", "-m", "mien.server.jobs.child", log_format]


class VideoProcess:
    """Works on one video at a time. However the last one ended, the next order finds a process. Used by one thread."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._rests_since: float | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, where there is one."""
        return self._process.pid if self._process else None

    def begin(self, order: Order) -> Iterator[dict[str, Any]]:
        """What it says of the order, in any thread: see `Work`. Raises OSError where no process can be had.

        The iterator raises JobCrashed, or ToldToStop, once the process is gone.
        """
        self._rests_since = None
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        self._process.stdin.write(order.line())
        self._process.stdin.flush()
        return _answers(self._process)

    def rest(self) -> None:
        """There is no video: if this stays so, the memory is given back."""
        if self._rests_since is None:
            self._rests_since = monotonic()
        elif monotonic() - self._rests_since > REST_SECONDS:
            self.end()

    def end(self) -> None:
        """Whatever it does; when this returns it is gone."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # half an order may be in it
                pipe.close()
        self._process = None


def _answers(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    while True:
        try:
            said = json.loads(process.stdout.readline())
        except ValueError:
            # It said nothing more, or half a line.
            process.kill()
            raise _crashed(process.wait()) from None
        yield said


def _crashed(code: int) -> JobCrashed | ToldToStop:
    """code: negative for a signal, where there are signals."""
    if -code in (signal.SIGTERM, signal.SIGINT):
        return ToldToStop()
    try:
        how = f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        how = f"ended with code {code}"
    return JobCrashed(
        f"The process that worked on this video {how}; the service did not end.",
        "The video may be damaged, or made to do harm, or memory ran out: the service's log may say more. "
        "It is not tried again by itself; convert it with another program, and upload that.",
    )
