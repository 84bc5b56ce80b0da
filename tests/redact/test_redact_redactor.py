"""From file to file: photos and videos, whatever fails."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mien.errors import ImageTruncated, SettingsError, VideoError
from mien.image import encode_image, open_photo
from mien.redact.mask import INK
from mien.redact.policy import RedactPolicy
from mien.redact.redactor import Redactor
from mien.redact.render import Render
from mien.settings import Settings

av = pytest.importorskip("av", reason="needs PyAV, which the extra `video` brings")

FRAMES, RATE = 12, 6
SECRET = "a secret place"


@pytest.fixture(scope="module")
def redactor(weights: Settings) -> Redactor:
    return Redactor(settings=weights)


@pytest.fixture(scope="module")
def film(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound, subtitles of nothing, a title: the face moves, and is away from frame 5 to 7."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = container.metadata["location"] = SECRET
        video, sound = container.add_stream("libx264", rate=RATE), container.add_stream("aac", rate=16_000)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.metadata["title"] = sound.metadata["title"] = SECRET
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(portrait, index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(video.encode(frame))
        tone = np.sin(np.arange(32_000) / 20).astype(np.float32)[None]
        for index in range(32):
            part = av.AudioFrame.from_ndarray(tone[:, index * 1000 : index * 1000 + 1000], "fltp", "mono")
            part.sample_rate, part.pts, part.time_base = 16_000, index * 1000, Fraction(1, 16_000)
            container.mux(sound.encode(part))
        for stream in (video, sound):
            container.mux(stream.encode())
    return path


def picture(portrait: np.ndarray, index: int) -> np.ndarray:
    if 5 <= index <= 7:
        return np.full_like(portrait, 90)
    return np.ascontiguousarray(np.roll(portrait, 4 * index, axis=1))


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def ink(pixels: np.ndarray, x: float, y: float) -> bool:
    part = pixels[round(y) - 8 : round(y) + 8, round(x) - 8 : round(x) + 8]
    return bool(np.abs(part.astype(int) - INK).max(axis=2).mean() < 24)


def test_a_photo(redactor: Redactor, portrait: np.ndarray, face_row: np.ndarray, tmp_path: Path) -> None:
    """Covered, its orientation applied, and nothing but the picture left of the file."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET
    information = PngImagePlugin.PngInfo()
    information.add_text("Comment", SECRET)
    source, out = tmp_path / "photo.png", tmp_path / "out.png"
    Image.fromarray(np.rot90(portrait)).save(source, exif=exif, pnginfo=information)
    assert SECRET.encode() in source.read_bytes()
    done = redactor.redact(source, out)
    made = open_photo(out).pixels().pixels
    assert made.shape == portrait.shape and SECRET.encode() not in out.read_bytes()
    x, y = face_row[:2] + face_row[2:4] / 2
    assert ink(made, x, y) and (made[:, :40] == portrait[:, :40]).all()
    with Image.open(out) as written:
        assert written.info == {}
    assert (done.kind, done.frames, done.covered_frames, done.warnings) == ("photo", 1, 1, ())
    assert done.faces.covered >= 1 and done.faces.bare == 0


def test_a_photo_without_a_face_is_written_with_a_warning(redactor: Redactor, tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    (tmp_path / "plain.png").write_bytes(encode_image(np.full((200, 300, 3), 128, np.uint8), ".png"))
    done = redactor.redact(tmp_path / "plain.png", out)
    assert out.exists() and done.faces.covered == 0 and "NOTHING is covered" in done.warnings[0]


def test_an_array(redactor: Redactor, portrait: np.ndarray, face_row: np.ndarray) -> None:
    made, counts = redactor.cover(portrait)
    assert counts.covered >= 1 and ink(made, *(face_row[:2] + face_row[2:4] / 2)) and made is not portrait


def test_a_photo_that_is_damaged_leaves_nothing(redactor: Redactor, portrait: np.ndarray, tmp_path: Path) -> None:
    out = io.BytesIO(encode_image(portrait, ".jpg")).getvalue()
    (tmp_path / "half.jpg").write_bytes(out[: len(out) // 2])
    with pytest.raises(ImageTruncated):
        redactor.redact(tmp_path / "half.jpg", tmp_path / "out.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["half.jpg"]


def test_a_video(redactor: Redactor, film: Path, face_row: np.ndarray, tmp_path: Path) -> None:
    """Covered in every frame, also where the face is away for half a second; sound stays, and no word of the source."""
    seen: list[float] = []
    done = redactor.redact(film, tmp_path / "out.mp4", seen.append)
    frames = frames_of(tmp_path / "out.mp4")
    x, y = face_row[:2] + face_row[2:4] / 2
    assert len(frames) == FRAMES and all(ink(frame, x + 4 * index, y) for index, frame in enumerate(frames))
    assert done.kind == "video" and done.frames == done.covered_frames == FRAMES and done.faces.covered >= 9
    assert seen == sorted(seen) and seen[-1] > 0.9
    with av.open(str(tmp_path / "out.mp4")) as container:
        said = [container.metadata, *(stream.metadata for stream in container.streams)]
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
        assert SECRET not in str(said)
    assert SECRET.encode() not in (tmp_path / "out.mp4").read_bytes()


def test_sound_is_dropped_on_request(weights: Settings, film: Path, tmp_path: Path) -> None:
    done = Redactor(RedactPolicy(audio="drop", how="blur"), weights).redact(film, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert (done.audio, done.how) == ("drop", "blur")


def test_a_video_that_changes_meanwhile_leaves_nothing(
    redactor: Redactor, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the passes one frame becomes another, or frames are missing."""
    check = Render._check

    def changed(self: Render, index: int, time_seconds: float, pixels: np.ndarray) -> None:
        check(self, index, time_seconds, pixels if index != 3 else pixels[::-1])

    monkeypatch.setattr(Render, "_check", changed)
    with pytest.raises(VideoError, match="Frame 3 is not what it was"):
        redactor.redact(film, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr(Render, "__call__", shorter(Render.__call__))
    with pytest.raises(VideoError, match="Frame 5"):
        redactor.redact(film, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def shorter(call: Any) -> Any:
    """The second pass over a source that ends after five frames."""

    class Ends:
        def __init__(self, source: Any) -> None:
            self.source = source

        def __iter__(self) -> Iterator[Any]:
            for index, frame in enumerate(self.source):
                if index == 5:
                    return
                yield frame

    return lambda self, source, *more: call(self, Ends(source), *more)


def test_an_interrupted_run_leaves_nothing(redactor: Redactor, film: Path, tmp_path: Path) -> None:
    def interrupt(share: float) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redactor.redact(film, tmp_path / "out.mp4", interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [(RedactPolicy(how="sticker"), "how"), (RedactPolicy(audio="loud"), "audio"), (RedactPolicy(margin=-1), "margin"),
     (RedactPolicy(fpir=0), "fpir"), (RedactPolicy(keep=("a",), only=("b",)), "exclude"),
     (RedactPolicy(keep=("a",)), "gallery"), (RedactPolicy(linger_seconds=float("nan")), "linger")],
)  # fmt: skip
def test_policies_that_cannot_be(policy: RedactPolicy, said: str, weights: Settings) -> None:
    with pytest.raises(SettingsError, match=said):
        Redactor(policy, weights)
