"""The tracks of a run: those that are open, those that ended, and of the oldest only what they came to."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from mien.track.tracker import Seen, Update
from mien.video.face_work import Work
from mien.video.moment import TrackSummary, VideoEvent
from mien.video.track_log import Judges, Schedule, TrackLog

# Summaries of tracks that ended, the latest; a camera may run for years.
MOST_PAST: Final = 10_000


class TrackLogs:
    """Used by one thread."""

    def __init__(self, judges: Judges) -> None:
        self._judges = judges
        self._schedules: dict[int, Schedule] = {}
        self._open: dict[int, TrackLog] = {}
        self._ended: dict[int, TrackLog] = {}
        self._past: dict[int, TrackSummary] = {}
        self._pictured: deque[int] = deque()
        self.left_out = 0

    def due(self, seen: Seen, time_seconds: float, stretch: float) -> Work:
        """What is due of a face now; to be asked once a frame, in the order of the frames, before `change`."""
        schedule = self._schedules.setdefault(seen.track, Schedule(self._judges.policy, time_seconds))
        return Work(False, False, False) if seen.predicted else schedule.due(time_seconds, stretch)

    def change(self, update: Update, time_seconds: float) -> list[VideoEvent]:
        """Open and end tracks."""
        events = [event for track in update.ended for event in self._end(track)]
        for track in (*update.started, *update.returned):
            back = self._ended.pop(track, None)
            self._open[track] = log = back or TrackLog(track, time_seconds, self._judges)
            events.append(log.started(time_seconds, track in update.returned))
        return events

    def log(self, track: int) -> TrackLog:
        """Of a track that is open."""
        return self._open[track]

    def open_ends(self) -> tuple[VideoEvent, ...]:
        """The track_end of every open track, as if it ended now."""
        return tuple(log.ended() for _, log in sorted(self._open.items()))

    def summaries(self) -> tuple[TrackSummary, ...]:
        """Of all tracks, by number."""
        known = {track: log.summary() for track, log in (self._ended | self._open).items()}
        return tuple(summary for _, summary in sorted((self._past | known).items()))

    def _end(self, track: int) -> list[VideoEvent]:
        log = self._ended[track] = self._open.pop(track)
        self._pictured.append(track)
        if len(self._pictured) > self._judges.policy.kept_tracks:
            # Pictures of the latest alone are kept: whoever passed long ago leaves numbers behind.
            oldest = self._ended.get(self._pictured.popleft())
            if oldest:
                oldest.forget_pictures()
        self._bury(log.last_seconds - self._judges.policy.track.return_seconds)
        return [*log.last_signs(), log.ended()]

    def _bury(self, before_seconds: float) -> None:
        """Of tracks that can come back no more, only what they came to is left; of the oldest not even that."""
        while self._ended and (log := next(iter(self._ended.values()))).last_seconds < before_seconds:
            del self._ended[log.track]
            self._past[log.track] = replace(log.summary(), shots=())
            self._schedules.pop(log.track, None)
            if self._judges.identity:
                self._judges.identity.forget(log.track)
        while len(self._past) > MOST_PAST:
            del self._past[next(iter(self._past))]
            self.left_out += 1
