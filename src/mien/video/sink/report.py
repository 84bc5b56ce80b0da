"""A report for people: one HTML file with plots, faces and words."""

from __future__ import annotations

import time
from pathlib import Path

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary
from mien.video.sink.files import may_write, write_whole
from mien.video.sink.page import page
from mien.video.sink.stories import Stories

REFRESH_SECONDS = 30.0


class HtmlReport:
    """A Sink: a page that needs no network, no script and no other file.

    Written whole at `finish`; every half a minute until then too, so that a kill leaves a recent one. What it keeps of
    a run does not grow with its length: timelines become coarser, and of very many tracks the shortest lose theirs.
    """

    def __init__(self, path: Path, refresh_seconds: float = REFRESH_SECONDS) -> None:
        """refresh_seconds: between two versions while the run goes on."""
        self._path, self._refresh = path, refresh_seconds
        self._stories: Stories | None = None
        self._written = 0.0

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written."""
        may_write(self._path)
        self._stories = Stories(info)
        self._written = time.monotonic()

    def take(self, frame: Frame, moment: Moment) -> None:
        """Raises SinkError."""
        if self._stories is None:
            return
        self._stories.add(frame, moment)
        if time.monotonic() - self._written >= self._refresh:
            self._write(self._stories.summary({}), over=False)
            self._written = time.monotonic()

    def finish(self, summary: VideoSummary) -> None:
        """Raises SinkError."""
        if self._stories:
            for event in summary.events:
                self._stories.note(event)
            self._write(summary, over=True)

    def close(self) -> None:
        """Forgets the run."""
        self._stories = None

    def _write(self, summary: VideoSummary, over: bool) -> None:
        if self._stories:
            write_whole(self._path, page(self._stories, summary, over).encode())
