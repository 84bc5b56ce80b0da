"""The input shapes that a network with free dimensions meets most get a session of their own.

OpenVINO prepares such a network anew at each change of shape, which costs as much as a small pass, and runs even a
lasting shape slower than a fixed one. The kernels are the same, and so are the answers, to the bit.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from mien.engine.openvino import OpenVinoSession
from mien.face import Floats

# A session of its own takes about as long to open as forty passes of a small detector save.
USES = 16
MOST = 4


class UsualShapes:
    """A session with free dimensions; the first four shapes that came 16 times are run by sessions of fixed shape."""

    def __init__(self, open_with: Callable[[tuple[int, ...]], OpenVinoSession], shape: tuple[int, ...]) -> None:
        """open_with: opens the model with an input shape; `shape`: the one with free dimensions."""
        self._open_with = open_with
        self._free = open_with(shape)
        self._lock = threading.Lock()
        self._uses: Counter[tuple[int, ...]] = Counter()
        self._fixed: dict[tuple[int, ...], OpenVinoSession] = {}
        self._opened = 0

    def input_shape(self) -> tuple[int, ...]:
        """The input's shape; -1 stands for a free dimension."""
        return self._free.input_shape()

    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in the model's order."""
        return self._free.output_names()

    def run(self, batch: Floats) -> dict[str, Floats]:
        """One pass, in the session of the batch's shape where there is one."""
        session = self._fixed.get(batch.shape)
        if session is None and self._has_become_usual(batch.shape):
            session = self._fixed[batch.shape] = self._open_with(batch.shape)
        return (session or self._free).run(batch)

    def describe(self) -> str:
        """Engine, version and precision, for people."""
        return self._free.describe()

    def _has_become_usual(self, shape: tuple[int, ...]) -> bool:
        """True once a shape, for the thread that shall open its session; the others go on meanwhile."""
        with self._lock:
            if self._opened == MOST:
                return False
            self._uses[shape] += 1
            usual = self._uses[shape] == USES
            self._opened += usual
            return usual
