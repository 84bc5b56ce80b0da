"""Events as JSON Lines: a `run` first, each event as soon as it is certain, a `summary` last."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary
from mien.video.sink.files import GrowingFile, writing
from mien.video.sink.records import event_record, frame_record, json_bytes, run_record, summary_record


class EventLines:
    """A Sink: one record of `docs/video-event.schema.json` a line, UTF-8, each line whole even after a kill."""

    def __init__(
        self, target: Path | str | TextIO, frames: bool = False, models: Mapping[str, str] | None = None
    ) -> None:
        """target: a path, `-` for standard output, or an open text stream, which stays open.

        frames: also a line for each frame, before its events. models: by stage, for the first line.
        """
        self._target = target
        self._frames, self._models = frames, models
        self._file: GrowingFile | None = None
        self._stream: TextIO | None = None

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written."""
        if isinstance(self._target, str | Path):
            if str(self._target) == "-":
                self._stream = sys.stdout
            else:
                self._file = GrowingFile(Path(self._target))
        else:
            self._stream = self._target
        self._line(run_record(info, self._models))

    def take(self, frame: Frame, moment: Moment) -> None:
        """Raises SinkError, also where whoever read standard output has gone."""
        if self._frames:
            self._line(frame_record(moment))
        for event in moment.events:
            self._line(event_record(event))

    def finish(self, summary: VideoSummary) -> None:
        """Raises SinkError."""
        for event in summary.events:
            self._line(event_record(event))
        self._line(summary_record(summary))

    def close(self) -> None:
        """Closes only what it opened."""
        file, self._file, self._stream = self._file, None, None
        if file:
            file.close()

    def _line(self, record: Mapping[str, Any]) -> None:
        line = json_bytes(record) + b"\n"
        if self._file:
            self._file.write(line)
        elif self._stream:
            with writing("standard output" if self._stream is sys.stdout else "the stream of events"):
                self._stream.write(line.decode())
                self._stream.flush()
