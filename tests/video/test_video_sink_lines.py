"""JSON Lines are what docs/video-event.schema.json says, and fail loudly."""

from __future__ import annotations

import errno
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from tests.video.made_up_run import Run, play

from mien.errors import SinkError
from mien.face import NOT_ASKED
from mien.video.moment import VideoEvent
from mien.video.sink.files import GrowingFile, may_write, refusal, write_whole
from mien.video.sink.lines import EventLines
from mien.video.sink.records import dropped_record, event_record, frame_record

DOCS = Path(__file__).parents[2] / "docs"
RUN = Run(seconds=2, rate=10, width=32, height=24)
EVENTS, VIDEO, ANALYSIS = (
    json.loads((DOCS / f"{name}.schema.json").read_text("utf-8")) for name in ("video-event", "video", "analysis")
)
REGISTRY: Registry[Any] = Registry().with_resources(
    [(one["$id"], Resource.from_contents(one)) for one in (EVENTS, VIDEO, ANALYSIS)]
)


def check(record: object) -> None:
    Draft202012Validator(EVENTS, registry=REGISTRY).validate(record)


def records_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_the_schemas_are_schemas() -> None:
    for one in (EVENTS, VIDEO):
        Draft202012Validator.check_schema(one)


@pytest.mark.parametrize("frames", [False, True])
def test_every_line_is_as_documented(frames: bool, tmp_path: Path) -> None:
    play(RUN, EventLines(tmp_path / "a.jsonl", frames=frames, models={"detect": "yunet"}))
    records = records_of(tmp_path / "a.jsonl")
    for record in records:
        check(record)
    kinds = [record["kind"] for record in records]
    assert (kinds[0], kinds[-1]) == ("run", "summary")
    assert kinds.count("frame") == (20 if frames else 0)
    assert [kind for kind in kinds if kind not in ("run", "summary", "frame")] == [one.kind for one in RUN.events()]


@pytest.mark.parametrize(
    "event",
    [
        VideoEvent("gap", 2.0, None, {"duration_seconds": 30.0}),
        VideoEvent("track_end", 9.5, 2, {"start_seconds": 1.0, "frames": 88, "identity": None}),
        VideoEvent("look_back", 3.0, 1),
        VideoEvent("track_start", 3.0, 1, {"returned": True}),
        VideoEvent("eyes_shut", 3.0, 1, {"duration_seconds": 1.0, "ended": False}),
    ],
    ids=lambda event: event.kind,
)
def test_events_of_every_kind(event: VideoEvent) -> None:
    check(event_record(event))


@pytest.mark.parametrize("change", [{"kind": "else"}, {"track": 0}, {"more": 1}, {"schema": "mien.video-event/2"}])
def test_the_schema_is_tight(change: dict[str, Any]) -> None:
    record = event_record(VideoEvent("yawn", 1.0, 1))
    check(record)
    with pytest.raises(ValidationError):
        check(record | change)


def test_a_notice_of_loss_is_documented() -> None:
    check(dropped_record(3))


def test_frames_hold_nothing_that_identifies() -> None:
    _, moment = next(iter(RUN))
    assert "embedding" not in json.dumps(frame_record(moment)) and "points" not in json.dumps(frame_record(moment))
    bare = replace(moment.faces[0], face=replace(moment.faces[0].face, landmark=NOT_ASKED), attention=NOT_ASKED)
    check(frame_record(replace(moment, faces=(bare,))))


def test_events_of_the_end_come_before_the_summary(tmp_path: Path) -> None:
    sink = EventLines(tmp_path / "a.jsonl")
    sink.start(RUN.info())
    last = VideoEvent("track_end", 2.0, 1, {"start_seconds": 0.0, "frames": 5, "identity": None})
    sink.finish(replace(RUN.summary(), events=(last,)))
    sink.close()
    assert [record["kind"] for record in records_of(tmp_path / "a.jsonl")] == ["run", "track_end", "summary"]


def test_names_keep_their_script_and_stay_on_their_line(tmp_path: Path) -> None:
    run = replace(RUN, anna=replace(RUN.anna, name="安娜\n\u2028{"))
    play(run, EventLines(tmp_path / "a.jsonl"))
    text = (tmp_path / "a.jsonl").read_text("utf-8")
    assert "安娜" in text
    names = [json.loads(line).get("detail", {}).get("name") for line in text.splitlines()]
    assert "安娜\n\u2028{" in names


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    play(RUN, EventLines("-"))
    for line in capsys.readouterr().out.splitlines():
        check(json.loads(line))


def test_an_open_stream_stays_open() -> None:
    stream = io.StringIO()
    play(RUN, EventLines(stream))
    assert not stream.closed and stream.getvalue().endswith("\n")


def test_a_reader_who_has_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w")  # noqa: SIM115 - closed below, where it fails again
    sink = EventLines(stream)
    with pytest.raises(SinkError, match="has gone"):
        sink.start(RUN.info())
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_every_line_is_there_at_once(tmp_path: Path) -> None:
    sink = EventLines(tmp_path / "a.jsonl")
    sink.start(RUN.info())
    for count, (frame, moment) in enumerate(RUN):
        sink.take(frame, moment)
        if count == 8:
            break
    assert len(records_of(tmp_path / "a.jsonl")) > 3
    sink.close()
    sink.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which only Linux has")
def test_a_full_disk() -> None:
    sink = EventLines(Path("/dev/full"))
    with pytest.raises(SinkError, match="the disk is full"):
        sink.start(RUN.info())
    sink.close()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "may not be written"),
        (errno.ENOENT, "its folder does not exist"),
        (errno.EISDIR, "is a folder"),
        (errno.EPIPE, "has gone"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_refusals_name_cause_and_cure(number: int, said: str) -> None:
    error = refusal("out.csv", OSError(number, os.strerror(number)))
    assert said in error.cause and "out.csv" in error.cause and error.cure


def test_folders_and_places_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "a.txt"):
        with pytest.raises(SinkError):
            GrowingFile(path)
        with pytest.raises(SinkError):
            may_write(path)
        with pytest.raises(SinkError):
            write_whole(path, b"text")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_asking_leaves_what_is_there(tmp_path: Path) -> None:
    may_write(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").write_text("text")
    may_write(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "text"


def test_growing_files_overwrite_in_place(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "a")
    file.write(b"one ")
    at = file.write(b"two ")
    file.overwrite(at, b"TWO")
    file.write(b"three")
    file.close()
    file.close()
    assert (tmp_path / "a").read_bytes() == b"one TWO three"
    with pytest.raises(SinkError, match="closed already"):
        file.write(b"more")
