"""Whether a live run keeps up, and how much rarer its looks must become where it does not."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

MOST: Final = 4.0
STEP: Final = 1.25
REMEMBERED: Final = 100


class Pace:
    """Delays of the last frames against a budget in seconds."""

    def __init__(self, budget_seconds: float) -> None:
        self._budget = budget_seconds
        self._delays: deque[float] = deque(maxlen=REMEMBERED)
        self._average = 0.0
        self.stretch = 1.0

    @property
    def delay_seconds(self) -> float | None:
        """The median of the last hundred frames, None before the first."""
        return median(self._delays) if self._delays else None

    def took(self, seconds: float) -> None:
        """Note the delay of one frame; changes `stretch`, 1 to 4: how many times rarer faces are looked at."""
        self._delays.append(seconds)
        self._average += 0.1 * (seconds - self._average)
        if self._average > self._budget:
            self.stretch = min(MOST, self.stretch * STEP)
        elif self._average < self._budget / 2:
            self.stretch = max(1.0, self.stretch / STEP)
