"""Pictures into files: their times, sizes and sound, what is left after a kill, and what can go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import SinkError
from mien.video.sink.encoder import VideoWriter, container_of, letterboxed

av = pytest.importorskip("av", reason="needs PyAV, which the extra `video` brings")
ROOT = Path(__file__).parents[2]
TIMES = [0.0, 0.04, 0.11, 0.12, 0.5, 0.533, 1.9, 1.94]

# Writes four seconds of pictures, says the time of each once it is written, and then waits for the end.
ENDLESS = """
import sys, time
from pathlib import Path
import numpy as np
from mien.video.sink.encoder import VideoWriter
writer = VideoWriter(Path(sys.argv[1]), 160, 120, Path(sys.argv[2]))
noise = np.random.default_rng(0).integers(0, 255, (25, 120, 160, 3), np.uint8)
for index in range(100):
    writer.write(noise[index % 25], index / 25)
    print(index / 25, flush=True)
time.sleep(600)
"""


def picture(shade: int, width: int = 64, height: int = 48) -> np.ndarray:
    pixels = np.full((height, width, 3), shade, np.uint8)
    pixels[:, : width // 2, 0] = 220
    return pixels


def times_of(path: Path, kind: str = "video") -> list[float]:
    with av.open(str(path)) as opened:
        stream = opened.streams.get(**{kind: 0})[0]
        return [float(packet.pts * packet.time_base) for packet in opened.demux(stream) if packet.pts is not None]


def pictures_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]


def shown_before_the_cut(path: Path) -> list[float]:
    """Times of all pictures that a player shows, of a file whose last packet may be a part."""
    shown = []
    with av.open(str(path)) as opened:
        try:
            for frame in opened.decode(video=0):
                shown.append(frame.time)
        except av.error.InvalidDataError:
            return shown
    return shown


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds of picture and sound, and where it was taken: AAC, which is copied; PCM, which MP4 does not take."""
    folder = tmp_path_factory.mktemp("talking")
    found = {}
    for codec, name in (("aac", "aac.mp4"), ("pcm_s16le", "pcm.mkv")):
        found[codec] = folder / name
        _record(found[codec], codec)
    return found


def _record(path: Path, codec: str) -> None:
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "at home"
        video = out.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = out.add_stream(codec, rate=16000)
        audio.codec_context.layout = "mono"
        audio.metadata["title"] = "my microphone"
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            out.mux(video.encode(frame))
        tone = (8000 * np.sin(np.arange(32000) / 16000 * 440 * 2 * np.pi)).astype(np.int16)
        for start in range(0, 32000, 1024):
            sound = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 16000, start, Fraction(1, 16000)
            out.mux(audio.encode(sound))
        out.mux([*video.encode(None), *audio.encode(None)])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "A.M4V"])
def test_each_picture_keeps_its_time(name: str, tmp_path: Path) -> None:
    with VideoWriter(tmp_path / name, 64, 48) as writer:
        for shade, seconds in enumerate(TIMES):
            writer.write(picture(20 * shade), seconds)
    assert times_of(tmp_path / name) == pytest.approx(TIMES, abs=1e-3)


def test_the_first_time_becomes_zero(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48) as writer:
        for seconds in (60.0, 60.04, 60.04, 60.02):
            writer.write(picture(1), seconds)
    times = times_of(tmp_path / "a.mp4")
    assert times == sorted(set(times)) and times == pytest.approx([0, 0.04, 0.04, 0.04], abs=1e-3)


def test_pictures_look_as_they_did(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    smooth = np.kron(rng.integers(0, 255, (6, 8, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    with VideoWriter(tmp_path / "a.mp4", 128, 96) as writer:
        for index in range(5):
            writer.write(smooth, index / 25)
    inner = np.ones((16, 16), bool)
    inner[:2] = inner[-2:] = inner[:, :2] = inner[:, -2:] = False  # chroma is halved, and mixes at edges
    mask = np.tile(inner, (6, 8))
    for shown in pictures_of(tmp_path / "a.mp4"):
        assert np.abs(shown.astype(int) - smooth)[mask].mean() < 4


def test_odd_sizes_are_made_even_at_the_edge(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 65, 47) as writer:
        writer.write(picture(200, 65, 47), 0.0)
    (shown,) = pictures_of(tmp_path / "a.mp4")
    assert shown.shape == (48, 66, 3) and shown[-1, -1].mean() > 180


def test_another_size_in_the_middle_is_fitted(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48) as writer:
        writer.write(picture(200), 0.0)
        writer.write(picture(200, 48, 96), 0.04)
    first, second = pictures_of(tmp_path / "a.mp4")
    assert first.shape == second.shape
    assert second[24, 32].mean() > 150 and second[24, 4].mean() < 20


@pytest.mark.parametrize("size", [(10, 400), (400, 10), (1, 1), (64, 48)])
def test_letterboxes(size: tuple[int, int]) -> None:
    boxed = letterboxed(np.full((*size, 3), 255, np.uint8), 64, 48)
    assert boxed.shape == (48, 64, 3) and boxed[23:25, 31:33].max() == 255


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_goes_along(codec: str, container: str, talking: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / f"a.{container}"
    with VideoWriter(out, 64, 48, audio_from=talking[codec]) as writer:
        for index in range(25):
            writer.write(picture(index), index / 25)
    with av.open(str(out)) as opened:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in opened.decode(audio=0)])
        assert opened.streams.audio[0].codec_context.name == (codec if container == "mkv" else "aac")
    assert 0.9 < len(sound) / 16000 < 1.2, "as long as the pictures, not as the source"
    tone = np.abs(np.fft.rfft(sound[4000:12000].astype(float)))
    assert tone.argmax() * 16000 / 8000 == pytest.approx(440, abs=4)
    assert times_of(out) == pytest.approx(np.arange(25) / 25, abs=1e-3)


def test_sound_begins_where_the_pictures_do(talking: dict[str, Path], tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mkv", 64, 48, audio_from=talking["pcm_s16le"]) as writer:
        for index in range(25, 50):
            writer.write(picture(index), index / 25)
    times = times_of(tmp_path / "a.mkv", "audio")
    assert 0 <= times[0] < 0.08 and 0.85 < times[-1] < 1.05


def test_sound_and_picture_are_interleaved(talking: dict[str, Path], tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mkv", 64, 48, audio_from=talking["aac"]) as writer:
        for index in range(50):
            writer.write(picture(index), index / 25)
    with av.open(str(tmp_path / "a.mkv")) as opened:
        kinds = [packet.stream.type for packet in opened.demux() if packet.pts is not None]
    assert "audio" in kinds[:20] and "video" in kinds[-10:]


def test_a_source_without_sound_is_no_error(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "silent.mp4", 64, 48) as writer:
        writer.write(picture(1), 0.0)
    with VideoWriter(tmp_path / "a.mp4", 64, 48, audio_from=tmp_path / "silent.mp4") as writer:
        writer.write(picture(1), 0.0)
    assert len(pictures_of(tmp_path / "a.mp4")) == 1


def test_nothing_of_the_source_is_told(talking: dict[str, Path], tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        with VideoWriter(tmp_path / name, 64, 48, audio_from=talking["aac"]) as writer:
            writer.write(picture(1), 0.0)
            writer.write(picture(1), 0.5)
        with av.open(str(tmp_path / name)) as opened:
            told = {**opened.metadata, **opened.streams.video[0].metadata, **opened.streams.audio[0].metadata}
        assert not {"title", "creation_time", "location"} & {key.lower() for key in told}
        assert not [said for said in told.values() if "home" in said or "microphone" in said]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_kill_leaves_all_but_the_last_second(name: str, talking: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / name
    child = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(out), str(talking["aac"])], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    written = 0.0
    for line in child.stdout:
        written = float(line)
        if written >= 3.9:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    assert shown_before_the_cut(out)[-1] >= written - 1.0
    assert times_of(out, "audio")[-1] > 1.5


def test_writing_after_the_end_is_an_error(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 64, 48)
    writer.close()
    writer.close()
    with pytest.raises(SinkError, match="closed already"):
        writer.write(picture(1), 0.0)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="its folder does not exist"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4", 64, 48)


def test_names_that_say_no_container() -> None:
    with pytest.raises(SinkError, match=r"End it in \.mp4"):
        container_of(Path("film.avi"))


def test_the_source_is_never_overwritten(talking: dict[str, Path]) -> None:
    before = talking["aac"].read_bytes()
    with pytest.raises(SinkError, match="is the source itself"):
        VideoWriter(talking["aac"], 64, 48, audio_from=talking["aac"])
    assert talking["aac"].read_bytes() == before


def test_sound_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no sound at all")
    with pytest.raises(SinkError, match=r"The sound of .* cannot be read"):
        VideoWriter(tmp_path / "a.mp4", 64, 48, audio_from=tmp_path / "text.mp3")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which only Linux has")
def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("/dev/full")
    rng = np.random.default_rng(0)
    with pytest.raises(SinkError, match="the disk is full"), VideoWriter(tmp_path / "a.mp4", 64, 48) as writer:
        for index in range(100):
            writer.write(rng.integers(0, 255, (48, 64, 3), np.uint8), index / 10)
    writer.close()


def test_without_pyav_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mien.errors import ExtraMissing

    def gone(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("mien.video.sink.pyav.import_module", gone)
    with pytest.raises(ExtraMissing, match=r"mien\[video\]"):
        VideoWriter(tmp_path / "a.mp4", 64, 48)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_quiet_pictures_leave_the_process_too(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"quiet{suffix}"
    writer = VideoWriter(path, 64, 48)
    for index in range(100):
        writer.write(picture(90), index / 25)
    try:
        assert shown_before_the_cut(path)[-1] >= 2.8
    finally:
        writer.close()


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with VideoWriter(Path("tcp:12.mp4"), 64, 48) as writer:
        writer.write(picture(90), 0.0)
    assert len(pictures_of(tmp_path / "tcp:12.mp4")) == 1


def test_sound_of_two_recordings_in_one_file_is_kept(data: Path, tmp_path: Path) -> None:
    clips = data / "clips"
    joined = tmp_path / "joined.mpg"
    joined.write_bytes((clips / "bbaf2n.mpg").read_bytes() + (clips / "brbk7n.mpg").read_bytes())
    for suffix in (".mp4", ".mkv"):
        path = tmp_path / f"out{suffix}"
        with VideoWriter(path, 64, 48, joined) as writer:
            for index in range(150):
                writer.write(picture(index), index / 25)
        assert times_of(path, "audio")[-1] >= 2.5 and len(times_of(path)) == 150


def test_sound_whose_rate_and_channels_change_in_the_middle_is_resampled(tmp_path: Path) -> None:
    """A second in stereo at 48 kHz, then one in mono at 32 kHz."""
    joined = tmp_path / "joined.ts"
    parts = [(48_000, "stereo"), (32_000, "mono")]
    for index, (rate, layout) in enumerate(parts):
        _tone(tmp_path / f"{index}.ts", rate, layout, index)
    joined.write_bytes(b"".join((tmp_path / f"{index}.ts").read_bytes() for index in range(2)))
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 64, 48, joined) as writer:
        for index in range(50):
            writer.write(picture(index), index / 25)
    with av.open(str(path)) as opened:
        frames = list(opened.decode(audio=0))
    assert {(one.sample_rate, one.layout.name) for one in frames} == {(48_000, "stereo")}
    sound = np.concatenate([one.to_ndarray()[0] for one in frames])
    assert len(sound) / 48_000 == pytest.approx(2, abs=0.1)
    for second in (0.3, 1.3):  # the tone is as high in both
        part = sound[round(second * 48_000) :][:24_000]
        assert np.argmax(np.abs(np.fft.rfft(part))) * 2 == pytest.approx(440, abs=4)


def _tone(path: Path, rate: int, layout: str, start: int) -> None:
    """One second of 440 Hz as MP2 in a transport stream."""
    with av.open(str(path), "w") as out:
        audio = out.add_stream("mp2", rate=rate)
        audio.codec_context.layout = layout
        tone = (8000 * np.sin(np.arange(rate) / rate * 440 * 2 * np.pi)).astype(np.int16)
        shaped = np.repeat(tone, 2 if layout == "stereo" else 1)[None]
        sound = av.AudioFrame.from_ndarray(shaped, format="s16", layout=layout)
        sound.sample_rate, sound.pts, sound.time_base = rate, start * rate, Fraction(1, rate)
        out.mux([*audio.encode(sound), *audio.encode(None)])
