"""The small parts of the loop: pace, schedule, the log of expressions, and sinks that fail."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from io import StringIO
from types import MappingProxyType

import numpy as np
import pytest
from rich.console import Console

from mien.cli.video_run import clock, event_line, run_video, summary_table
from mien.errors import SinkError
from mien.expression.sequence import SequenceExpression
from mien.face import NOT_ASKED, Box, Detection, Expression, Face
from mien.settings import Settings
from mien.track.policy import TrackPolicy
from mien.track.tracker import Seen, Update
from mien.video.expression_log import MOST_LOOKS, ExpressionLog
from mien.video.face_work import FaceResult
from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, TrackIdentity, TrackSummary, VideoEvent, VideoSummary
from mien.video.pace import MOST, Pace
from mien.video.policy import VideoPolicy
from mien.video.sink.records import json_bytes, run_record
from mien.video.track_log import Judges, Schedule
from mien.video.track_logs import TrackLogs
from mien.weights.catalog import Catalog

DETECTION = Detection(Box(10, 10, 50, 60), 0.9, np.zeros((5, 2), np.float32))
INFO = SourceInfo("made up", "file", 64, 48, 25.0, None, False)


def said(label: str) -> Expression:
    return Expression(label, 0.9, MappingProxyType({label: 0.9}), "ferplus", "m@1")


def result(label: str | None = None, features: np.ndarray | None = None) -> FaceResult:
    return FaceResult(Face(DETECTION, expression=said(label) if label else NOT_ASKED), features)


def test_a_slow_run_looks_more_rarely_and_recovers() -> None:
    pace = Pace(0.1)
    for _ in range(200):
        pace.took(0.5)
    assert pace.stretch == MOST and pace.delay_seconds == 0.5
    for _ in range(400):
        pace.took(0.01)
    assert pace.stretch == 1.0


def test_a_schedule_goes_by_the_time_of_the_frames() -> None:
    schedule = Schedule(VideoPolicy(expression_seconds=0.08, shot_seconds=2.0), 0.0)
    due = [schedule.due(index / 25) for index in range(251)]
    assert [work.expression for work in due[:6]] == [True, False, True, False, True, False]
    shots = [index / 25 for index, work in enumerate(due) if work.shot]
    assert shots == [0.0, 0.2, 0.52, 1.0, 3.0, 5.0, 7.0, 9.0]
    assert all(work.landmark for work in due)


def test_a_stretched_schedule_is_rarer_and_leaves_out_meshes() -> None:
    schedule = Schedule(VideoPolicy(expression_seconds=0.08), 0.0)
    due = [schedule.due(index / 25, 4.0) for index in range(100)]
    assert sum(work.expression for work in due) == pytest.approx(100 / 8, abs=1)
    assert sum(work.landmark for work in due) < 20


def test_without_a_sequence_model_the_frame_model_is_believed_for_a_second() -> None:
    log = ExpressionLog(None)
    assert log.update(0.0, True, result("happiness")) == ("happiness", None)
    assert log.update(0.5, True, result()) is None and log.label == "happiness"
    assert log.update(0.6, True, result("neutral")) == ("neutral", "happiness")
    assert log.update(2.0, False, result()) is None and log.label is None
    assert log.shares() == pytest.approx({"neutral": 1 / 1.6, "happiness": 0.6 / 1.6})
    assert log.overall() is NOT_ASKED


def test_looks_that_are_kept_are_bounded(weights: Settings) -> None:
    model = SequenceExpression(Catalog.load(weights).card("sequence"), weights)
    log, rng = ExpressionLog(model), np.random.default_rng(0)
    for index in range(3 * MOST_LOOKS):
        log.update(index * 0.08, True, result(features=rng.normal(size=128).astype(np.float32)))
    assert len(log._looks) <= MOST_LOOKS
    overall = log.overall()
    assert isinstance(overall, Expression) and sum(overall.probabilities.values()) == pytest.approx(1, abs=1e-3)


@dataclass
class Recorder:
    """A sink that remembers, and fails where it is told to."""

    fails: str = ""
    calls: list[str] = field(default_factory=list)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise SinkError(f"{name} failed.", "Mend it.")

    def start(self, info: SourceInfo) -> None:
        self._call("start")

    def take(self, frame: Frame, moment: Moment) -> None:
        self._call("take")

    def finish(self, summary: VideoSummary) -> None:
        self._call("finish")

    def close(self) -> None:
        self._call("close")


class Still:
    """Stands for an analyzer: two frames, no faces."""

    def run(self, source: object) -> Still:
        self.summary = VideoSummary(INFO, 2, 0, 0.04, (), {})
        return self

    def __iter__(self):  # type: ignore[no-untyped-def]
        for index in range(2):
            frame = Frame(index, index / 25, np.zeros((48, 64, 3), np.uint8))
            yield frame, Moment(index, frame.time_seconds, 64, 48)


class Nothing:
    info = INFO

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("fails", ["take", "finish"])
def test_a_sink_that_fails_leaves_the_others_whole(fails: str) -> None:
    bad, good = Recorder(fails), Recorder()
    with pytest.raises(SinkError):
        run_video(Still(), Nothing(), [bad, good])  # type: ignore[arg-type]
    assert good.calls[-2:] == ["finish", "close"] and bad.calls[-1] == "close"


def test_names_are_no_markup() -> None:
    identity = TrackIdentity("person", "x", "Eve [/] [red]x[/red]", 0.9, 0.01, 3)
    track = TrackSummary(1, 0.0, 2.0, 50, identity, {}, NOT_ASKED, {})
    console = Console(width=160, file=StringIO())
    console.print(summary_table(VideoSummary(INFO, 50, 0, 2.0, (track,), {})))
    assert "Eve [/] [red]x[/red]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_name_that_is_no_text_becomes_json() -> None:
    record = run_record(replace(INFO, name=b"clip\xff.mp4".decode(errors="surrogateescape")))
    assert json.loads(json_bytes(record))["source"]["name"].startswith("clip")


def test_a_track_that_returns_after_many_others_goes_on(weights: Settings) -> None:
    policy = VideoPolicy(kept_tracks=1)
    logs = TrackLogs(Judges(None, None, policy, False))
    for track in (1, 2, 3):
        at = float(track)
        logs.change(Update(started=(track,)), at)
        logs.log(track).update(at, Seen(track, DETECTION, False, 0), result("neutral"))
        logs.change(Update(ended=(track,)), at + 0.5)
    logs.change(Update(returned=(1,)), 5.0)
    logs.log(1).update(5.0, Seen(1, DETECTION, False, 0), result("neutral"))
    first = logs.summaries()[0]
    assert (first.start_seconds, first.frames) == (1.0, 2)


def test_tracks_of_long_ago_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.video.track_logs.MOST_PAST", 5)
    logs = TrackLogs(Judges(None, None, VideoPolicy(track=TrackPolicy(return_seconds=1.0)), False))
    for track in range(1, 21):
        logs.change(Update(started=(track,)), track * 10.0)
        logs.change(Update(ended=(track,)), track * 10.0 + 1)
    assert len(logs.summaries()) + logs.left_out == 20 and len(logs.summaries()) == 6


def test_a_watcher_ends_a_run() -> None:
    sink = Recorder()
    run_video(Still(), Nothing(), [sink], lambda frame, moment: False)  # type: ignore[arg-type]
    assert sink.calls == ["start", "take", "finish", "close"]


@pytest.mark.parametrize(("seconds", "said"), [(4.2, "0:04.2"), (3723.04, "1:02:03.0"), (59.97, "1:00.0")])
def test_clocks(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (VideoEvent("expression", 1, 2, {"label": "neutral", "was": None}), "neutral"),
        (VideoEvent("identity", 1, 2, {"answer": "person", "name": "A\x1b[31m"}), "identity     A"),
        (VideoEvent("eyes_shut", 1, 2, {"duration_seconds": 1.0, "ended": False}), "1.0 s and on"),
        (VideoEvent("gap", 1, None, {"duration_seconds": 30.0}), "source"),
    ],
)
def test_lines_of_events(event: VideoEvent, line: str) -> None:
    assert line in event_line(event) and "\x1b" not in event_line(event)
