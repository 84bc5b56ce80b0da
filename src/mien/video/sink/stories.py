"""What a report keeps of a run while it goes on: bounded, whatever its length and the number of its tracks."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

import cv2
import numpy as np

from mien.attention.window import AttentionWindow
from mien.face import NOT_ASKED, FaceMesh, NotAsked, Pixels
from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, Shot, TrackedFace, TrackIdentity, TrackSummary, VideoEvent, VideoSummary
from mien.video.sink.timeline import Timeline
from mien.video.sink.words import expression_of

KEPT_TRACKS = 40
KEPT_SPANS = 300
KEPT_EVENTS = 400
SHOT_PX = 160
# A new picture of a face has to be so much better than the one that is kept.
BETTER = 1.2
LABEL = "label:"
SHARE = "share:"


class Story:
    """One track as a report shows it."""

    def __init__(self, track: int, seconds: float) -> None:
        """seconds: when it was first seen."""
        self.track, self.start_seconds, self.last_seconds = track, seconds, seconds
        self.frames = 0
        self.timeline = Timeline(seconds)
        self.labels: Counter[str] = Counter()
        self.identity: TrackIdentity | NotAsked | None = NOT_ASKED
        self.attention: AttentionWindow | NotAsked = NOT_ASKED
        self.counts: Counter[str] = Counter()
        self._spans: dict[tuple[str, float], float] = {}
        self.shot: Shot | None = None
        self._worth = 0.0

    def add(self, frame: Frame, face: TrackedFace) -> None:
        """One frame with this track's face."""
        self.last_seconds = frame.time_seconds
        self.identity, self.attention = face.identity, face.attention
        if face.predicted:
            return
        self.frames += 1
        values = {"seen": 1.0} | _measured(face)
        if shown := expression_of(face):
            self.labels[shown.label] += 1
            values |= {f"{SHARE}{label}": share for label, share in shown.probabilities.items()}
            values[f"{LABEL}{shown.label}"] = 1.0
        self.timeline.add(frame.time_seconds, values)
        self._consider(frame, face)

    def note(self, event: VideoEvent) -> None:
        """An event of this track; one that is told again when it is over counts once."""
        length = float(event.detail.get("duration_seconds") or 0.0)
        if event.kind == "look_back":
            away = [at for kind, at in self._spans if kind == "look_away"]
            self._spans |= {("look_away", at): length for at in away[-1:]}
        again = (event.kind, event.time_seconds) in self._spans
        self.counts[event.kind] += not again
        if event.kind == "blink":
            self.timeline.add(event.time_seconds, {"blink": 1.0})
        elif event.kind in ("eyes_shut", "yawn", "look_away"):
            self._spans[event.kind, event.time_seconds] = length
            if len(self._spans) > KEPT_SPANS:
                del self._spans[next(iter(self._spans))]

    def spans(self, kind: str) -> list[tuple[float, float]]:
        """(beginning, length) in seconds of each time with shut eyes, yawn or look away; the latest ones."""
        return [(at, length) for (one, at), length in self._spans.items() if one == kind]

    def stretches(self) -> list[tuple[float, float]]:
        """(from, to) in seconds of each stretch of time in which the face was found."""
        return [
            (seen.start_seconds + first * seen.bin_seconds, seen.start_seconds + beyond * seen.bin_seconds)
            for seen in (self.timeline.series("seen"),)
            for first, beyond in seen.runs()
        ]

    def summary(self) -> TrackSummary:
        """As far as it has come, for a report that is written before the end."""
        total = max(1, self.labels.total())
        return TrackSummary(
            self.track,
            self.start_seconds,
            self.last_seconds,
            self.frames,
            self.identity,
            {label: count / total for label, count in self.labels.most_common()},
            self.attention,
            dict(self.counts),
            (self.shot,) if self.shot else (),
        )

    def _consider(self, frame: Frame, face: TrackedFace) -> None:
        box = face.face.detection.box
        worth = min(box.width, box.height) * face.face.detection.score
        if worth > BETTER * self._worth and (pixels := _crop(frame.pixels, face)) is not None:
            self._worth, self.shot = worth, Shot(frame.time_seconds, float("nan"), pixels)


class Stories:
    """All tracks of a run; of more than `KEPT_TRACKS` those with the most frames keep their timelines."""

    def __init__(self, info: SourceInfo) -> None:
        """Before the first frame."""
        self.info = info
        self.kept: dict[int, Story] = {}
        self.events: deque[VideoEvent] = deque(maxlen=KEPT_EVENTS)
        self.events_left_out = self.tracks_left_out = 0
        self.gaps: deque[tuple[float, float]] = deque(maxlen=KEPT_SPANS)
        self.frames = self.dropped = 0
        self.start_seconds: float | None = None
        self.last_seconds = 0.0
        self.width = self.height = 0

    def add(self, frame: Frame, moment: Moment) -> None:
        """One frame and what is known at it."""
        self.frames += 1
        self.dropped += moment.dropped
        self.width, self.height = moment.width, moment.height
        self.last_seconds = moment.time_seconds
        if self.start_seconds is None:
            self.start_seconds = moment.time_seconds
        if moment.gap_seconds > 0:
            self.gaps.append((moment.time_seconds - moment.gap_seconds, moment.gap_seconds))
        for face in moment.faces:
            if face.track not in self.kept:
                self.kept[face.track] = Story(face.track, moment.time_seconds)
                self._make_room(face.track)
            if face.track in self.kept:
                self.kept[face.track].add(frame, face)
        for event in moment.events:
            self.note(event)

    def note(self, event: VideoEvent) -> None:
        """An event of the run; blinks are counted and drawn, not listed."""
        if event.track in self.kept:
            self.kept[event.track].note(event)
        if event.kind == "blink":
            return
        if event.kind == "eyes_shut":  # told again when it is over
            told = [one for one in self.events if _what(one) == _what(event)]
            for one in told:
                self.events.remove(one)
        self.events_left_out += len(self.events) == KEPT_EVENTS
        self.events.append(event)

    def summary(self, models: Mapping[str, str]) -> VideoSummary:
        """As far as it has come."""
        tracks = tuple(story.summary() for story in self.kept.values())
        seconds = self.last_seconds - (self.start_seconds or 0.0)
        return VideoSummary(self.info, self.frames, self.dropped, seconds, tracks, models, self.width, self.height)

    def _make_room(self, newest: int) -> None:
        if len(self.kept) > KEPT_TRACKS:
            self.tracks_left_out += 1
            others = (story for track, story in self.kept.items() if track != newest)
            # One that was not seen for long is as good as over; of those the shortest goes.
            gone = min(others, key=lambda one: (self.last_seconds - one.last_seconds < 10.0, one.frames))
            del self.kept[gone.track]


def _what(event: VideoEvent) -> tuple[str, float, int | None]:
    return event.kind, event.time_seconds, event.track


def _measured(face: TrackedFace) -> dict[str, float]:
    mesh = face.face.landmark
    if not isinstance(mesh, FaceMesh):
        return {}
    eyes = (mesh.eyes.right_openness + mesh.eyes.left_openness) / 2
    return {"eyes": eyes, "mouth": mesh.mouth_openness, "yaw": mesh.pose.yaw_degrees}


def _crop(pixels: Pixels, face: TrackedFace) -> Pixels | None:
    """(S, S, 3): a square around the face, what lies over the picture's edge left out."""
    box = face.face.detection.box
    side = 1.4 * max(box.width, box.height)
    x, y = box.x + box.width / 2, box.y + box.height / 2
    left, top = max(0, round(x - side / 2)), max(0, round(y - side / 2))
    part = pixels[top : round(y + side / 2), left : round(x + side / 2)]
    return shrunk(part) if min(part.shape[:2], default=0) > 1 else None


def shrunk(pixels: Pixels) -> Pixels:
    """A copy of (H, W, 3) whose longer side has SHOT_PX at most."""
    scale = min(1.0, SHOT_PX / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
