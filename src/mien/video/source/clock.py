"""Times that rise, from the clocks of containers and cameras, which do not always."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

# Frames that claim the same moment, or an earlier one.
LEAST_STEP: Final = 0.001
# Going back by more is no slip of one frame: the clock itself was set back.
SET_BACK_SECONDS: Final = 1.0
# A camera's clock that runs ahead of the wall's by more was set forward.
SET_FORWARD_SECONDS: Final = 5.0


class FileClock:
    """Times of a file's frames, the first one at 0.

    A frame without a time comes one frame's duration after the one before. One that is not later than the one before
    is put 1 ms after it; where it lies more than a second before it, the container's clock was set back (two recordings
    in one file, a counter that began again), and from there on time goes on from where it was.
    """

    def __init__(self, frames_per_second: float | None) -> None:
        self._step = 1 / frames_per_second if frames_per_second else 0.04
        self._origin: Fraction | None = None
        self._last: float | None = None

    def __call__(self, picture: Any) -> float:
        """The time in seconds of the next decoded picture."""
        expected = 0.0 if self._last is None else self._last + self._step
        self._last = self._placed(picture, expected)
        return self._last

    def _placed(self, picture: Any, expected: float) -> float:
        if picture.pts is None or picture.time_base is None:
            return expected
        shown = picture.pts * picture.time_base
        if self._origin is None:
            self._origin = shown - Fraction(expected)
        time = float(shown - self._origin)
        if self._last is None or time > self._last:
            return time
        if self._last - time <= SET_BACK_SECONDS:
            return self._last + LEAST_STEP
        self._origin = shown - Fraction(expected)
        return expected

    def jump(self) -> None:
        """Forget what came before: after a seek, the next picture may lie anywhere."""
        self._last = None


class LiveClock:
    """Times of a live source's frames, the first one at 0.

    Within a connection they follow the camera's clock where it has one, else the moment of arrival. Over a gap, and
    where the camera's clock was set back or forward, the wall's clock goes on.
    """

    def __init__(self) -> None:
        self._time: float | None = None
        self._shown: float | None = None
        self._arrived = 0.0

    def __call__(self, shown: float | None, arrived: float, fresh: bool) -> tuple[float, float]:
        """Time and gap in seconds of a picture.

        shown: by the camera's clock; None where it has none. arrived: by the wall's. fresh: the first of a connection.
        """
        waited = arrived - self._arrived
        before, shown_before = self._time, self._shown
        self._shown, self._arrived = shown, arrived
        if before is None:
            self._time = 0.0
            return 0.0, 0.0
        step = waited
        if not fresh and shown is not None and shown_before is not None:
            by_camera = shown - shown_before
            step = by_camera if 0 < by_camera <= waited + SET_FORWARD_SECONDS else waited
        self._time = before + max(step, LEAST_STEP)
        return self._time, max(waited, LEAST_STEP) if fresh else 0.0
