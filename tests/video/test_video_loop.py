"""The loop on made-up films of the sample photo: tracks, events, order, memory, ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import pytest

from mien.errors import StreamLost
from mien.face import Embedding, Expression, FaceMesh, NotAsked
from mien.settings import Settings
from mien.video.frame import Frame, SourceInfo
from mien.video.loop import VideoAnalyzer
from mien.video.moment import Moment
from mien.video.policy import VideoPolicy

WIDTH, HEIGHT, RATE = 640, 360, 12.5
INFO = SourceInfo("made up", "file", WIDTH, HEIGHT, RATE, None, False)


@dataclass
class Film:
    """Frames from memory; `fails` after them where it is set."""

    frames: list[Frame]
    info: SourceInfo = INFO
    fails: bool = False
    given: int = 0
    unreadable: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.given += 1
            yield frame
        if self.fails:
            raise StreamLost("The camera went away.", "Look after it.")


def picture(person: np.ndarray | None, x: int, size: int = 300) -> np.ndarray:
    canvas = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    if person is not None:
        canvas[30 : 30 + size, x : x + size] = cv2.resize(person, (size, size), interpolation=cv2.INTER_AREA)
    return canvas


def walk(person: np.ndarray | None, count: int = 16, since: int = 0) -> list[Frame]:
    return [Frame(since + i, (since + i) / RATE, picture(person, 40 + 8 * i)) for i in range(count)]


@pytest.fixture(scope="module")
def analyzer(weights: Settings) -> VideoAnalyzer:
    return VideoAnalyzer(settings=weights)


def moments(analyzer: VideoAnalyzer, film: Film) -> list[Moment]:
    with film:
        return [moment for _, moment in analyzer.run(film)]


def kinds(found: list[Moment]) -> list[str]:
    return [event.kind for moment in found for event in moment.events]


def test_one_person_who_walks_is_one_track(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    film = Film(walk(astronaut))
    run = analyzer.run(film)
    found = [moment for _, moment in run]
    assert [moment.index for moment in found] == list(range(16))
    assert {face.track for moment in found for face in moment.faces} == {1}
    assert kinds(found)[0] == "track_start" and "expression" in kinds(found)
    last = found[-1].faces[0]
    assert isinstance(last.face.landmark, FaceMesh) and isinstance(last.expression, Expression)
    assert not isinstance(last.attention, NotAsked)
    (track,) = run.summary.tracks
    assert track.shots and track.shots[0].pixels.shape == (128, 128, 3)
    assert sum(track.expressions.values()) == pytest.approx(1)
    assert run.summary.events[-1].kind == "track_end" and run.summary.events[-1].track == 1
    assert run.summary.frames == 16 and run.summary.seconds_analyzed == pytest.approx(15 / RATE)


def test_two_runs_give_the_same(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    first, second = (moments(analyzer, Film(walk(astronaut))) for _ in range(2))
    assert [one.to_json() for one in first] == [one.to_json() for one in second]


def test_an_empty_film_has_no_track(analyzer: VideoAnalyzer, coffee: np.ndarray) -> None:
    run = analyzer.run(Film(walk(None) + walk(coffee, since=16)))
    assert [moment.faces for _, moment in run] == [()] * 32
    assert run.summary.tracks == () and run.summary.events == ()


def test_only_tracks_where_no_stage_is_asked(weights: Settings, astronaut: np.ndarray) -> None:
    found = moments(VideoAnalyzer((), weights), Film(walk(astronaut)))
    (face,) = found[-1].faces
    parts = face.expression, face.identity, face.attention, face.face.landmark, face.face.embedding
    assert {type(part) for part in parts} == {NotAsked}


def test_faces_are_embedded_at_their_own_rate(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    found = moments(analyzer, Film(walk(astronaut)))
    embedded = [moment for moment in found for face in moment.faces if isinstance(face.face.embedding, Embedding)]
    assert 2 <= len(embedded) <= 5


def test_a_lost_source_raises_after_the_last_frame(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    run = analyzer.run(Film(walk(astronaut, 8), fails=True))
    seen = []
    with pytest.raises(StreamLost):
        for _, moment in run:
            seen.append(moment)
    assert run.summary.frames == len(seen) >= 4
    assert run.summary.events == () or run.summary.events[0].kind == "track_end"


def test_a_gap_is_an_event_of_the_source(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    frames = walk(astronaut, 8)
    later = [replace(frame, index=8 + i, time_seconds=31 + i / RATE) for i, frame in enumerate(frames)]
    later[0] = replace(later[0], gap_seconds=30.0)
    found = moments(analyzer, Film(frames + later))
    gaps = [event for moment in found for event in moment.events if event.kind == "gap"]
    assert [(gap.track, gap.time_seconds, gap.detail["duration_seconds"]) for gap in gaps] == [(None, 1.0, 30.0)]
    # The face is the same, so the track is: it ended and came back.
    assert {face.track for moment in found for face in moment.faces} == {1}


def test_frames_wait_in_short_queues(analyzer: VideoAnalyzer) -> None:
    film = Film(walk(None, 60))
    run = iter(analyzer.run(film))
    next(run)
    assert film.given < 20
    run.close()  # type: ignore[attr-defined]


def test_leaving_early_leaves_no_thread(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    before = threading.active_count()
    run = iter(analyzer.run(Film(walk(astronaut))))
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_live_source_gets_each_moment_before_its_next_frame(analyzer: VideoAnalyzer, astronaut: np.ndarray) -> None:
    film = Film(walk(astronaut, 6), replace(INFO, live=True, kind="webcam"))
    run = analyzer.run(film)
    ahead = [film.given - moment.index for _, moment in run]
    assert max(ahead) <= 4
    assert run.summary.delay_seconds is not None


def test_pictures_of_old_tracks_are_let_go(weights: Settings, astronaut: np.ndarray) -> None:
    policy = VideoPolicy(kept_tracks=1)
    policy = replace(policy, track=replace(policy.track, lost_seconds=0.5, return_seconds=0.1))
    film, time = [], 0.0
    for _ in range(3):
        for person in [astronaut] * 8 + [None] * 16:
            film.append(Frame(len(film), time, picture(person, 60)))
            time += 1 / RATE
    run = VideoAnalyzer(("embed",), weights, policy).run(Film(film))
    for _ in run:
        pass
    kept = [bool(track.shots) for track in run.summary.tracks]
    assert len(kept) == 3 and kept[0] is False and kept[-1] is True
