"""What faces appear to show, as subtitles that any player puts over the video."""

from __future__ import annotations

import html
from pathlib import Path

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary
from mien.video.sink.files import GrowingFile
from mien.video.sink.words import expression_of, title_of

REFRESH_SECONDS = 0.5
SHORTEST_SECONDS = 0.001


class Subtitles:
    """A Sink: WebVTT, a line for each face in view, a new cue as soon as one of the lines changes.

    Cues never overlap. The one that lasts is in the file already, its end at most half a second behind, so that the
    file is whole after a kill.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is written before `start`."""
        self._path = path
        self._file: GrowingFile | None = None
        self._text = ""
        self._start = self._end = self._now = 0.0
        self._end_at = 0
        self._step = 0.0

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written."""
        self._file = GrowingFile(self._path)
        self._file.write(b"WEBVTT\n\nNOTE What faces appear to show; never what the people feel.\n\n")

    def take(self, frame: Frame, moment: Moment) -> None:
        """Raises SinkError."""
        before, self._now = self._now, moment.time_seconds
        if moment.gap_seconds:
            self._change("", self._now - moment.gap_seconds)
        else:
            self._step = self._now - before
        self._change(_text(moment), self._now)
        if self._text and self._now - self._end >= REFRESH_SECONDS:
            self._move_end(self._now)

    def finish(self, summary: VideoSummary) -> None:
        """The last frame is shown for as long as the one before it. Raises SinkError."""
        self._change("", self._now + self._step)

    def close(self) -> None:
        """Let go of the file; the last cue ends where it was last seen."""
        file = self._file
        if file is None:
            return
        try:
            self._change("", self._now)
        finally:
            self._file = None
            file.close()

    def _change(self, text: str, at: float) -> None:
        """From `at` on it is `text`."""
        same_width = len(_stamp(at)) == len(_stamp(self._end))
        if self._file is None or (text == self._text and same_width):
            return
        if self._text:
            self._move_end(at)
        self._text = text
        if text:
            self._start = max(at, 0.0)
            self._end = self._start + SHORTEST_SECONDS
            start = f"{_stamp(self._start)} --> ".encode()
            offset = self._file.write(start + f"{_stamp(self._end)}\n{text}\n\n".encode())
            self._end_at = offset + len(start)

    def _move_end(self, at: float) -> None:
        end = max(at, self._start + SHORTEST_SECONDS)
        if self._file and len(_stamp(end)) == len(_stamp(self._end)):
            self._file.overwrite(self._end_at, _stamp(end).encode())
            self._end = end


def _text(moment: Moment) -> str:
    said = []
    for face in moment.faces:
        if (shown := expression_of(face)) is not None:
            said.append(html.escape(f"{title_of(face.track, face.identity)}: {shown.label}", quote=False))
    return "\n".join(said)


def _stamp(seconds: float) -> str:
    thousandths = max(0, round(seconds * 1000))
    hours, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
