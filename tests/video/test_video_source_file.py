"""Files: what is read, when its frames are shown, and what a file must not do."""

from __future__ import annotations

import gc
import os
import struct
import subprocess
import sys
import threading
import time
import wave
import weakref
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from tests.video.numbered_video import HEIGHT, WIDTH, clip, number_of, numbered, write_video

from mien.errors import VideoError, VideoFormatRefused, VideoMissing, VideoTooLarge
from mien.image import ImageLimits, encode_image
from mien.video.source.open import SourcePolicy, is_video, open_source

CLIPS = Path(__file__).parents[3] / "shared" / "data" / "clips"


def numbers(path: Path, **policy: float) -> list[int]:
    with open_source(str(path), SourcePolicy(**policy)) as source:
        return [number_of(frame.pixels) for frame in source]


def times(path: Path) -> list[float]:
    with open_source(str(path)) as source:
        return [frame.time_seconds for frame in source]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.mpg", "mpeg1video", "yuv420p"),
        ("grey.mkv", "ffv1", "gray"),
        ("ten.mkv", "libx264", "yuv420p10le"),
        ("alpha.mkv", "ffv1", "bgra"),
        ("sixteen.mkv", "ffv1", "yuv444p16le"),
    ],
)
def test_codecs_and_pixel_formats(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    path = clip(tmp_path / name, 25, codec=codec, pixel_format=pixel_format)
    assert is_video(path)
    with open_source(str(path)) as source:
        frames = list(source)
    assert [number_of(frame.pixels) for frame in frames] == list(range(25))
    assert [frame.index for frame in frames] == list(range(25))
    assert [frame.time_seconds for frame in frames] == pytest.approx([index / 25 for index in range(25)], abs=2e-3)
    assert (source.info.width, source.info.height, source.info.kind, source.info.live) == (WIDTH, HEIGHT, "file", False)
    assert source.info.frames_per_second == pytest.approx(25, rel=0.05)
    assert source.info.duration_seconds == pytest.approx(1, abs=0.1)
    for frame in frames:
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3) and frame.pixels.dtype == np.uint8
        assert frame.pixels.flags.c_contiguous and not frame.pixels.flags.writeable
        assert (frame.gap_seconds, frame.dropped) == (0, 0)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (90, 50), (596, 336)])
def test_colours_are_right_at_every_width(tmp_path: Path, width: int, height: int) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [250, 200, 20]], np.uint8)
    picture = np.repeat(np.repeat(colours.reshape(2, 2, 3), height // 2, 0), width // 2, 1)
    path = write_video(tmp_path / "colour.mkv", [picture], codec="ffv1", pixel_format="yuv444p")
    with open_source(str(path)) as source:
        (frame,) = source
    assert np.abs(frame.pixels.astype(int) - picture).max() <= 3


def test_times_come_from_the_container(tmp_path: Path) -> None:
    """Of a phone: no two steps alike, and the first frame is not at zero."""
    shown = [1.5, 1.51, 1.6, 2.9, 2.933, 4.0]
    path = write_video(tmp_path / "phone.mkv", map(numbered, range(6)), times=shown)
    assert times(path) == pytest.approx([moment - 1.5 for moment in shown], abs=1e-6)
    assert times(path)[0] == 0


def test_two_recordings_in_one_file(tmp_path: Path) -> None:
    """The container's clock begins anew in the middle; time goes on."""
    first, second = (clip(tmp_path / f"{count}.ts", count, codec="mpeg2video") for count in (75, 50))
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    shown = times(path)
    assert len(shown) == 125 and all(later > earlier for earlier, later in pairwise(shown))
    assert shown[-1] == pytest.approx(124 / 25, abs=0.2)


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0, 40, 40, 80], [0, 0.04, 0.041, 0.08]),
        ([0, 40, 30, 80], [0, 0.04, 0.041, 0.08]),
        ([0, 40, None, 120], [0, 0.04, 0.08, 0.12]),
        ([None, None, 5000, 5040], [0, 0.04, 0.08, 0.12]),
        ([9000, 9040, 0, 40], [0, 0.04, 0.08, 0.12]),
        ([0, 40, 5000, 5040], [0, 0.04, 5, 5.04]),
    ],
)
def test_clock(stamps: list[int | None], expected: list[float]) -> None:
    from mien.video.source.clock import FileClock

    clock = FileClock(25)
    shown = []
    for stamp in stamps:
        picture = av.VideoFrame(16, 16)
        picture.pts, picture.time_base = stamp, Fraction(1, 1000)
        shown.append(clock(picture))
    assert shown == pytest.approx(expected)
    assert all(later > earlier for earlier, later in pairwise(shown))


MATRICES = {
    "upright": ((1, 0, 0, 1), lambda array: array),
    "clockwise": ((0, 1, -1, 0), lambda array: np.rot90(array, -1)),
    "half": ((-1, 0, 0, -1), lambda array: np.rot90(array, 2)),
    "counterclockwise": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "upside down": ((1, 0, 0, -1), np.flipud),
    "transposed": ((0, 1, 1, 0), lambda array: array.transpose(1, 0, 2)),
}


@pytest.mark.parametrize("turn", MATRICES)
def test_rotation(tmp_path: Path, turn: str) -> None:
    (a, b, c, d), expected = MATRICES[turn]
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :32] = 255
    picture[32:, :16] = 128
    path = write_video(tmp_path / "turned.mp4", [picture] * 2, codec="mpeg4", qmin="1", qmax="2")
    data = bytearray(path.read_bytes())
    # The matrix of the track's header (ISO/IEC 14496-12, 8.3.2), version 0.
    start = data.index(b"tkhd") + 4 + 4 + 20 + 16
    data[start : start + 20] = struct.pack(">5i", a << 16, b << 16, 0, c << 16, d << 16)
    path.write_bytes(data)
    with open_source(str(path)) as source:
        frame = next(iter(source))
    wanted = expected(picture)
    assert frame.pixels.shape == wanted.shape == (source.info.height, source.info.width, 3)
    assert np.abs(frame.pixels.astype(int) - wanted).mean() < 12
    assert frame.pixels.flags.c_contiguous and not frame.pixels.flags.writeable


@pytest.mark.parametrize(("aspect", "size"), [((4, 3), (171, 96)), ((1, 2), (128, 192)), ((1, 1), (128, 96))])
def test_pixels_are_square(tmp_path: Path, aspect: tuple[int, int], size: tuple[int, int]) -> None:
    path = tmp_path / "wide.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(77), format="rgb24")))
        container.mux(stream.encode(None))
    with open_source(str(path)) as source:
        (frame,) = source
    assert (source.info.width, source.info.height) == size == frame.pixels.shape[1::-1]
    assert number_of(frame.pixels) == 77


def test_the_size_may_change(tmp_path: Path) -> None:
    small, large = (write_video(tmp_path / f"{n}.h264", [numbered(n, 64 * n, 48 * n)] * 3) for n in (1, 3))
    path = tmp_path / "both.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with open_source(str(path)) as source:
        frames = list(source)
    assert [frame.pixels.shape[:2] for frame in frames] == [(48, 64)] * 3 + [(144, 192)] * 3
    assert [number_of(frame.pixels) for frame in frames] == [1, 1, 1, 3, 3, 3]
    with open_source(str(path), limits=ImageLimits(max_pixels=64 * 48)) as source:
        frames = iter(source)
        with pytest.raises(VideoTooLarge):
            assert {frame.pixels.shape[1] for frame in frames} == {64}


def test_damaged_packets_are_skipped(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.avi", 40, codec="mjpeg", pixel_format="yuvj420p")
    data = path.read_bytes()
    parts = data.split(b"00dc")
    for index in (10, 11, 20):
        parts[index] = parts[index][:4] + b"\xaa" * (len(parts[index]) - 4)
    path.write_bytes(b"00dc".join(parts))
    with open_source(str(path)) as source:
        seen = [number_of(frame.pixels) for frame in source]
    assert source.unreadable == 3
    assert seen == [number for number in range(40) if number not in (8, 9, 18)]


def test_a_file_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", 60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    seen = numbers(path)
    assert 10 < len(seen) < 60 and seen == list(range(len(seen)))


def test_nothing_that_can_be_decoded(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.avi", 5, codec="mjpeg", pixel_format="yuvj420p")
    parts = path.read_bytes().split(b"00dc")
    noise = np.random.default_rng(1)
    parts[2:7] = [part[:4] + noise.bytes(len(part) - 4) for part in parts[2:7]]
    path.write_bytes(b"00dc".join(parts))
    with pytest.raises(VideoFormatRefused, match="Not one picture"):
        open_source(str(path))


def test_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    with pytest.raises(VideoFormatRefused, match="sound and no moving picture") as caught:
        open_source(str(path))
    assert "Give the file that holds the picture" in caught.value.cure


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    """Sound with an attached picture, as music has it (ID3v2.4, APIC)."""
    picture = encode_image(numbered(5), ".jpg")
    body = b"\0image/jpeg\0\x03\0" + picture
    frame = b"APIC" + synchsafe(len(body)) + b"\0\0" + body
    silence = (b"\xff\xfb\x90\xc4" + bytes(413)) * 20
    path = tmp_path / "music.mp3"
    path.write_bytes(b"ID3\x04\0\0" + synchsafe(len(frame)) + frame + silence)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(VideoFormatRefused, match="sound and no moving picture"):
        open_source(str(path))


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello, this is a text of some length\n" * 20)
    with pytest.raises(VideoMissing, match="no file or folder"):
        open_source(str(tmp_path / "absent.mp4"))
    with pytest.raises(VideoMissing):
        open_source("a\0b.mp4")
    with pytest.raises(VideoFormatRefused, match="0 bytes"):
        open_source(str(tmp_path / "empty.mp4"))
    with pytest.raises(VideoFormatRefused, match="no video that can be read"):
        open_source(str(tmp_path / "text.mp4"))
    (tmp_path / "photo.mp4").write_bytes(encode_image(numbered(1), ".jpg"))
    with pytest.raises(VideoFormatRefused):
        open_source(str(tmp_path / "photo.mp4"))


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoMissing, match="pipe"):
        open_source(str(tmp_path / "pipe.mp4"))


def test_pixel_limit(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 3)
    with pytest.raises(VideoTooLarge, match="128 x 96"):
        open_source(str(path), limits=ImageLimits(max_pixels=WIDTH * HEIGHT - 1))
    with open_source(str(path), limits=ImageLimits(max_pixels=WIDTH * HEIGHT)) as source:
        assert len(list(source)) == 3


HOSTILE = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "net.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{place}/ts\n#EXT-X-ENDLIST\n",
    "concat.mp4": "ffconcat version 1.0\nfile '{other}'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 26\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>{other}</BaseURL>'
    "</Period></MPD>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_playlists_open_nothing(tmp_path: Path, name: str) -> None:
    from tests.video.stream_server import Cameras, HttpCamera

    other = clip(tmp_path / "other.ts", 5, codec="mpeg2video")
    path = tmp_path / name
    with Cameras(HttpCamera) as camera:
        path.write_text(HOSTILE[name].format(other=other, place=camera.place))
        with pytest.raises(VideoFormatRefused, match="playlist"):
            open_source(str(path))
        assert camera.requests == []
    assert not is_video(path)


def test_the_hostile_playlist_would_work(tmp_path: Path) -> None:
    """Else the test before this one would prove nothing."""
    clip(tmp_path / "other.ts", 5, codec="mpeg2video")
    path = tmp_path / "concat.mp4"
    path.write_text("ffconcat version 1.0\nfile 'other.ts'\n")
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 5


def test_names_are_never_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip(tmp_path / "other.mp4", 3)
    for name in ("concat:other.mp4", "subfile,,start,0,end,0,,:other.mp4", "data:video/mp4;base64,AAAA"):
        with pytest.raises(VideoMissing):
            open_source(name)
    if os.name == "posix":
        odd = tmp_path / "concat:a|b.mp4"
        odd.write_bytes((tmp_path / "other.mp4").read_bytes())
        assert numbers(odd) == [0, 1, 2]
        assert numbers(Path(odd.name)) == [0, 1, 2]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mpg", "a.h264"])
def test_part_of_a_file(tmp_path: Path, name: str) -> None:
    """Where the file can be searched, and where it cannot."""
    codec = {"a.ts": "mpeg2video", "a.mpg": "mpeg2video"}.get(name, "libx264")
    path = clip(tmp_path / name, 100, codec=codec)
    assert numbers(path, start_seconds=1.4, end_seconds=2.0) == list(range(35, 50))
    with open_source(str(path), SourcePolicy(start_seconds=1.4)) as source:
        first = next(iter(source))
    assert first.time_seconds == pytest.approx(1.4, abs=0.005)
    assert first.index == pytest.approx(35, abs=1)
    assert numbers(path, end_seconds=0.12) == [0, 1, 2]
    assert numbers(path, start_seconds=100) == []


def test_one_frame_of_each_interval(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 50)
    assert numbers(path, every_seconds=0.5) == [0, 13, 25, 38]
    assert numbers(path, every_seconds=0.04) == list(range(50))
    assert numbers(path, every_seconds=0.4, start_seconds=0.2, end_seconds=1.0) == [5, 15]


def test_every_follows_the_clock_not_the_count(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", map(numbered, range(7)), times=[0, 0.1, 0.2, 3.1, 3.2, 4.5, 4.6])
    assert numbers(path, every_seconds=1) == [0, 3, 5]


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Neither arrays nor FFmpeg's own frames pile up, not even until the collector comes."""
    path = clip(tmp_path / "long.mkv", 600, preset="ultrafast")
    alive: list[weakref.ref[np.ndarray]] = []
    most = count = 0
    gc.collect()
    gc.disable()
    try:
        with open_source(str(path)) as source:
            for frame in source:
                count += 1
                alive = [one for one in alive if one() is not None] + [weakref.ref(frame.pixels)]
                most = max(most, len(alive))
        inside = sum(type(one).__name__ == "VideoFrame" for one in gc.get_objects())
    finally:
        gc.enable()
    assert count == 600 and most <= 2 and inside <= 10


def kept_open() -> tuple[int, int]:
    """File descriptors and native threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists descriptors and threads")
def test_nothing_stays_open(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 60)
    numbers(path)
    before = kept_open()
    for _ in range(5):
        with open_source(str(path), SourcePolicy(start_seconds=0.5)) as source:
            frames = iter(source)
            next(frames)
        with pytest.raises(VideoTooLarge):
            open_source(str(path), limits=ImageLimits(max_pixels=9))
        with open_source(str(path)):
            pass
    assert list(frames) == []
    del source, frames
    assert all(now <= then for now, then in zip(kept_open(), before, strict=True))


def test_closing_from_another_thread_ends_the_iteration(tmp_path: Path) -> None:
    source = open_source(str(clip(tmp_path / "a.mkv", 250)))
    seen: list[int] = []
    begun = threading.Event()

    def watch() -> None:
        for frame in source:
            seen.append(frame.index)
            begun.set()
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert begun.wait(30)
    source.__exit__(None, None, None)
    watcher.join(30)
    assert not watcher.is_alive() and 0 < len(seen) < 250


def test_a_source_is_iterated_once(tmp_path: Path) -> None:
    with open_source(str(clip(tmp_path / "a.mp4", 3))) as source:
        assert len(list(source)) == 3
        with pytest.raises(ValueError, match="once"):
            list(source)


def test_ffmpeg_is_silent_about_what_is_damaged(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.ts", 60, codec="mpeg2video")
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = np.random.default_rng(2).bytes(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    code = (
        "import sys\nfrom mien.video.source.open import open_source\n"
        "with open_source(sys.argv[1]) as source: print(sum(1 for _ in source))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == "" and 5 < int(done.stdout) <= 61


def test_without_pyav_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.errors import ExtraMissing

    path = clip(tmp_path / "a.mp4", 2)
    monkeypatch.setitem(sys.modules, "av", None)
    assert is_video(path)
    with pytest.raises(ExtraMissing, match=r"mien\[video\]"):
        open_source(str(path))


@pytest.mark.skipif(not CLIPS.exists(), reason="../shared/data/clips is not here")
@pytest.mark.parametrize("path", sorted(CLIPS.glob("*")), ids=lambda path: path.name)
def test_real_clips_are_read_to_their_end(path: Path) -> None:
    assert is_video(path)
    count, last = 0, -1.0
    with open_source(str(path)) as source:
        for frame in source:
            assert frame.time_seconds > last
            count, last = count + 1, frame.time_seconds
    assert source.unreadable == 0
    assert source.info.duration_seconds == pytest.approx(last, abs=0.1)
    assert count == pytest.approx(last * (source.info.frames_per_second or 0), abs=3)


@pytest.mark.parametrize("seed", range(40))
def test_noise_in_a_file_gives_frames_or_an_error_of_ours(tmp_path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed)
    name, codec = [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.ts", "mpeg2video")][seed % 4]
    path = clip(tmp_path / name, 12, codec=codec)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    at = noise.integers(0, len(data), 60)
    data[at] = noise.integers(0, 256, 60, dtype=np.uint8)
    path.write_bytes(data.tobytes())
    try:
        with open_source(str(path), limits=ImageLimits(max_pixels=1_000_000)) as source:
            shown = [frame.time_seconds for frame in source]
    except VideoError:
        return
    assert all(later > earlier for earlier, later in pairwise(shown))
