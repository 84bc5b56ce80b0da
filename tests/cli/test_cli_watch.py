"""`mien watch` and `mien analyze` on a made-up video: outputs, exit codes, identity, refusals."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli.main import run
from mien.gallery.gallery import Gallery, Profile
from mien.gallery.store.master import MasterKey
from mien.gallery.store.records import GalleryPolicy
from mien.settings import Settings

av = pytest.importorskip("av")
RATE = 12


def film(path: Path, person: np.ndarray, count: int = 18) -> Path:
    """A person who moves to the right, H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 480, 320, "yuv420p"
        small = cv2.resize(person, (280, 280), interpolation=cv2.INTER_AREA)
        for index in range(count):
            picture = np.full((320, 480, 3), 100, np.uint8)
            picture[20:300, 20 + 6 * index : 300 + 6 * index] = small
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clip(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "walk.mp4", astronaut)


@pytest.fixture
def at_shell(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


Shell = Callable[..., tuple[int, str, str]]


def test_analyze_writes_every_kind_of_file(clip: Path, tmp_path: Path, at_shell: Shell) -> None:
    code, out, err = at_shell("analyze", clip, "--save", tmp_path / "out", "--json", tmp_path / "events.jsonl")
    assert code == 0, err
    assert "1 track" in out and "18 frames" in out
    written = {path.suffix: path for path in (tmp_path / "out").iterdir()}
    assert set(written) == {".mp4", ".html", ".jsonl", ".csv", ".vtt"}
    with av.open(str(written[".mp4"])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 18
    rows = list(csv.DictReader(written[".csv"].read_text(encoding="utf-8").splitlines()))
    assert {row["track"] for row in rows} == {"1"}
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines][:2] == ["run", "track_start"]
    assert [line["kind"] for line in lines][-2:] == ["track_end", "summary"]
    assert "<script src" not in written[".html"].read_text(encoding="utf-8")


def test_photos_and_videos_go_together(clip: Path, astronaut: np.ndarray, tmp_path: Path, at_shell: Shell) -> None:
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), astronaut[:, :, ::-1])
    code, out, err = at_shell("analyze", clip, photo, "--stages", "detect")
    assert code == 0, err
    assert "1 face" in out and "1 track" in out


def test_watch_prints_events_and_a_table(clip: Path, tmp_path: Path, at_shell: Shell) -> None:
    code, out, err = at_shell("watch", clip, "--to", tmp_path / "subs.vtt", "--until", "1.2")
    assert code == 0, err
    assert "track_start" in out and "expression" in out and "1 track" in out
    assert (tmp_path / "subs.vtt").read_text(encoding="utf-8").startswith("WEBVTT")


def test_watch_gives_json_lines_alone(clip: Path, at_shell: Shell) -> None:
    code, out, err = at_shell("watch", clip, "--to", "-", "--stages", "detect", "--every", "0.1")
    assert code == 0, err
    assert all(json.loads(line)["schema"] == "mien.video-event/1" for line in out.splitlines())
    assert "1 track" in err


def test_watch_knows_who_it_is(
    clip: Path,
    astronaut: np.ndarray,
    weights: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_shell: Shell,
) -> None:
    key = MasterKey.new()
    monkeypatch.setenv("MIEN_GALLERY_KEY", key.text)
    with Gallery.create(tmp_path / "people", GalleryPolicy(require_consent=False), weights, master=key) as gallery:
        assert gallery.enrol(Profile("Eileen"), [astronaut]).person_id
    code, out, err = at_shell("watch", clip, "--gallery", tmp_path / "people", "--stages", "quality,embed")
    assert code == 0, err
    assert "identity     Eileen" in out


@pytest.mark.parametrize(
    ("content", "code"), [(b"\0\0\0\x18ftypmp42" + b"\0" * 2000, "video-format"), (b"not a video", "image-format")]
)
def test_what_cannot_be_read_is_said_and_the_rest_is_done(
    content: bytes, code: str, clip: Path, tmp_path: Path, at_shell: Shell
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    lines = tmp_path / "lines.jsonl"
    exit_code, out, _ = at_shell("analyze", bad, clip, "--stages", "detect", "--json", lines)
    assert exit_code == 1 and "1 track" in out
    errors = [json.loads(line)["error"]["code"] for line in lines.read_text().splitlines() if '"error"' in line]
    assert errors == [code]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("watch", "nothing.mp4"), "There is no file"),
        (("watch", "gopher://here"), "opens no addresses"),
        (("watch", "CLIP", "--to", "out.xyz"), "out.xyz"),
        (("watch", "CLIP", "--to", "CLIP"), "the source itself"),
        (("watch", "CLIP", "--from", "3", "--until", "2"), "ends"),
        (("analyze", "CLIP", "--crops", "out"), "--crops is for photos"),
    ],
)
def test_refusals_exit_with_two(arguments: tuple[str, ...], said: str, clip: Path, at_shell: Shell) -> None:
    code, _, err = at_shell(*(str(clip) if word == "CLIP" else word for word in arguments))
    assert code == 2 and said in err
