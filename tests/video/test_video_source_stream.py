"""Streams from a camera on this machine: what is kept, what is dropped, and how one that went away comes back."""

from __future__ import annotations

import gc
import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.video.numbered_video import HEIGHT, WIDTH, clip, number_of
from tests.video.stream_server import Cameras, Encoder, HttpCamera, RtspCamera

from mien.errors import MienError, StreamLost, VideoError, VideoFormatRefused, VideoMissing, VideoTooLarge
from mien.image import ImageLimits
from mien.video.frame import Frame, VideoSource
from mien.video.source.address import shown
from mien.video.source.clock import LiveClock
from mien.video.source.open import SourcePolicy, open_source

ADDRESSES = {"mjpeg": "http://{}/mjpeg", "ts": "http://{}/ts", "rtsp": "rtsp://{}/live"}
# The machine may be busy: a camera that is there gets time, one that is silent is given up soon.
PATIENT = SourcePolicy(reconnect_seconds=30, open_seconds=20, read_seconds=10)
QUICK = SourcePolicy(reconnect_seconds=30, open_seconds=3, read_seconds=1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg would ask it."""
    monkeypatch.delenv("http_proxy", raising=False)


@pytest.fixture(params=ADDRESSES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def camera(kind: str) -> Iterator[Cameras]:
    with Cameras(RtspCamera if kind == "rtsp" else HttpCamera) as camera:
        yield camera


def opened(camera: Cameras, kind: str, policy: SourcePolicy = PATIENT) -> VideoSource:
    return open_source(ADDRESSES[kind].format(camera.place), policy)


def take(frames: Iterator[Frame], count: int) -> list[Frame]:
    return [next(frames) for _ in range(count)]


def test_frames_come_with_the_cameras_pictures(camera: Cameras, kind: str) -> None:
    with opened(camera, kind) as source:
        frames = take(iter(source), 12)
    assert (source.info.width, source.info.height, source.info.kind) == (WIDTH, HEIGHT, "stream")
    assert source.info.live and source.info.duration_seconds is None
    for before, after in pairwise(frames):
        assert after.time_seconds > before.time_seconds
        assert after.index - before.index == after.dropped + 1
        assert number_of(after.pixels) - number_of(before.pixels) == after.dropped + 1
        if kind != "mjpeg":  # which has no clock
            assert after.time_seconds - before.time_seconds == pytest.approx(0.04 * (after.dropped + 1), abs=0.002)
    assert all(frame.gap_seconds == 0 and not frame.pixels.flags.writeable for frame in frames)


def test_a_camera_that_goes_away_and_comes_back(camera: Cameras, kind: str) -> None:
    with opened(camera, kind) as source:
        frames = iter(source)
        before = take(frames, 5)[-1]
        camera.up.clear()
        cut = time.monotonic()
        threading.Timer(1.2, camera.up.set).start()
        after = next(frame for frame in frames if frame.gap_seconds)
        away = time.monotonic() - cut
        assert 1.0 < after.gap_seconds <= away + 0.5
        assert after.time_seconds - before.time_seconds == pytest.approx(away, abs=1)
        later = take(frames, 5)
    assert [frame.gap_seconds for frame in later] == [0] * 5
    times = [before.time_seconds, after.time_seconds, *(frame.time_seconds for frame in later)]
    assert times == sorted(set(times))
    assert later[-1].index > after.index > before.index


def test_a_camera_that_falls_silent_is_noticed(camera: Cameras, kind: str) -> None:
    """The connection stays, nothing comes."""
    with opened(camera, kind, QUICK) as source:
        frames = iter(source)
        take(frames, 5)
        asked = len(camera.requests)
        camera.silent.set()
        threading.Timer(2.5, camera.silent.clear).start()
        after = next(frame for frame in frames if frame.gap_seconds)
        assert after.gap_seconds > 1
        assert len(camera.requests) > asked


def test_a_camera_that_stays_away_is_lost(camera: Cameras, kind: str) -> None:
    policy = SourcePolicy(reconnect_seconds=1.0, open_seconds=20, read_seconds=10)
    with opened(camera, kind, policy) as source:
        frames = iter(source)
        take(frames, 3)
        camera.up.clear()
        with pytest.raises(StreamLost, match="no picture for 1 s") as caught:
            list(frames)
    assert "reconnect_seconds" in caught.value.cure


def test_the_newest_picture_is_kept_for_a_slow_watcher(camera: Cameras, kind: str) -> None:
    seen = []
    with opened(camera, kind) as source:
        for frame in source:
            seen.append(frame)
            if len(seen) == 6:
                break
            time.sleep(0.2)
    assert sum(frame.dropped for frame in seen) >= 8
    for before, after in pairwise(seen):
        assert after.index - before.index == after.dropped + 1


def test_every_picture_is_kept_where_all_are_wanted(camera: Cameras, kind: str) -> None:
    policy = SourcePolicy(latest=False, open_seconds=20, read_seconds=10)
    seen = []
    with opened(camera, kind, policy) as source:
        for frame in source:
            seen.append((frame.index, frame.dropped, number_of(frame.pixels)))
            if len(seen) == 12:
                break
            time.sleep(0.06)
    assert seen == [(index, 0, seen[0][2] + index) for index in range(12)]


def test_a_camera_that_ends_is_asked_again() -> None:
    with Cameras(RtspCamera, numbers=30) as camera, opened(camera, "rtsp") as source:
        gaps = 0
        for frame in source:
            gaps += frame.gap_seconds > 0
            if gaps == 2:
                break
    assert camera.requests.count("PLAY") >= 3


def test_part_of_a_stream(camera: Cameras, kind: str) -> None:
    """Frames that nobody asked for are not dropped ones."""
    policy = SourcePolicy(start_seconds=0.2, end_seconds=1.2, every_seconds=0.5, open_seconds=20, read_seconds=10)
    with opened(camera, kind, policy) as source:
        frames = list(source)
    assert len(frames) == 2
    assert 0.199 < frames[0].time_seconds < 0.7 < frames[1].time_seconds + 0.001 < 1.2
    assert [frame.dropped for frame in frames] == [0, 0]


def test_before_anybody_watches_nothing_counts(camera: Cameras) -> None:
    with opened(camera, "rtsp" if camera.RequestHandlerClass is RtspCamera else "mjpeg") as source:
        time.sleep(0.5)
        first = next(iter(source))
    assert (first.index, first.time_seconds, first.dropped, first.gap_seconds) == (0, 0, 0, 0)
    assert number_of(first.pixels) > 5


def test_closing_from_another_thread_ends_the_iteration(camera: Cameras, kind: str) -> None:
    source = opened(camera, kind)
    begun, seen = threading.Event(), []

    def watch() -> None:
        for frame in source:
            seen.append(frame.index)
            begun.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert begun.wait(30)
    source.__exit__(None, None, None)
    watcher.join(30)
    assert not watcher.is_alive()


def test_closing_while_the_camera_is_away_is_quick(camera: Cameras, kind: str) -> None:
    with opened(camera, kind) as source:
        frames = iter(source)
        take(frames, 3)
        camera.up.clear()
        threading.Timer(0.5, source.__exit__, (None, None, None)).start()
        list(frames)  # returns instead of trying for 30 s


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists descriptors and threads")
def test_nothing_stays_open(kind: str) -> None:
    def watch() -> None:
        with Cameras(RtspCamera if kind == "rtsp" else HttpCamera) as camera:
            with opened(camera, kind) as source:
                take(iter(source), 3)
            with opened(camera, kind):
                pass
            opened(camera, kind).__exit__(None, None, None)

    watch()
    before = settled((0, 0), 1)
    watch()
    assert not [one.name for one in threading.enumerate() if one.name.startswith("mien")]
    assert no_more(settled(before), before)


def no_more(now: tuple[int, int], before: tuple[int, int]) -> bool:
    return now[0] <= before[0] and now[1] <= before[1]


def settled(wanted: tuple[int, int], seconds: float = 10) -> tuple[int, int]:
    """Descriptors and native threads, once they are as few as wanted, or the camera's own have had time to end."""
    until = time.monotonic() + seconds
    while True:
        gc.collect()  # the camera's encoders
        now = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
        if no_more(now, wanted) or time.monotonic() > until:
            return now
        time.sleep(0.05)


def test_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    over = threading.Event()

    class Sender:
        def write(self, data: bytes) -> int:
            for at in range(0, len(data), 1316):
                out.sendto(data[at : at + 1316], ("127.0.0.1", port))
            return len(data)

    def send() -> None:
        encoder = Encoder(Sender(), "mpegts")
        number = 0
        while not over.is_set():
            encoder.container.mux(encoder.packets(number))
            number += 1
            time.sleep(0.04)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            with open_source(f"udp://127.0.0.1:{port}", PATIENT) as source:
                frames = take(iter(source), 5)
        finally:
            over.set()
            sender.join()
    assert source.info.live
    assert number_of(frames[-1].pixels) - number_of(frames[0].pixels) == frames[-1].index - frames[0].index


def test_a_file_on_a_web_server_is_not_live(tmp_path: Path) -> None:
    with Cameras(HttpCamera) as camera:
        camera.files["/a.mkv"] = clip(tmp_path / "a.mkv", 40).read_bytes()
        with open_source(f"http://{camera.place}/a.mkv", PATIENT) as source:
            numbers = []
            for frame in source:
                numbers.append(number_of(frame.pixels))
                time.sleep(0.001)
    assert numbers == list(range(40))
    assert not source.info.live and source.info.duration_seconds == pytest.approx(1.6, abs=0.1)


def test_a_file_whose_server_hangs_up_in_the_middle_is_an_error_after_what_came(tmp_path: Path) -> None:
    with Cameras(HttpCamera) as camera:
        camera.files["/a.mkv"] = data = clip(tmp_path / "a.mkv", 200).read_bytes()
        camera.hangs_up_after = len(data) * 2 // 3
        numbers = []
        with (
            open_source(f"http://{camera.place}/a.mkv", PATIENT) as source,
            pytest.raises(StreamLost, match="hung up in the middle") as caught,
        ):
            for frame in source:
                numbers.append(number_of(frame.pixels))
    assert 50 < len(numbers) < 180 and numbers == list(range(len(numbers)))
    assert "download" in caught.value.cure


def test_playlists_are_refused(tmp_path: Path) -> None:
    secret = clip(tmp_path / "secret.ts", 5, codec="mpeg2video")
    with Cameras(HttpCamera) as camera:
        camera.files["/list.m3u8"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n".encode()
        with pytest.raises(VideoFormatRefused, match="nothing that mien reads"):
            open_source(f"http://{camera.place}/list.m3u8", QUICK)


def test_pixel_limit(camera: Cameras, kind: str) -> None:
    with pytest.raises(VideoTooLarge):
        open_source(ADDRESSES[kind].format(camera.place), PATIENT, ImageLimits(max_pixels=1000))


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://{}/absent", VideoMissing),
        ("http://{}/nothing", VideoMissing),
        ("rtsp://{}/http", VideoError),
        ("https://{}/ts", VideoError),
        ("http://127.0.0.1:1/ts", VideoMissing),
        ("rtsp://127.0.0.1:1/ts", VideoMissing),
    ],
)
def test_what_cannot_be_opened(address: str, error: type[VideoError]) -> None:
    with Cameras(HttpCamera) as camera, pytest.raises(error) as caught:
        open_source(address.format(camera.place), QUICK)
    assert caught.value.cause and caught.value.cure


SECRETS = USER, PASSWORD = "karl", "hunter2"  # written nowhere else in the test, since tracebacks quote it


def spoken(error: BaseException) -> str:
    """Everything that a program or a log could show of an error."""
    text, one = "", error
    while one is not None:
        text += "".join(traceback.format_exception(one)) + repr(one) + str(vars(one))
        one = one.__context__
    return text


@pytest.mark.parametrize("kind", ["mjpeg", "rtsp"])
def test_passwords_are_used_and_never_shown(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    handler = RtspCamera if kind == "rtsp" else HttpCamera
    errors: list[MienError] = []
    with Cameras(handler, password=f"{USER}:{PASSWORD}") as camera:
        place = ADDRESSES[kind].format(f"{USER}:{PASSWORD}@{camera.place}")
        policy = SourcePolicy(reconnect_seconds=0.5, open_seconds=20, read_seconds=10)
        with open_source(place, policy) as source:
            frames = iter(source)
            take(frames, 2)
            camera.up.clear()
            with pytest.raises(StreamLost) as lost:
                list(frames)
            errors.append(lost.value)
        camera.up.set()
        with pytest.raises(VideoMissing, match="user and password") as caught:
            open_source(place.replace(PASSWORD, PASSWORD + "x"), policy)
        errors.append(caught.value)
        bad = place.replace(camera.place, "127.0.0.1:1") + f"?token={PASSWORD}&channel=3"
        with pytest.raises(VideoMissing) as caught:
            open_source(bad, policy)
        errors.append(caught.value)
    assert source.info.name == ADDRESSES[kind].format(camera.place)
    assert "channel=3" in str(errors[-1])
    for text in (*map(spoken, errors), caplog.text, repr(source.info)):
        assert not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("rtsp://karl:hunter2@192.0.2.7:554/live?channel=1", "rtsp://192.0.2.7:554/live?channel=1"),
        ("rtsp://karl:hun@ter/2@192.0.2.7/live", "rtsp://192.0.2.7/live"),
        ("http://192.0.2.7/v?user=karl&pwd=hunter2&res=hd", "http://192.0.2.7/v?user=***&pwd=***&res=hd"),
        ("rtsp://192.0.2.7/user=karl_password=hunter2_channel=1.sdp", "rtsp://192.0.2.7/user=***"),
        ("http://192.0.2.7/v?access_token=hunter2#x", "http://192.0.2.7/v?access_token=***#x"),
        ("http://192.0.2.7/hunter2hunter2hunter2hunter2/v", "http://192.0.2.7/***/v"),
        ("http://192.0.2.7/cgi-bin/mjpg/video.cgi?camera=1", "http://192.0.2.7/cgi-bin/mjpg/video.cgi?camera=1"),
        ("udp://@:1234", "udp://:1234"),
    ],
)
def test_addresses_as_people_see_them(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_live_clock() -> None:
    clock = LiveClock()
    steps = [
        (100.0, 50.0, True),  # the first picture
        (100.04, 51.0, False),  # late by the wall: the camera's clock counts
        (100.08, 51.01, False),
        (3.0, 51.05, False),  # the camera's clock was set back
        (3.04, 51.09, False),
        (9000.0, 51.19, False),  # and forward
        (None, 51.29, False),  # a picture without a time
        (1.0, 61.29, True),  # a new connection after 10 s
        (1.0, 61.29, False),  # twice the same
    ]
    seen = [clock(*step) for step in steps]
    assert [gap for _, gap in seen] == pytest.approx([0, 0, 0, 0, 0, 0, 0, 10, 0])
    assert [moment for moment, _ in seen] == pytest.approx(
        [0, 0.04, 0.08, 0.12, 0.16, 0.26, 0.36, 10.36, 10.361], abs=1e-6
    )
