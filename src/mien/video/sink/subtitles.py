"""What faces appear to show, as subtitles that any player puts over the video."""

from __future__ import annotations

import html
from pathlib import Path

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary
from mien.video.sink.files import GrowingFile
from mien.video.sink.stay import Stay
from mien.video.sink.words import expression_of, title_of

REFRESH_SECONDS = 0.5
SHORTEST_SECONDS = 0.001


class Subtitles:
    """A Sink: WebVTT, a line for each face in view, a new cue where one of the lines changes and that lasts.

    Cues never overlap. The one that lasts is in the file already, its end at most half a second behind, so that the
    file is whole after a kill.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is written before `start`."""
        self._path = path
        self._file: _CueFile | None = None
        self._stay = Stay()
        self._now = self._step = 0.0

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written."""
        self._file = _CueFile(self._path)

    def take(self, frame: Frame, moment: Moment) -> None:
        """Raises SinkError."""
        before, self._now = self._now, moment.time_seconds
        if moment.gap_seconds:
            self._end(self._now - moment.gap_seconds)
        else:
            self._step = self._now - before
        for text, at in self._stay.take(_text(moment), self._now):
            self._change(text, at)
        if self._file and not self._stay.waits:
            self._file.goes_on(self._now)

    def finish(self, summary: VideoSummary) -> None:
        """The last frame is shown for as long as the one before it. Raises SinkError."""
        self._end(self._now + self._step)

    def close(self) -> None:
        """Let go of the file; the last cue ends where it was last seen."""
        file = self._file
        if file is None:
            return
        try:
            self._end(self._now)
        finally:
            self._file = None
            file.close()

    def _end(self, at: float) -> None:
        for text, when in self._stay.end(at):
            self._change(text, when)

    def _change(self, text: str, at: float) -> None:
        if self._file:
            self._file.change(text, at)


class _CueFile:
    """One cue after the other, the last one whole at any time. Raises SinkError."""

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._file.write(b"WEBVTT\n\nNOTE What faces appear to show; never what the people feel.\n\n")
        self._text = ""
        self._start = self._end = 0.0
        self._end_at = 0

    def change(self, text: str, at: float) -> None:
        """From `at` on it is `text`."""
        if self._text:
            self._move_end(at)
        self._text = text
        if text:
            self._start = max(at, 0.0)
            self._end = self._start + SHORTEST_SECONDS
            start = f"{_stamp(self._start)} --> ".encode()
            offset = self._file.write(start + f"{_stamp(self._end)}\n{text}\n\n".encode())
            self._end_at = offset + len(start)

    def goes_on(self, at: float) -> None:
        """It is still the same."""
        if self._text and len(_stamp(at)) != len(_stamp(self._end)):
            self.change(self._text, at)  # the time needs another digit, for which there is no room
        elif self._text and at - self._end >= REFRESH_SECONDS:
            self._move_end(at)

    def close(self) -> None:
        """Let go."""
        self._file.close()

    def _move_end(self, at: float) -> None:
        end = max(at, self._start + SHORTEST_SECONDS)
        if len(_stamp(end)) == len(_stamp(self._end)):
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
