"""One process for the videos of all tests: to start one takes seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien.server.jobs.order import Order
from mien.server.jobs.process import VideoProcess


class SharedProcess(VideoProcess):
    """Stays when a service closes, unless a video is being worked on: then it is ended as in life."""

    def __init__(self) -> None:
        super().__init__([sys.executable, str(Path(__file__).with_name("warm_child.py"))])
        self._works = False

    def begin(self, order: Order) -> Iterator[dict[str, Any]]:
        """As in life."""
        self._works = True
        return self._watched(super().begin(order))

    def end(self) -> None:
        """Only in the middle of a video."""
        if self._works:
            super().end()

    def close(self) -> None:
        """After the last test."""
        super().end()

    def _watched(self, answers: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for said in answers:
            self._works = "progress" in said
            yield said
