"""Folders of pictures, webcams, the policy, and which of the sources a name means."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.video.numbered_video import HEIGHT, WIDTH, clip, number_of, numbered

from mien.errors import SettingsError, StreamLost, VideoFormatRefused, VideoMissing, VideoTooLarge
from mien.image import DEFAULT, ImageLimits, encode_image
from mien.video.source.open import SourcePolicy, is_video, open_source
from mien.video.source.policy import Selection
from mien.video.source.webcam import webcam_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures 0..11, named 0.png, 1.png... 11.png, and what is no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(encode_image(numbered(number), ".png"))
    (folder / "notes.txt").write_text("no picture")
    (folder / "inner").mkdir()
    (folder / "inner" / "99.png").write_bytes(encode_image(numbered(99), ".png"))
    return folder


def test_a_folder_is_a_video(folder: Path) -> None:
    with open_source(str(folder)) as source:
        frames = list(source)
    assert [number_of(frame.pixels) for frame in frames] == list(range(12))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time_seconds for frame in frames] == pytest.approx([index / 25 for index in range(12)])
    assert all(not frame.pixels.flags.writeable for frame in frames)
    info = source.info
    assert (info.kind, info.width, info.height, info.frames_per_second, info.live) == (
        "folder",
        WIDTH,
        HEIGHT,
        25,
        False,
    )
    assert info.duration_seconds == pytest.approx(12 / 25)


def test_a_folders_part_and_rate(folder: Path) -> None:
    policy = SourcePolicy(frames_per_second=2, start_seconds=1, end_seconds=5, every_seconds=1)
    with open_source(str(folder), policy) as source:
        assert [(frame.index, frame.time_seconds) for frame in source] == [(2, 1), (4, 2), (6, 3), (8, 4)]


def test_pictures_that_cannot_be_read_leave_their_time(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"no picture at all, but some text")
    data = (folder / "5.png").read_bytes()
    (folder / "5.png").write_bytes(data[: len(data) // 2])
    with open_source(str(folder)) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert frames[4].time_seconds == pytest.approx(6 / 25)
    assert source.unreadable == 2


def test_pictures_of_a_folder_are_upright(tmp_path: Path) -> None:
    from PIL import Image

    image = Image.fromarray(numbered(3))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned clockwise
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    with open_source(str(tmp_path)) as source:
        (frame,) = source
    assert frame.pixels.shape == (WIDTH, HEIGHT, 3) == (source.info.height, source.info.width, 3)
    assert number_of(np.rot90(frame.pixels)) == 3


def test_natural_order(tmp_path: Path) -> None:
    names = ["shot 2.png", "shot 10.png", "Shot 1.png", "shot 03.png", "shot 3.png", "9.png", "10 b.png"]
    for name in names:
        (tmp_path / name).write_bytes(encode_image(numbered(names.index(name)), ".png"))
    with open_source(str(tmp_path)) as source:
        order = [names[number_of(frame.pixels)] for frame in source]
    expected = ["9.png", "10 b.png", "Shot 1.png", "shot 2.png", "shot 03.png", "shot 3.png", "shot 10.png"]
    assert order == expected


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(VideoMissing, match="no pictures"):
        open_source(str(tmp_path))
    (tmp_path / ".hidden.png").write_bytes(encode_image(numbered(1), ".png"))
    with pytest.raises(VideoMissing, match="no pictures"):
        open_source(str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"text that is no picture")
    with pytest.raises(VideoFormatRefused, match="None of the 1"):
        open_source(str(tmp_path))


def test_a_folder_ends_when_closed(folder: Path) -> None:
    source = open_source(str(folder))
    with source:
        frames = iter(source)
        next(frames)
    assert list(frames) == []


class FakeCamera:
    """Pictures 0, 1, 2... in BGR, red in the middle; `plugged` says whether there is a camera."""

    def __init__(self, plugged: Callable[[], bool], log: list[str]) -> None:
        self.plugged, self.log, self.number = plugged, log, 0
        log.append("opened")

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.005)
        if not self.plugged():
            return False, None
        picture = numbered(self.number % 256)
        picture[HEIGHT // 2 :] = (0, 0, 255)
        self.number += 1
        return True, picture

    def get(self, item: int) -> float:
        return 30.0 if item == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        self.log.append("released")


def test_webcam() -> None:
    log: list[str] = []
    with webcam_source(0, SourcePolicy(), DEFAULT, lambda _: FakeCamera(lambda: True, log)) as source:
        frames = []
        for frame in source:
            frames.append(frame)
            if len(frames) == 5:
                break
            time.sleep(0.03)
    info = source.info
    assert (info.name, info.kind, info.live, info.frames_per_second) == ("camera:0", "webcam", True, 30)
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    assert sum(frame.dropped for frame in frames) > 0
    assert all(later.time_seconds > earlier.time_seconds for earlier, later in pairwise(frames))
    assert frames[0].pixels[-1, 0].tolist() == [255, 0, 0] and not frames[0].pixels.flags.writeable
    assert number_of(frames[1].pixels[: HEIGHT // 2]) - number_of(frames[0].pixels[: HEIGHT // 2]) == (
        frames[1].index - frames[0].index
    )
    assert log == ["opened", "released"]


def test_a_webcam_that_is_unplugged_for_a_while() -> None:
    log: list[str] = []
    plugged = [True]
    with webcam_source(0, SourcePolicy(), DEFAULT, lambda _: FakeCamera(lambda: plugged[0], log)) as source:
        frames = iter(source)
        next(frames)
        plugged[0] = False
        while log[-1] != "released":
            time.sleep(0.01)
        plugged[0] = True
        after = next(frame for frame in frames if frame.gap_seconds)
    assert after.gap_seconds > 0.1 and log.count("opened") == log.count("released")


def test_a_webcam_that_stays_unplugged() -> None:
    log: list[str] = []
    plugged = [True]
    policy = SourcePolicy(reconnect_seconds=0.3)
    with webcam_source(0, policy, DEFAULT, lambda _: FakeCamera(lambda: plugged[0], log)) as source:
        frames = iter(source)
        next(frames)
        plugged[0] = False
        with pytest.raises(StreamLost, match="camera:0"):
            list(frames)
    assert log.count("opened") == log.count("released")


def test_a_webcam_that_is_absent_or_too_large() -> None:
    log: list[str] = []
    with pytest.raises(VideoMissing, match="no camera 0"):
        webcam_source(0, SourcePolicy(), DEFAULT, lambda _: FakeCamera(lambda: False, log))
    with pytest.raises(VideoTooLarge):
        webcam_source(0, SourcePolicy(), ImageLimits(max_pixels=9), lambda _: FakeCamera(lambda: True, log))
    assert log == ["opened", "released"] * 2


@pytest.mark.parametrize("name", ["camera:973", "973"])
def test_an_absent_camera_is_named_and_opencv_is_silent(name: str) -> None:
    code = (
        "import sys\nfrom mien.errors import VideoMissing\nfrom mien.video.source.open import open_source\n"
        "try: open_source(sys.argv[1])\nexcept VideoMissing as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
    assert done.stderr == "" and "no camera 973" in done.stdout


@pytest.mark.parametrize("where", ["", "webcam", "rtsp:/one.slash", "nowhere/at/all.mp4", "-1", "camera:x"])
def test_nonsense_is_answered_with_what_can_be_given(where: str) -> None:
    with pytest.raises(VideoMissing) as caught:
        open_source(where)
    assert "camera:0" in caught.value.cure and "rtsp" in caught.value.cure


@pytest.mark.parametrize("where", ["ftp://karl:hunter2@192.0.2.1/a.mp4", "concat://a", "data://x"])
def test_addresses_of_other_kinds(where: str) -> None:
    with pytest.raises(VideoMissing, match="opens no addresses") as caught:
        open_source(where)
    assert "hunter2" not in str(caught.value)


def test_files_win_over_camera_numbers_and_may_be_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip(tmp_path / "a.mkv", 3).rename(tmp_path / "7")
    for where in ("7", (tmp_path / "7").as_uri()):
        with open_source(where) as source:
            assert source.info.kind == "file" and len(list(source)) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_seconds": -1},
        {"every_seconds": float("nan")},
        {"start_seconds": 5, "end_seconds": 5},
        {"frames_per_second": 0},
        {"read_seconds": 0},
        {"transport": "pigeon"},
    ],
)
def test_policies_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        SourcePolicy(**wrong)


def test_selection() -> None:
    every = Selection(SourcePolicy(every_seconds=0.1))
    assert [every.wants(index / 10) for index in range(50)] == [True] * 50
    part = Selection(SourcePolicy(start_seconds=0.1, end_seconds=0.3))
    assert [part.wants(index / 10) for index in range(5)] == [False, True, True, False, False]
    assert [part.over(index / 10) for index in range(5)] == [False, False, False, True, True]


def test_photos_are_no_videos(folder: Path, tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".webp"):
        path = tmp_path / f"photo{suffix}"
        path.write_bytes(encode_image(numbered(1), suffix))
        assert not is_video(path)
    assert not is_video(folder) and not is_video(tmp_path / "absent") and not is_video(folder / "notes.txt")
    heic = tmp_path / "photo.mp4"
    heic.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert not is_video(heic)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "mpeg4"),
        ("a.mkv", "libx264"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.m2ts", "libx264"),
        ("a.mpg", "mpeg1video"),
        ("a.vob", "mpeg2video"),
        ("a.flv", "flv"),
        ("a.wmv", "wmv2"),
        ("a.ogv", "libvpx"),
        ("a.mxf", "mpeg2video"),
        ("a.nut", "mpeg4"),
        ("a.ivf", "libvpx-vp9"),
        ("a.m2v", "mpeg2video"),
        ("a.m4v", "mpeg4"),
        ("a.h264", "libx264"),
        ("a.hevc", "libx265"),
        ("a.y4m", "wrapped_avframe"),
    ],
)
def test_videos_are_known_by_their_content(tmp_path: Path, name: str, codec: str) -> None:
    import av

    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    if codec == "wrapped_avframe":
        path = tmp_path / "plain"
        path.write_bytes(b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + bytes(16 * 16 * 3 // 2)) * 3)
    else:
        path = clip(tmp_path / name, 5, codec=codec).rename(tmp_path / "plain")
    assert is_video(path)
    with open_source(str(path)) as source:
        assert len(list(source)) >= 3
