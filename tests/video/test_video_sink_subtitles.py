"""Subtitles: valid WebVTT at every moment, cues that follow each other."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from tests.video.made_up_run import Run, expression, play

from mien.errors import SinkError
from mien.face import Expression
from mien.video.frame import Frame
from mien.video.moment import Moment, TrackedFace
from mien.video.sink.subtitles import Subtitles

RUN = Run(seconds=4, rate=10, width=32, height=24)
STAMP = re.compile(r"(\d{2,}):(\d\d):(\d\d\.\d{3}) --> (\d{2,}):(\d\d):(\d\d\.\d{3})")


def cues_of(path: Path) -> list[tuple[float, float, str]]:
    head, *blocks = path.read_text("utf-8").strip().split("\n\n")
    assert head == "WEBVTT"
    cues = []
    for block in blocks:
        if block.startswith("NOTE"):
            continue
        stamp, _, text = block.partition("\n")
        found = STAMP.fullmatch(stamp)
        assert found, stamp
        hours, minutes, seconds, *end = (float(one) for one in found.groups())
        cues.append((3600 * hours + 60 * minutes + seconds, 3600 * end[0] + 60 * end[1] + end[2], text))
    for before, after in pairwise(cues):
        assert before[1] <= after[0]
    assert all(start < end for start, end, _ in cues)
    return cues


def moment(seconds: float, *labels: str, gap: float = 0.0) -> tuple[Frame, Moment]:
    frame, made = next(iter(RUN))
    shown = [
        replace(
            made.faces[0], track=track, identity=None, expression=Expression(label, 0.8, {label: 0.8}, "ferplus", "m")
        )
        for track, label in enumerate(labels, 1)
    ]
    return replace(frame, time_seconds=seconds), replace(
        made, time_seconds=seconds, faces=tuple(shown), gap_seconds=gap
    )


def written(path: Path, *moments: tuple[Frame, Moment], finish: bool = True) -> list[tuple[float, float, str]]:
    sink = Subtitles(path)
    sink.start(RUN.info())
    for one in moments:
        sink.take(*one)
    if finish:
        sink.finish(RUN.summary())
    sink.close()
    return cues_of(path)


def test_a_cue_lasts_while_nothing_changes(tmp_path: Path) -> None:
    moments = [moment(0.1 * index, "neutral" if index < 12 else "happiness") for index in range(20)]
    assert written(tmp_path / "a.vtt", *moments) == [
        (0.0, pytest.approx(1.2), "1: neutral"),
        (pytest.approx(1.2), pytest.approx(2.0), "1: happiness"),
    ]


SPOKEN = {".": (), "f": ("fear",), "n": ("neutral",), "h": ("happiness",)}


@pytest.mark.parametrize(
    ("tenths", "expected"),
    [
        ("nnnnnnnnnnffnnnnnnnnnn", "n0-22"),  # what comes back goes on
        ("nnnnnnnnnnffhhhhhhhhhh", "n0-10 h10-22"),  # what is too short goes to what lasts
        ("nnnnnnnnnnffhhhfhfffff", "n0-10 f10-22"),  # nothing lasts: what lasted longest
        ("nnnnnnnnnnff", "n0-12"),  # the end
        ("nn", "n0-2"),  # all there is
        ("nnnnnnnnnn..........", "n0-10"),  # nobody
        ("nnnnnnnnnn..hhhhhhhhhh", "n0-10 h12-22"),
        ("nnnnnnnnnn..nnnnnnnnnn", "n0-22"),  # a face that was lost for a moment
        ("..........ff..........", "f10-18"),  # a lone one stays
        ("nfnnnfnfhhhhhhhhhh", "n0-8 h8-18"),
        ("nnnnnnnnnn....ff", "n0-16"),
    ],
)
def test_no_cue_is_too_short_to_be_read(tmp_path: Path, tenths: str, expected: str) -> None:
    cues = written(tmp_path / "a.vtt", *(moment(0.1 * index, *SPOKEN[said]) for index, said in enumerate(tenths)))
    assert " ".join(f"{text[3]}{start * 10:.0f}-{end * 10:.0f}" for start, end, text in cues) == expected


def test_two_faces_share_a_cue(tmp_path: Path) -> None:
    cues = written(tmp_path / "a.vtt", moment(0, "fear"), moment(1, "fear", "anger"), moment(2, "anger"), moment(3))
    assert cues == [(0, 1, "1: fear"), (1, 2, "1: fear\n2: anger"), (2, 3, "1: anger")]


def test_nothing_is_said_while_the_source_was_away(tmp_path: Path) -> None:
    cues = written(tmp_path / "a.vtt", moment(0, "fear"), moment(1, "fear"), moment(31, "fear", gap=30.0))
    assert [(start, end) for start, end, _ in cues] == [(0, 1), (31, 32)]


def test_a_run_that_is_cut_off_leaves_whole_cues(tmp_path: Path) -> None:
    sink = Subtitles(tmp_path / "a.vtt")
    sink.start(RUN.info())
    for index in range(30):
        sink.take(*moment(0.1 * index, "neutral"))
        if index > 8:
            ((start, end, _),) = cues_of(tmp_path / "a.vtt")
            assert start == 0 and 0.1 * index - end <= 0.5 + 1e-6
    sink.close()
    sink.close()


def test_text_is_escaped_and_on_one_line(tmp_path: Path) -> None:
    run = replace(RUN, anna=replace(RUN.anna, name="<b>A & B</b>\n\n00:00 --> x"))
    play(run, Subtitles(tmp_path / "a.vtt"))
    texts = "\n".join(text for _, _, text in cues_of(tmp_path / "a.vtt"))
    assert "1 &lt;b&gt;A &amp; B&lt;/b&gt; 00:00 --&gt; x: neutral" in texts


def test_long_runs_need_three_digits_of_hours(tmp_path: Path) -> None:
    late = 100 * 3600.0
    cues = written(tmp_path / "a.vtt", moment(late - 1, "fear"), moment(late + 1, "fear"), moment(late + 2, "fear"))
    assert cues[-1][:2] == (late + 1, late + 3) and cues[0][0] == late - 1


def test_what_the_frame_alone_says_counts_where_there_is_no_more(tmp_path: Path) -> None:
    frame, made = next(iter(RUN))
    shown = Expression(*expression(1, 0.0, 4.0), "ferplus", "m")
    face = made.faces[0].face
    only = TrackedFace(1, False, replace(face, expression=shown))
    assert written(tmp_path / "a.vtt", (frame, replace(made, faces=(only,))))[0][2] == f"1: {shown.label}"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="its folder does not exist"):
        Subtitles(tmp_path / "nowhere" / "a.vtt").start(RUN.info())
