"""What is drawn, and where; text of any script."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.video.made_up_run import ANNA, NOBODY, Run, play, window

from mien.errors import SinkError
from mien.face import NOT_ASKED, Box, Detection
from mien.video.frame import Frame
from mien.video.moment import Moment, TrackedFace, VideoEvent
from mien.video.sink.annotated import AnnotatedVideo, Annotator
from mien.video.sink.caption import KEPT, Captions
from mien.video.sink.words import colour_of

RUN = Run(seconds=2, rate=10)
BLACK = np.zeros((180, 320, 3), np.uint8)


def face(track: int = 1, box: Box | None = None, predicted: bool = False) -> TrackedFace:
    made = RUN.face(track, 0.5)
    place = Detection(box or Box(100, 60, 80, 90), 0.9, made.face.detection.landmarks)
    return replace(made, face=replace(made.face, detection=place), predicted=predicted, identity=None)


def drawn(*faces: TrackedFace, events: tuple[VideoEvent, ...] = ()) -> np.ndarray:
    return Annotator(180).draw(Frame(0, 0.0, BLACK), Moment(0, 0.0, 320, 180, faces, events))


def test_the_frame_itself_stays_as_it_was() -> None:
    frame, moment = next(iter(RUN))
    before = frame.pixels.copy()
    assert not np.array_equal(Annotator(180).draw(frame, moment), before)
    assert np.array_equal(frame.pixels, before)


def test_a_box_is_in_the_colour_of_its_track() -> None:
    pixels = drawn(face(track=3))
    assert tuple(pixels[150, 140]) == colour_of(3), "its lower edge"
    assert not pixels[100, 130:150].any(), "nothing inside"


def test_a_predicted_box_is_dashed() -> None:
    lower, whole = drawn(face(predicted=True))[150, 100:180], drawn(face())[150, 100:180]
    assert whole.any(axis=1).all()
    assert 0.3 < lower.any(axis=1).mean() < 0.7


@pytest.mark.parametrize(
    "box", [Box(-40, -30, 80, 90), Box(300, 150, 80, 90), Box(0, 0, 320, 180), Box(10, 2, 4, 4), Box(500, 500, 9, 9)]
)
def test_boxes_over_the_edge(box: Box) -> None:
    assert drawn(face(box=box)).shape == BLACK.shape


def test_what_stands_at_a_face() -> None:
    draw = Annotator(180)
    shown = RUN.face(1, 0.5)
    assert draw.lines(replace(shown, identity=ANNA, attention=window(0, 0)))[0] == "1 Anna Fuchs"
    assert draw.lines(replace(shown, identity=NOBODY))[0] == "1"
    said = draw.lines(replace(shown, identity=None, attention=window(1.8, 2.0)))
    assert said[1].startswith("neutral 0.") and said[2:] == ["eyes shut 1.8 s", "looking away 2.0 s"]
    bare = replace(shown, expression=NOT_ASKED, identity=NOT_ASKED, attention=NOT_ASKED)
    assert draw.lines(bare) == ["1"]


def test_a_blink_is_no_sign() -> None:
    assert len(Annotator(180).lines(replace(RUN.face(1, 0.5), attention=window(0.2, 0.3)))) == 2


def test_a_yawn_is_shown_for_a_while() -> None:
    draw = Annotator(180)
    for seconds, shown in ((0.0, True), (1.0, True), (2.0, False)):
        events = (VideoEvent("yawn", 0.0, 1),) if seconds == 0 else ()
        draw.draw(Frame(0, seconds, BLACK), Moment(0, seconds, 320, 180, (face(),), events))
        assert ("yawn" in draw.lines(face())) is shown


@pytest.mark.parametrize("name", ["Ünal Łuç", "王小明", "Иван", "김민수"])
def test_names_of_other_scripts_differ_from_question_marks(name: str) -> None:
    import cv2

    captions = Captions(24)
    if not hasattr(cv2, "FontFace") and not name.startswith("Ü"):
        pytest.skip("this OpenCV has no font of its own")
    mask = captions.mask(name)
    assert mask.shape[0] == 24 and mask.max() > 200
    unknown = captions.mask("?" * len(name))
    assert mask.shape != unknown.shape or not np.array_equal(mask, unknown)


def test_what_no_font_has_becomes_a_question_mark() -> None:
    captions = Captions(24)
    captions._system, captions._wide = [], None
    assert np.array_equal(captions.mask("Bo \U00012000"), captions.mask("Bo ?"))


def test_captions_are_rendered_once_and_not_kept_for_ever() -> None:
    captions = Captions(16)
    assert captions.mask("Anna") is captions.mask("Anna")
    for number in range(KEPT + 50):
        captions.mask(str(number))
    assert len(captions._masks) == KEPT


def test_the_whole_video(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs PyAV, which the extra `video` brings")
    play(RUN, AnnotatedVideo(tmp_path / "a.mp4"))
    with av.open(str(tmp_path / "a.mp4")) as opened:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in opened.decode(video=0)]
    assert [time for time, _ in frames] == pytest.approx(RUN.times(), abs=1e-3)
    draw = Annotator(RUN.height)
    for (frame, moment), (_, shown) in zip(RUN, frames, strict=True):
        ours = draw.draw(frame, moment)
        assert np.abs(shown.astype(int) - ours).mean() < 6
        assert np.abs(shown.astype(int) - frame.pixels).mean() > np.abs(shown.astype(int) - ours).mean()


def test_the_sink_fails_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="its folder does not exist"):
        AnnotatedVideo(tmp_path / "nowhere" / "a.mp4").start(RUN.info())
    with pytest.raises(SinkError, match="End it in"):
        AnnotatedVideo(tmp_path / "a.gif")


def test_a_run_without_frames_leaves_nothing(tmp_path: Path) -> None:
    sink = AnnotatedVideo(tmp_path / "a.mp4")
    sink.start(RUN.info())
    sink.finish(RUN.summary())
    sink.close()
    assert list(tmp_path.iterdir()) == []
