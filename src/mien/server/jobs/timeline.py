"""The result of a video for programs that draw it: tracks, expressions over time, how many were in view."""

from __future__ import annotations

import json
from collections import deque
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, VideoEvent, VideoSummary
from mien.video.sink.files import write_whole
from mien.video.sink.records import event_record, summary_record
from mien.video.sink.stories import SHARE, Stories
from mien.video.sink.timeline import Timeline

MOST_POINTS: Final = 600
MOST_EVENTS: Final = 2000
MEASURED: Final = ("eyes", "mouth", "yaw")
PEOPLE: Final = "people"


class ResultFile:
    """A Sink: one JSON file. What it keeps of a run does not grow with the run's length."""

    def __init__(self, path: Path) -> None:
        """Written whole at `finish`."""
        self._path = path
        self._stories: Stories | None = None
        self._people: Timeline | None = None
        self._events: deque[VideoEvent] = deque(maxlen=MOST_EVENTS)
        self._left_out = 0

    def start(self, info: SourceInfo) -> None:
        """Nothing is written yet."""
        self._stories = Stories(info)

    def take(self, frame: Frame, moment: Moment) -> None:
        """One frame."""
        if self._stories is None:
            return
        self._stories.add(frame, moment)
        if self._people is None:
            self._people = Timeline(moment.time_seconds)
        self._people.add(moment.time_seconds, {PEOPLE: float(len(moment.faces))})
        for event in moment.events:
            self._note(event)

    def finish(self, summary: VideoSummary) -> None:
        """Raises SinkError."""
        for event in summary.events:
            self._note(event)
        write_whole(self._path, json.dumps(self._result(summary), ensure_ascii=False, allow_nan=False).encode())

    def close(self) -> None:
        """Forgets the run."""
        self._stories = None

    def _note(self, event: VideoEvent) -> None:
        if event.kind != "blink":
            self._left_out += len(self._events) == MOST_EVENTS
            self._events.append(event)

    def _result(self, summary: VideoSummary) -> dict[str, Any]:
        kept = self._stories.kept if self._stories else {}
        timelines = [{"track": track} | _points(story.timeline) for track, story in sorted(kept.items())]
        return {
            "summary": _bare(summary_record(summary)),
            "timelines": timelines,
            "people": _points(self._people) if self._people else None,
            "events": [_bare(event_record(event)) | {"kind": event.kind} for event in self._events],
            "events_left_out": self._left_out,
        }


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("schema", "kind")}


def _points(timeline: Timeline) -> dict[str, Any]:
    """Equally long bins from start_seconds on; null where a value was not known."""
    names = [name for name in timeline.names() if name.startswith(SHARE) or name in (*MEASURED, PEOPLE)]
    series = {name.removeprefix(SHARE): timeline.series(name).means for name in names}
    longest = max((len(means) for means in series.values()), default=0)
    by = -(-longest // MOST_POINTS) or 1
    return {
        "start_seconds": round(timeline.start_seconds, 4),
        "bin_seconds": round(timeline.bin_seconds * by, 4),
        "values": {name: [_rounded(value) for value in _coarser(means, by)] for name, means in series.items()},
    }


def _coarser(means: np.ndarray, by: int) -> list[float]:
    if by == 1:
        return [float(value) for value in means]
    bins = [means[first : first + by] for first in range(0, len(means), by)]
    return [float(np.nanmean(one)) if np.isfinite(one).any() else float("nan") for one in bins]


def _rounded(value: float) -> float | None:
    return round(value, 3) if isfinite(value) else None
