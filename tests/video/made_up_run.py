"""A made-up run with two people, for the tests of sinks: everything a sink can be given, none of it computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, exp, pi, sin

import numpy as np

from mien.attention.window import AttentionWindow
from mien.expression.classes import FERPLUS
from mien.face import Box, Detection, Expression, Eyes, Face, FaceMesh, HeadPose, Pixels, Quality
from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, Shot, TrackedFace, TrackIdentity, TrackSummary, VideoEvent, VideoSummary
from mien.video.sink.sink import Sink

ANNA = TrackIdentity("person", "p-1", "Anna Fuchs", 0.71, 0.01, 9, ("It is nearest of 40 people.", "9 shots agree."))
NOBODY = TrackIdentity("unknown", None, None, 0.21, 0.01, 6)
POINTS = np.zeros((468, 3), np.float32)
IRISES = np.zeros((2, 5, 2), np.float32)
LANDMARKS = np.zeros((5, 2), np.float32)


@dataclass(frozen=True)
class Run:
    """A source of `seconds` at `rate` frames a second, of the size given; `names` are what track 1 is called."""

    seconds: float = 2.0
    rate: float = 25.0
    width: int = 320
    height: int = 180
    anna: TrackIdentity = ANNA

    def info(self, live: bool = False) -> SourceInfo:
        kind, length = ("stream", None) if live else ("file", self.seconds)
        return SourceInfo("talk.mp4", kind, self.width, self.height, self.rate, length, live)

    def times(self) -> list[float]:
        """Not evenly spaced, as of a phone."""
        return [round((i + 0.3 * (i % 3 == 1)) / self.rate, 4) for i in range(int(self.seconds * self.rate))]

    def __iter__(self) -> Iterator[tuple[Frame, Moment]]:
        background = np.full((self.height, self.width, 3), 90, np.uint8)
        background[:, :, 2] = np.linspace(40, 160, self.width, dtype=np.uint8)
        before, everything = -1.0, self.events()
        for index, now in enumerate(self.times()):
            pixels = background.copy()
            faces = tuple(self.face(track, now) for track in (1, 2) if track == 1 or now > self.seconds * 0.2)
            for face in faces:
                paint(pixels, face.face.detection.box, face.track)
            pixels.flags.writeable = False
            events = tuple(event for event in everything if before < event.time_seconds <= now)
            yield Frame(index, now, pixels), Moment(index, now, self.width, self.height, faces, events)
            before = now

    def face(self, track: int, now: float) -> TrackedFace:
        size = self.height * 0.4
        middle = self.width * (0.3 if track == 1 else 0.7) + self.width * 0.05 * sin(now * track)
        box = Box(middle - size / 2, self.height * 0.3, size, size * 1.2)
        yaw = 8 * sin(now * 0.9 + track) + (38.0 if track == 2 and self.away(now) else 0)
        open_eyes = 0.08 if self.shut(track, now) else 0.31 + 0.02 * sin(now * 7)
        mouth = 0.05 + 0.03 * abs(sin(now * 5)) + (0.6 if track == 1 and self.yawns(now) else 0)
        mesh = FaceMesh(
            POINTS, IRISES, 0.98, HeadPose(yaw, 3 * cos(now), 2.0), Eyes(open_eyes, open_eyes, 1.0, -2.0), mouth
        )
        shown = Expression(*expression(track, now, self.seconds), "ferplus", "sequence-1")
        return TrackedFace(
            track,
            predicted=track == 2 and 0.5 < now / self.seconds < 0.55,
            face=Face(Detection(box, 0.93, LANDMARKS), mesh, Quality(64.0 + 20 * sin(now), ())),
            expression=shown,
            identity=None if now < self.seconds * 0.1 else self.anna if track == 1 else NOBODY,
            attention=window(1.8 if self.shut(track, now) else 0.0, 2.0 if track == 2 and self.away(now) else 0.0),
        )

    def away(self, now: float) -> bool:
        return 0.6 < now / self.seconds < 0.72

    def yawns(self, now: float) -> bool:
        return 0.78 < now / self.seconds < 0.83

    def shut(self, track: int, now: float) -> bool:
        long = track == 2 and 0.85 < now / self.seconds < 0.88
        return long or (now + track) % 3.1 < 0.15

    def events(self) -> list[VideoEvent]:
        end = self.seconds
        found = [
            VideoEvent("track_start", 0.0, 1),
            VideoEvent("identity", end * 0.1, 1, {"answer": "person", "person_id": "p-1", "name": self.anna.name}),
            VideoEvent("track_start", end * 0.2, 2),
            VideoEvent("identity", end * 0.3, 2, {"answer": "unknown", "person_id": None, "name": None}),
            VideoEvent("expression", end * 0.4, 1, {"label": "happiness", "was": "neutral"}),
            VideoEvent("look_away", end * 0.6, 2, {"duration_seconds": end * 0.12}),
            VideoEvent("yawn", end * 0.78, 1, {"duration_seconds": end * 0.05}),
            VideoEvent("eyes_shut", end * 0.85, 2, {"duration_seconds": end * 0.03}),
        ]
        for track in (1, 2):
            blinks = np.arange(3.1 - track if track == 1 else end * 0.2 + 0.3, end, 3.1)
            found += [VideoEvent("blink", float(at), track, {"duration_seconds": 0.15}) for at in blinks]
        return sorted(found, key=lambda one: one.time_seconds)

    def summary(self, shot: Pixels | None = None) -> VideoSummary:
        tracks = tuple(self._track(track, shot) for track in (1, 2))
        models = {"detect": "yunet", "embed": "sface", "expression": "sequence-1"}
        frames = len(self.times())
        return VideoSummary(self.info(), frames, 3, self.seconds, tracks, models, self.width, self.height)

    def _track(self, track: int, shot: Pixels | None) -> TrackSummary:
        start = 0.0 if track == 1 else self.seconds * 0.2
        kinds = Counter(event.kind for event in self.events() if event.track == track)
        picture = np.full((96, 96, 3), (200, 160, 140), np.uint8) if shot is None else shot
        shares = {"neutral": 0.55, "happiness": 0.3, "unsure": 0.15} if track == 1 else {"neutral": 0.8, "sadness": 0.2}
        return TrackSummary(
            track,
            start,
            self.seconds,
            int((self.seconds - start) * self.rate),
            self.anna if track == 1 else NOBODY,
            shares,
            window(0.0, 0.0, self.seconds - start),
            dict(kinds),
            tuple(Shot(start + at, 80.0 - at, picture) for at in (0.0, 0.5, 1.0)),
        )


def play(run: Run, sink: Sink, frames: int | None = None) -> None:
    """The whole life of a sink; with `frames` it ends after so many, without a summary."""
    sink.start(run.info())
    for index, (frame, moment) in enumerate(run):
        if index == frames:
            return
        sink.take(frame, moment)
    sink.finish(run.summary())
    sink.close()


def window(shut: float, away: float, seconds: float = 60.0) -> AttentionWindow:
    return AttentionWindow(seconds, seconds * 0.95, 17.4, 0.19, 0.041, shut, 1, 0.83, away)


def expression(track: int, now: float, seconds: float) -> tuple[str, float, dict[str, float]]:
    """Label, confidence, probabilities: swells of one class after the other, over neutral."""
    weights = dict.fromkeys(FERPLUS, 0.03)
    weights["neutral"] = 1.0
    first, second = ("happiness", "surprise") if track == 1 else ("sadness", "anger")
    weights[first] += 2.5 * exp(-(((now / seconds - 0.45) / 0.1) ** 2)) + 0.1 * (1 + sin(now * 2 * pi / 9))
    weights[second] += 1.8 * exp(-(((now / seconds - 0.8) / 0.05) ** 2))
    total = sum(weights.values())
    shares = {label: weight / total for label, weight in weights.items()}
    likeliest = max(shares, key=shares.__getitem__)
    return (likeliest if shares[likeliest] >= 0.5 else "unsure"), shares[likeliest], shares


def paint(pixels: Pixels, box: Box, track: int) -> None:
    """Something round, so that there is something to see."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    inside = ((x - box.x - box.width / 2) / (box.width / 2)) ** 2 + (
        (y - box.y - box.height / 2) / (box.height / 2)
    ) ** 2
    pixels[inside < 1] = (224, 180, 160) if track == 1 else (160, 120, 100)
