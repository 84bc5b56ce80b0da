"""From names to sinks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mien.errors import SinkError
from mien.video.sink.annotated import AnnotatedVideo
from mien.video.sink.lines import EventLines
from mien.video.sink.mqtt import Mqtt
from mien.video.sink.open import OutputOptions, sinks_for
from mien.video.sink.report import HtmlReport
from mien.video.sink.subtitles import Subtitles
from mien.video.sink.table import FrameTable
from mien.video.sink.webhook import Webhook


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("out.mp4", AnnotatedVideo),
        ("OUT.MKV", AnnotatedVideo),
        ("events.jsonl", EventLines),
        ("-", EventLines),
        ("frames.csv", FrameTable),
        ("subs.vtt", Subtitles),
        ("report.html", HtmlReport),
        ("https://host.example/hook", Webhook),
        ("http://127.0.0.1:8000/", Webhook),
    ],
)
def test_a_name_says_what_it_gets(output: str, kind: type) -> None:
    (sink,) = sinks_for([output])
    assert isinstance(sink, kind)


def test_brokers() -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt, which the extra `mqtt` brings")
    door, plain = sinks_for(["mqtts://ann:pw@host/house/door", "mqtt://host"])
    assert isinstance(door, Mqtt) and isinstance(plain, Mqtt)
    assert (door._link._topic, plain._link._topic) == ("house/door", "mien")


@pytest.mark.parametrize("output", ["out.gif", "out", "ftp://ann:pw@host/a.mp4", "", "rtsp://ann:pw@host/"])
def test_names_that_say_nothing(output: str) -> None:
    with pytest.raises(SinkError, match=r"\.mp4.*\.jsonl.*\.csv.*\.vtt.*\.html.*mqtt://") as caught:
        sinks_for([output])
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "outputs", [("a.csv", "./a.csv"), ("-", "-"), ("https://ann.example/", "https://ann.example/")]
)
def test_an_output_twice(outputs: tuple[str, ...]) -> None:
    with pytest.raises(SinkError, match="named twice"):
        sinks_for(outputs)


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"film")
    os.link(source, tmp_path / "same.mkv")
    for name in ("clip.mp4", "same.mkv"):
        with pytest.raises(SinkError, match="is the source itself"):
            sinks_for([str(tmp_path / name)], OutputOptions(source=source))
    with pytest.raises(SinkError, match="is the source itself"):
        sinks_for(["gone.html"], OutputOptions(source=Path("gone.html")))


def test_nothing_is_written_before_the_start(tmp_path: Path) -> None:
    for sink in sinks_for([str(tmp_path / name) for name in ("a.mp4", "a.jsonl", "a.csv", "a.vtt", "a.html")]):
        sink.close()
    assert list(tmp_path.iterdir()) == []
