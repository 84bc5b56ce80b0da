"""Which frames of a source are wanted, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf, isfinite
from typing import Literal

from mien.errors import SettingsError

# Times are sums and quotients of floats: a frame that misses a border by less than this does not miss it.
SLACK_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """start_seconds, end_seconds: which part, by the source's own clock; end excluded, None: all of it.
    every_seconds: only the first frame of each interval of this length; 0: every frame.

    Of live sources: latest: True keeps only the newest picture while the last one is worked on, False keeps them
    waiting; None: True for what is live. reconnect_seconds: how long to try again without a picture until StreamLost.
    open_seconds, read_seconds: how long a camera may take to answer, and to send more, before it counts as gone.
    transport: what carries RTSP; `udp` loses pictures where the network is busy.

    frames_per_second: of a folder of pictures. Raises SettingsError for what no source can do.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None
    every_seconds: float = 0.0
    latest: bool | None = None
    reconnect_seconds: float = 60.0
    open_seconds: float = 5.0
    read_seconds: float = 5.0
    transport: Literal["tcp", "udp"] = "tcp"
    frames_per_second: float = 25.0

    def __post_init__(self) -> None:
        for name in ("start_seconds", "every_seconds", "reconnect_seconds"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                raise SettingsError(f"{name} is {value}.", "Give a number of seconds, 0 or more.")
        for name in ("open_seconds", "read_seconds", "frames_per_second"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise SettingsError(f"{name} is {value}.", "Give a number above 0.")
        if self.end_seconds is not None and not self.end_seconds > self.start_seconds:
            raise SettingsError(
                f"The part ends at {self.end_seconds} s and begins at {self.start_seconds} s.", "Let it end later."
            )
        if self.transport not in ("tcp", "udp"):
            raise SettingsError(f"RTSP is not carried by {self.transport!r}.", "Choose tcp or udp.")


class Selection:
    """Tells, frame by frame in the order of their times, which ones a policy asks for. For one thread."""

    def __init__(self, policy: SourcePolicy) -> None:
        self._start = policy.start_seconds - SLACK_SECONDS
        self._end = inf if policy.end_seconds is None else policy.end_seconds - SLACK_SECONDS
        self._every = policy.every_seconds
        self._interval = -1

    def over(self, time_seconds: float) -> bool:
        """Whether nothing from here on is wanted."""
        return time_seconds >= self._end

    def wants(self, time_seconds: float) -> bool:
        """Whether the frame at this time is wanted."""
        if time_seconds < self._start or self.over(time_seconds):
            return False
        if self._every <= 0:
            return True
        interval = floor((time_seconds - self._start + SLACK_SECONDS) / self._every)
        first, self._interval = interval > self._interval, interval
        return first
