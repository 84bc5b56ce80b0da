"""How long something lasts, from looks at irregular times; and what share of the time it was so."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


class Run:
    """A value that stays high: begins where it reaches `on`, ends where it has stayed below `off` for over `bridge` s.

    The times lie between two looks, where a straight line between their values crosses the threshold. Feed it with
    `see`; what it returns is a span that has just ended.
    """

    def __init__(self, on: float, off: float, bridge_seconds: float) -> None:
        self._on, self._off, self._bridge = on, off, bridge_seconds
        self._last: tuple[float, float] | None = None
        self.start: float | None = None
        self._below: float | None = None

    def see(self, time: float, value: float) -> Span | None:
        """One look; times rise."""
        last, self._last = self._last, (time, value)
        if self.start is None:
            if value >= self._on:
                self.start = _crossing(last, (time, value), self._on)
            return None
        if value >= self._off:
            self._below = None
        elif self._below is None:
            self._below = _crossing(last, (time, value), self._off)
        if self._below is not None and time - self._below >= self._bridge:
            return self._close(self._below)
        return None

    def lasting(self) -> float:
        """For how many seconds it has been high by the last look; 0 where it is not."""
        if self.start is None or self._last is None:
            return 0.0
        return (self._last[0] if self._below is None else self._below) - self.start

    def cut(self) -> Span | None:
        """Nothing more is known: it ends with the last look."""
        ended = None
        if self.start is not None and self._last is not None:
            ended = self._close(self._last[0] if self._below is None else self._below)
        self._last = None
        return ended

    def _close(self, end: float) -> Span:
        start, self.start, self._below = self.start, None, None
        return Span(end if start is None else start, end)


@dataclass(frozen=True, slots=True)
class Dip:
    """A brief closure: from half shut to half open, and the most that the eyes were seen shut, 0..1."""

    span: Span
    peak: float


class Blinks:
    """Finds brief closures in a curve of closure, 0 open to 1 shut.

    A dip reaches `least`, and rises by at least `RISE` over the most open look of the `LOOK_BACK` seconds before, so
    that drooping lids blink too. It lasts from half way to half way back between that look and its peak.
    """

    LOOK_BACK = 0.3
    RISE = 0.35

    def __init__(self, least: float, longest_seconds: float) -> None:
        self._least, self._kept = least, longest_seconds + self.LOOK_BACK
        self._looks: deque[tuple[float, float]] = deque()
        self._base = 0.0
        self._peak: tuple[float, float] | None = None

    def see(self, time: float, closure: float) -> Dip | None:
        """One look; returns the dip that has just ended. One that is too long for a blink, or began unseen, is none."""
        dip = None
        if self._peak is None:
            before = [value for moment, value in self._looks if moment >= time - self.LOOK_BACK]
            self._base = max(min(before, default=closure), 0.0)
            if closure >= max(self._least, self._base + self.RISE):
                self._peak = (time, closure)
        elif closure >= self._peak[1]:
            self._peak = (time, closure)
        elif closure < self._half(self._peak[1]):
            dip, self._peak = self._dip(self._peak, (time, closure)), None
        self._looks.append((time, closure))
        while self._looks[0][0] < time - self._kept:
            self._looks.popleft()
        return dip

    def cut(self) -> None:
        """Nothing more is known; a dip whose end was not seen is none."""
        self._looks.clear()
        self._peak = None

    def _half(self, peak: float) -> float:
        return (self._base + min(peak, 1.0)) / 2

    def _dip(self, peak: tuple[float, float], now: tuple[float, float]) -> Dip | None:
        half = self._half(peak[1])
        end = _crossing(self._looks[-1], now, half)
        later = now
        for earlier in reversed(self._looks):
            if earlier[0] < peak[0] and earlier[1] < half:
                return Dip(Span(_crossing(earlier, later, half), end), peak[1])
            later = earlier
        return None


def _crossing(before: tuple[float, float] | None, after: tuple[float, float], threshold: float) -> float:
    """When the straight line between two looks (time, value) passes the threshold; without the first, the second."""
    if before is None or before[1] == after[1]:
        return after[0]
    share = (threshold - before[1]) / (after[1] - before[1])
    return before[0] + (after[0] - before[0]) * min(max(share, 0.0), 1.0)


class Shares:
    """Seconds by state, as a whole and over a sliding window; equal neighbours are kept as one piece."""

    def __init__(self, window_seconds: float) -> None:
        self._window = window_seconds
        self._pieces: deque[tuple[Span, str]] = deque()
        self.whole: dict[str, float] = {}

    def add(self, start: float, end: float, state: str) -> None:
        """From start to end it was so; later calls are later in time."""
        self.whole[state] = self.whole.get(state, 0.0) + end - start
        if self._pieces and self._pieces[-1][1] == state and self._pieces[-1][0].end == start:
            start = self._pieces.pop()[0].start
        self._pieces.append((Span(start, end), state))
        self.forget(end)

    def forget(self, now: float) -> None:
        """Let go of what lies wholly before the window that ends now."""
        while self._pieces and self._pieces[0][0].end <= now - self._window:
            self._pieces.popleft()

    def within(self, now: float) -> dict[str, float]:
        """Seconds by state in the window that ends now."""
        sums: dict[str, float] = {}
        for span, state in self._pieces:
            sums[state] = sums.get(state, 0.0) + max(span.end - max(span.start, now - self._window), 0.0)
        return sums
