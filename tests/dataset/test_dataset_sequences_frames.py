"""From files to times, faces and features."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mien.dataset.sequences.clip import frames_of_clip
from mien.dataset.sequences.crops import Crops, FaceCutter
from mien.dataset.sequences.read import read_sequences
from mien.dataset.sequences.seen import MIRROR, PLAIN, Eye, changed, see_sequences
from mien.dataset.sequences.sequence import FaceSequence
from mien.errors import DataError, ExtraMissing
from mien.expression.model_file import open_expression
from mien.face import Floats, Pixels
from mien.image import write_image
from mien.settings import Settings

if TYPE_CHECKING:
    from conftest import Builder

av = pytest.importorskip("av")
MILLISECOND = Fraction(1, 1000)


def write_clip(file: Path, pictures: Sequence[np.ndarray], milliseconds: Sequence[int]) -> Path:
    """A small clip whose frames are shown at these times."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "tune": "zerolatency"}
        stream.codec_context.time_base = MILLISECOND
        for picture, time in zip(pictures, milliseconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def shades(*levels: int, side: int = 64) -> list[np.ndarray]:
    """Plain pictures."""
    return [np.full((side, side, 3), level, np.uint8) for level in levels]


def brightness(faces: Pixels) -> tuple[Floats, Floats]:
    """A frame model that sees how bright the left and the right half of a face are."""
    halves = [faces[:, :, :24].mean(axis=(1, 2)), faces[:, :, 24:].mean(axis=(1, 2))]
    features = np.stack(halves, axis=1).astype(np.float32)
    return features, features[:, :1]


def cut_whole(sequence: FaceSequence) -> Crops:
    """Frames that are faces already; a black one is none."""
    times, faces = zip(*sequence.frames(), strict=True)
    stack = np.stack(faces)
    return Crops(np.array(times, np.float32), stack, stack.any(axis=(1, 2)))


@pytest.fixture
def crops(build: Builder) -> Path:
    """Two sequences of 48-px faces, of which one frame is black."""
    for number in range(3):
        build.picture(f"happy/S01_1_{number}.png")
        build.picture(f"sad/S02_1_{number}.png", np.zeros((48, 48), np.uint8) if number == 1 else None)
    return build.root


def test_clips_keep_the_times_of_their_container(tmp_path: Path) -> None:
    file = write_clip(tmp_path / "a.mp4", shades(20, 120, 220), [100, 140, 400])
    times, pixels = zip(*frames_of_clip(file), strict=True)
    assert times == pytest.approx([0, 0.04, 0.3], abs=2e-3)
    assert [round(float(one.mean()), -1) for one in pixels] == [20, 120, 220]
    assert pixels[0].shape == (64, 64, 3) and pixels[0].dtype == np.uint8


def test_damaged_clips_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"no video at all")
    with pytest.raises(DataError, match=r"a\.mp4 cannot be read"):
        list(frames_of_clip(file))


def test_a_clip_without_pyav_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ExtraMissing, match="mien\\[video\\]"):
        list(frames_of_clip(tmp_path / "a.mp4"))


def test_pictures_that_cannot_be_read_are_named(build: Builder) -> None:
    build.picture("happy/a/1.png")
    build.picture("sad/b/1.png").write_bytes(b"no picture")
    sequences = read_sequences(build.root).sequences
    with pytest.raises(DataError, match=r"sad/b/1\.png cannot be read"):
        [list(one.frames()) for one in sequences]


def test_features_are_read_where_a_face_was_seen(crops: Path) -> None:
    sequences = read_sequences(crops).sequences
    seen = see_sequences(sequences, Eye(cut_whole, brightness, "m"))[PLAIN]
    assert [one.seen.tolist() for one in seen] == [[True] * 3, [True, False, True]]
    for one, sequence in zip(seen, sequences, strict=True):
        faces = np.stack([pixels for _, pixels in sequence.frames()])
        assert np.array_equal(one.features, brightness(faces)[0] * one.seen[:, None])


def test_a_sequence_without_any_face_has_zeros_of_the_right_length(crops: Path) -> None:
    def blind(sequence: FaceSequence) -> Crops:
        found = cut_whole(sequence)
        return Crops(found.times, np.zeros_like(found.faces), np.zeros(len(found.times), np.bool_))

    one = see_sequences(read_sequences(crops).sequences, Eye(blind, brightness, "m"))[PLAIN][0]
    assert one.features.shape == (3, 2) and one.logits.shape == (3, 1) and not one.features.any()


def test_views_differ_and_stay_the_same(crops: Path) -> None:
    sequences = read_sequences(crops).sequences
    faces = np.stack([pixels for _, pixels in sequences[0].frames()])
    assert changed(faces, PLAIN) is faces
    assert np.array_equal(changed(faces, MIRROR), faces[:, :, ::-1])
    turned, other = changed(faces, "turned-1"), changed(faces, "turned-2")
    assert np.array_equal(turned, changed(faces, "turned-1")) and turned.shape == faces.shape
    assert not np.array_equal(turned, other) and not np.array_equal(turned, faces)
    still = np.stack([faces[0]] * 3)
    assert (changed(still, "turned-1") == changed(still, "turned-1")[0]).all()
    views = see_sequences(sequences, Eye(cut_whole, brightness, "m"), (PLAIN, MIRROR))
    assert np.array_equal(views[MIRROR][0].features, views[PLAIN][0].features[:, ::-1])


def test_features_are_kept_by_what_they_depend_on(crops: Path, tmp_path: Path) -> None:
    looks: list[str] = []

    def eye(model: str) -> Eye:
        def see(faces: Pixels) -> tuple[Floats, Floats]:
            looks.append(model)
            return brightness(faces)

        return Eye(cut_whole, see, model, tmp_path / "cache")

    sequences = read_sequences(crops).sequences
    first = see_sequences(sequences, eye("m"))[PLAIN]
    again = see_sequences(sequences, eye("m"))[PLAIN]
    assert looks == ["m"] * 2
    for one, other in zip(first, again, strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("times", "features", "seen"))
    see_sequences(sequences, eye("n"))
    see_sequences(sequences, eye("n"), (PLAIN, MIRROR))
    assert looks == ["m"] * 2 + ["n"] * 4
    next((tmp_path / "cache").iterdir()).write_bytes(b"torn")
    with pytest.raises(DataError, match="is damaged"):
        see_sequences(sequences, eye("m"), (PLAIN,)), see_sequences(sequences, eye("n"), (PLAIN, MIRROR))


def test_small_grey_squares_are_faces_already(tiny: Settings, build: Builder) -> None:
    build.picture("happy/a/1.png")
    build.picture("sad/b/1.png", build.grey(96))
    cutter = FaceCutter(open_expression("tiny", tiny), tiny)
    whole, shrunk = (cutter(one) for one in read_sequences(build.root).sequences)
    assert whole.seen.all() and np.array_equal(whole.faces[0], build.faces["happy/a/1.png"])
    assert shrunk.seen.all() and shrunk.faces.shape == (1, 48, 48)


def test_faces_in_pictures_are_found_and_cut(tiny: Settings, astronaut: np.ndarray, tmp_path: Path) -> None:
    """And frames without a face are seen as such."""
    (tmp_path / "happy" / "a").mkdir(parents=True)
    (tmp_path / "sad" / "b").mkdir(parents=True)
    for number, pixels in enumerate([np.zeros_like(astronaut), astronaut, astronaut[:, ::-1]]):
        write_image(tmp_path / "happy" / "a" / f"{number}.png", pixels)
    write_image(tmp_path / "sad" / "b" / "1.png", np.zeros_like(astronaut))
    frame = open_expression("tiny", tiny)
    found, nothing = (FaceCutter(frame, tiny)(one) for one in read_sequences(tmp_path).sequences)
    assert found.seen.tolist() == [False, True, True] and not nothing.seen.any()
    assert found.faces.shape == (3, 48, 48) and found.faces[1].std() > 20 and not found.faces[0].any()
