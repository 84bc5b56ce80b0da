"""Ctrl-C that waits for the line being written."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Interrupt:
    """The first Ctrl-C within it only sets `asked`, so that output ends with a whole line; the second kills.

    then: called with the first one, for whatever waits for something that may take long.
    """

    def __init__(self, then: Callable[[], object] | None = None) -> None:
        self.asked = False
        self._then = then

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if self._then:
            self._then()
