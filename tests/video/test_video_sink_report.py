"""The report: whole, by itself, escaped, and of bounded size."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.video.made_up_run import Run, play

from mien.errors import SinkError
from mien.face import NOT_ASKED, Face
from mien.video.moment import TrackedFace, VideoEvent
from mien.video.sink.report import HtmlReport
from mien.video.sink.stories import KEPT_TRACKS
from mien.video.sink.timeline import BINS, Timeline

RUN = Run(seconds=20, rate=10, width=64, height=36)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>${title}"
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """A page as a browser would see it: elements, attributes, text; fails where elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("report") / "a.html"
    play(RUN, HtmlReport(path))
    assert [one.name for one in path.parent.iterdir()] == ["a.html"], "nothing beside it"
    return Page(path.read_text("utf-8"))


def test_it_says_what_was_seen(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "2 faces were followed; 1 person was recognised: Anna Fuchs." in text
    assert "Anna Fuchs was in view for 20.0 s; the apparent expression was mostly neutral (55% of the time)" in text
    assert "The face looked away from the camera once and had the eyes shut for longer once." in text
    assert "It is nearest of 40 people." in text and "Nobody of the gallery" in text
    assert "what a face appears to show" in text
    assert "expression sequence-1" in text


def test_it_needs_nothing_beside_itself(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            if name in ("src", "href"):
                assert (value or "").startswith(("data:image/jpeg;base64,", "#track-")), value
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'")


def test_plots_and_pictures_have_words(page: Page) -> None:
    assert len(page.all("svg")) >= 2 * 5 + 2
    assert all(one.get("role") == "img" and one.get("aria-label") for one in page.all("svg"))
    assert all(one.get("alt") for one in page.all("img"))
    labels = " ".join(one["aria-label"] or "" for one in page.all("svg"))
    assert "Apparent expression of track 1" in labels and "Openness of the eyes" in labels and "yawn" in labels


def test_blinks_yawns_and_looks_away_are_marked(page: Page) -> None:
    blinks = sum(event.kind == "blink" for event in RUN.events())
    assert len([one for one in page.all("line") if one.get("class") == "tick"]) == blinks
    shaded = [one["class"] for one in page.all("rect") if one.get("class") in ("yawn", "look_away", "eyes_shut")]
    assert sorted(filter(None, shaded)) == ["eyes_shut", "look_away", "yawn"]


def test_lines_lie_within_their_plots(page: Page) -> None:
    lines = [one["points"] or "" for one in page.all("polyline")]
    assert len(lines) >= 6
    for points in lines:
        places = np.array([point.split(",") for point in points.split()], float)
        assert places[:, 0].min() >= 0 and places[:, 0].max() <= 1000
        assert places[:, 1].min() >= 0 and places[:, 1].max() <= 100
        assert (np.diff(places[:, 0]) > 0).all()


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    run = replace(RUN, anna=replace(RUN.anna, name=HOSTILE, reasons=(HOSTILE,)))
    sink = HtmlReport(tmp_path / "a.html")
    info = replace(run.info(), name=HOSTILE, kind=HOSTILE)
    sink.start(info)
    for frame, moment in run:
        sink.take(frame, moment)
    odd = VideoEvent(HOSTILE, 1.0, 1, {"label": HOSTILE, "duration_seconds": 1.0})
    said = replace(odd, kind="expression")
    summary = run.summary()
    tracks = tuple(replace(one, expressions={HOSTILE: 1.0}) for one in summary.tracks)
    sink.finish(replace(summary, source=info, tracks=tracks, models={HOSTILE: HOSTILE}, events=(odd, said)))
    text = (tmp_path / "a.html").read_text("utf-8")
    page = Page(text)
    assert "<script" not in text and not [one for one in page.all("img") if one.get("src") == "x"]
    assert "<script>alert(1)</script>" in page.text and "${title}" in page.text


def test_without_a_face(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html")
    sink.start(RUN.info())
    for frame, moment in RUN:
        sink.take(frame, replace(moment, faces=(), events=()))
    sink.finish(replace(RUN.summary(), tracks=()))
    assert "No face was seen." in Page((tmp_path / "a.html").read_text("utf-8")).text


def test_with_faces_alone_and_nothing_else_asked_for(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html")
    sink.start(RUN.info())
    for frame, moment in RUN:
        bare = tuple(TrackedFace(one.track, False, Face(one.face.detection)) for one in moment.faces)
        sink.take(frame, replace(moment, faces=bare, events=()))
    summary = RUN.summary()
    tracks = tuple(
        replace(one, identity=NOT_ASKED, expressions={}, attention=NOT_ASKED, counts={}, shots=())
        for one in summary.tracks
    )
    sink.finish(replace(summary, tracks=tracks))
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    assert "Track 2" in page.text and "Apparent expression" not in page.text
    assert len(page.all("img")) == 2, "its own pictures, where the run has none"


def test_a_lost_stream_is_marked(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html")
    sink.start(RUN.info(live=True))
    for index, (frame, moment) in enumerate(RUN):
        later = 30.0 if index > 50 else 0.0
        seconds = frame.time_seconds + later
        gone = replace(moment, time_seconds=seconds, gap_seconds=30.0 if index == 51 else 0.0)
        sink.take(replace(frame, time_seconds=seconds), gone)
    sink.finish(RUN.summary())
    assert "Times without a picture" in (tmp_path / "a.html").read_text("utf-8")


def test_while_the_run_goes_on_the_page_says_so(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html", refresh_seconds=0.0)
    sink.start(RUN.info())
    for frame, moment in list(RUN)[:40]:
        sink.take(frame, moment)
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    assert "The run still goes on" in page.text and "Anna Fuchs" in page.text
    assert any(one.get("http-equiv") == "refresh" for one in page.all("meta"))
    assert len(page.all("img")) >= 1
    sink.finish(RUN.summary())
    assert "The run still goes on" not in (tmp_path / "a.html").read_text("utf-8")


def test_an_hour_takes_no_more_room_than_minutes(tmp_path: Path) -> None:
    sizes = []
    for seconds in (600.0, 3600.0):
        run = Run(seconds=seconds, rate=0.5, width=64, height=36)
        play(run, HtmlReport(tmp_path / "a.html"))
        sizes.append((tmp_path / "a.html").stat().st_size)
    assert sizes[1] < 2.5 * sizes[0] and sizes[1] < 600_000


def test_what_lasts_on_is_told_once_when_it_is_over(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html", refresh_seconds=0.0)
    sink.start(RUN.info())
    told = {
        10: VideoEvent("eyes_shut", 0.5, 1, {"duration_seconds": 1.0, "ended": False}),
        20: VideoEvent("eyes_shut", 0.5, 1, {"duration_seconds": 1.7, "ended": True}),
        30: VideoEvent("look_away", 2.0, 1, {"duration_seconds": 2.0, "ended": False}),
        60: VideoEvent("look_back", 6.0, 1, {"duration_seconds": 4.0, "ended": True}),
    }
    for index, (frame, moment) in enumerate(list(RUN)[:70]):
        sink.take(frame, replace(moment, events=(told[index],) if index in told else ()))
        if index == 15:
            assert "for 1.0 s or longer" in (tmp_path / "a.html").read_text("utf-8")
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    assert "for 1.7 s" in page.text and "for 1.0 s" not in page.text
    assert "after 4.0 s" in page.text and "shaded: looking away (1)" in page.text
    assert "looking away at 0:02.0 for 4.0 s" in page.text
    assert "had the eyes shut for longer once" in page.text


def test_very_many_tracks(tmp_path: Path) -> None:
    sink = HtmlReport(tmp_path / "a.html")
    frame, moment = next(iter(RUN))
    sink.start(RUN.info(live=True))
    for track in range(1, 400):
        face = replace(moment.faces[0], track=track, identity=None)
        seconds = 20.0 * track
        for step in range(3 if track == 7 else 1):
            at = seconds + step
            sink.take(replace(frame, time_seconds=at), replace(moment, time_seconds=at, faces=(face,)))
    one = RUN.summary().tracks[0]
    tracks = tuple(replace(one, track=track, shots=(), identity=None) for track in range(1, 400))
    sink.finish(replace(RUN.summary(), tracks=tracks))
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    sections = [one["id"] for one in page.all("section") if one.get("id")]
    assert len(sections) == KEPT_TRACKS and "track-7" in sections
    assert "59 more tracks not listed" in page.text


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="its folder does not exist"):
        HtmlReport(tmp_path / "nowhere" / "a.html").start(RUN.info())
    sink = HtmlReport(tmp_path / "a.html")
    sink.start(RUN.info())
    (tmp_path / "a.html").mkdir()
    with pytest.raises(SinkError, match="is a folder"):
        sink.finish(RUN.summary())
    sink.close()
    assert [one.name for one in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize("seconds", [1.0, 100.0, 50_000.0])
def test_timelines_keep_means_in_bounded_bins(seconds: float) -> None:
    timeline = Timeline(5.0)
    times = 5.0 + np.linspace(0, seconds, 5000)
    for time in times:
        timeline.add(float(time), {"twice": 2.0 * time, "none": float("nan")})
    series = timeline.series("twice")
    assert len(series.means) <= BINS and timeline.names() == ["twice"]
    middles = 5.0 + (np.arange(len(series.means)) + 0.5) * series.bin_seconds
    seen = np.isfinite(series.means)
    assert np.abs(series.means[seen] - 2 * middles[seen]).max() <= 2 * series.bin_seconds
    assert series.sums.sum() == pytest.approx(2 * times.sum())


def test_timelines_show_where_nothing_was_seen() -> None:
    timeline = Timeline(0.0)
    for time in (*np.arange(0, 5, 0.04), *np.arange(10, 15, 0.04)):
        timeline.add(float(time), {"one": 1.0})
    (first, second) = timeline.series("one").runs()
    width = timeline.bin_seconds
    assert (first[0] * width, first[1] * width) == pytest.approx((0, 5), abs=2 * width)
    assert (second[0] * width, second[1] * width) == pytest.approx((10, 15), abs=2 * width)
    assert list(timeline.series("other").runs()) == []


def test_numbers_in_the_page_are_finite(page: Page) -> None:
    shapes = " ".join(str(value) for tag, one in page.elements for value in one.values() if tag in ("path", "rect"))
    assert not re.search(r"\b(nan|inf)\b", shapes)
