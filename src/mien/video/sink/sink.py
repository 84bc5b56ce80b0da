"""What takes moments in."""

from __future__ import annotations

from typing import Protocol

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary


class Sink(Protocol):
    """Takes one run: `start`, then every moment in order, then `finish` with the summary, and `close` whatever happens.

    What it was given survives a kill of the process up to a second before. Raises SinkError where it cannot write.
    """

    def start(self, info: SourceInfo) -> None:
        """Before the first frame."""
        ...

    def take(self, frame: Frame, moment: Moment) -> None:
        """One frame and what is known at it."""
        ...

    def finish(self, summary: VideoSummary) -> None:
        """After the last frame, also of a run that was stopped."""
        ...

    def close(self) -> None:
        """Let go of files and connections; may be called twice, and after a failure."""
        ...
