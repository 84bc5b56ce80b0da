"""What sinks that send over a network have in common."""

from __future__ import annotations

from collections.abc import Callable

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoSummary
from mien.video.sink.outbox import WAITING, Outbox
from mien.video.sink.records import dropped_bytes, event_record, json_bytes, run_record, summary_record


class Messages:
    """Each record as a message of JSON, in order, through an `Outbox`; `begin` is for `start` of the subclasses."""

    def __init__(self, waiting: int = WAITING) -> None:
        """waiting: messages that may wait while the way is shut."""
        self._waiting, self._drain_seconds = waiting, 0.0
        self._outbox: Outbox | None = None

    def begin(self, name: str, send: Callable[[bytes], None], info: SourceInfo, drain_seconds: float) -> None:
        """With the record of the run. name, send: as of `Outbox`. drain_seconds: that `finish` waits."""
        self._drain_seconds = drain_seconds
        self._outbox = Outbox(name, send, dropped_bytes, self._waiting)
        self._outbox.put(json_bytes(run_record(info)))

    def take(self, frame: Frame, moment: Moment) -> None:
        """Returns at once."""
        for event in moment.events:
            if self._outbox:
                self._outbox.put(json_bytes(event_record(event)))

    def finish(self, summary: VideoSummary) -> None:
        """Waits for what is under way, a few seconds at most. Raises SinkError where messages were lost."""
        if self._outbox:
            for event in summary.events:
                self._outbox.put(json_bytes(event_record(event)))
            self._outbox.put(json_bytes(summary_record(summary)))
            self._outbox.drain(self._drain_seconds)

    def close(self) -> None:
        """What still waits is lost."""
        outbox, self._outbox = self._outbox, None
        if outbox:
            outbox.close()

    @property
    def dropped(self) -> int:
        """How many messages were pushed out by newer ones while the way was shut."""
        return self._outbox.dropped if self._outbox else 0
