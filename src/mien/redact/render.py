"""The second pass over a video: the same frames again, covered and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mien.errors import VideoError
from mien.face import Pixels
from mien.redact.avatar import avatar
from mien.redact.cover import Cover, Covers
from mien.redact.mask import blur, mosaic, solid
from mien.redact.plan import Plan
from mien.redact.policy import RedactPolicy
from mien.redact.scan import Advance, Scan, checksum
from mien.video.frame import VideoSource
from mien.video.sink.encoder import VideoWriter

PAINTERS: Final[dict[str, Callable[[Pixels, Sequence[Cover], float], None]]] = {
    "solid": solid,
    "avatar": avatar,
    "blur": blur,
    "mosaic": mosaic,
}


@dataclass(frozen=True, slots=True, eq=False)
class Render:
    """Draws what was planned after the first pass."""

    scan: Scan
    plan: Plan
    policy: RedactPolicy

    def __call__(self, source: VideoSource, writer: VideoWriter, advance: Advance) -> int:
        """How many frames got a cover. Closes the writer. Raises VideoError where a frame is not the one of before."""
        covers, covered, index = Covers(self.plan.spans), 0, 0
        paint = PAINTERS[self.policy.how]
        with writer:
            for frame in source:
                self._check(index, frame.time_seconds, frame.pixels)
                here = covers.at(frame.time_seconds)
                pixels = frame.pixels
                if here:
                    pixels = frame.pixels.copy()
                    paint(pixels, here, self.policy.margin)
                writer.write(pixels, frame.time_seconds)
                covered, index = covered + bool(here), index + 1
                advance(frame.time_seconds)
            if index != len(self.scan.times):
                raise _changed(index)
        return covered

    def _check(self, index: int, time_seconds: float, pixels: Pixels) -> None:
        times, checksums = self.scan.times, self.scan.checksums
        same = index < len(times) and time_seconds == times[index] and checksum(pixels) == checksums[index]
        if not same:
            raise _changed(index)


def _changed(index: int) -> VideoError:
    return VideoError(
        f"Frame {index} is not what it was when faces were looked for: the covers would lie wrong.",
        "Redact a file that nobody writes to; one that is damaged must be repaired first.",
    )
