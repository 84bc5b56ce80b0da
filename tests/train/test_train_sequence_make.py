"""Sequences from stills: what they show, that they are the same again, and that a stopped call goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.dataset.ferplus import distribution
from mien.errors import DataError, SettingsError
from mien.expression.classes import FERPLUS
from mien.expression.frame import FrameExpression
from mien.face import Floats, Pixels
from mien.settings import Settings
from mien.train.sequence.degrade import KINDS, Trouble
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.make import MakeOrder, make_sequences, scene_of
from mien.train.sequence.motion import bursts, wander
from mien.train.sequence.render import render
from mien.train.sequence.scene import ALL_KINDS, MakePolicy, whole_of, write_scene
from mien.train.sequence.shards import read_made, read_manifest
from mien.train.sequence.sheet import write_sheets
from mien.train.sequence.stills import NEUTRAL, Stills, read_stills
from tiny_expression import SIZE, install

TIMES = np.arange(60) / 20


def stills_of(count: int = 24) -> Stills:
    """Smooth faces, three of each class."""
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (count, 6, 6), np.uint8)
    faces = np.repeat(np.repeat(coarse, SIZE // 6, axis=1), SIZE // 6, axis=2)
    shares = np.eye(len(FERPLUS), dtype=np.float32)[np.arange(count) % len(FERPLUS)]
    return Stills.of("made up", faces, shares, labelled=True)


STILLS = stills_of()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FeatureReader:
    settings = Settings(cache_dir=tmp_path_factory.mktemp("cache"), offline=True)
    return FeatureReader(FrameExpression(install(settings), settings), settings)


def nothing() -> None:
    """Told of each sequence."""


def test_courses_are_smooth_and_within_their_bounds() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        slow, burst = wander(TIMES, 2.0, rng), bursts(TIMES, 1.0, (0.3, 0.8), rng)
        assert np.abs(slow).max() <= 1 and np.abs(np.diff(slow)).max() < 0.5
        assert burst.min() >= 0 and 0 < burst.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_trouble_changes_a_face_the_more_the_stronger_it_is(kind: str) -> None:
    face = STILLS.faces[1].astype(np.float32)

    def moved_by(level: float) -> float:
        rng = np.random.default_rng(4)
        change = KINDS[kind](TIMES, Trouble(level, 1.0), rng)
        frames = [change(face, i) for i in range(len(TIMES))]
        assert all(frame.shape == face.shape and frame.dtype == np.float32 for frame in frames)
        return float(np.mean([np.abs(frame - face).mean() for frame in frames]))

    assert moved_by(1.0) > moved_by(0.2) > 0


def test_a_scene_is_what_its_stills_show() -> None:
    for number in range(30):
        scene = scene_of(STILLS, MakeOrder(30), number)
        n = len(scene.times)
        assert MakePolicy().shortest <= n <= MakePolicy().longest
        assert (np.diff(scene.times) > 0).all() and scene.times[0] == 0
        np.testing.assert_allclose(scene.shares.sum(axis=1), 1, atol=1e-5)
        held = scene.mix == 0
        np.testing.assert_array_equal(scene.shares[held], STILLS.shares[scene.stills[held, 0]])
        assert set(scene.kinds) <= set(ALL_KINDS) and scene.seen.any()
        assert ("missing" in scene.kinds) or scene.seen.all()
        labels = scene.shares.argmax(axis=1)
        assert len(scene.changes) == np.count_nonzero(np.diff(labels))


def test_faces_that_follow_each_other_show_different_classes() -> None:
    policy = MakePolicy(shortest=60, longest=72)
    scenes = [write_scene(STILLS, policy, np.random.default_rng(seed)) for seed in range(40)]
    assert any(scene.changes for scene in scenes)
    for scene in scenes:
        before, after = scene.stills[scene.mix > 0].T
        assert (STILLS.shares[before].argmax(axis=1) != STILLS.shares[after].argmax(axis=1)).all()


def test_a_neutral_stretch_says_little_of_the_whole() -> None:
    shares = np.zeros((10, len(FERPLUS)), np.float32)
    shares[:7, NEUTRAL] = 1
    shares[7:, 3] = 1
    whole = whole_of(shares)
    assert whole.argmax() == 3 and whole.sum() == pytest.approx(1)


def test_a_scene_renders_the_same_again() -> None:
    scene = scene_of(STILLS, MakeOrder(9, seed=5), 3)
    frames = render(scene, STILLS)
    assert frames.shape == (len(scene.times), SIZE, SIZE) and frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, render(scene_of(STILLS, MakeOrder(9, seed=5), 3), STILLS))
    assert (frames[1:] != frames[:-1]).any(axis=(1, 2)).all()


def test_the_reader_sees_what_the_frame_model_sees(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, offline=True)
    frame = FrameExpression(install(settings), settings)
    features, logits = FeatureReader(frame, settings)(STILLS.faces)
    np.testing.assert_allclose(features, frame.features(STILLS.faces), atol=1e-4)
    np.testing.assert_allclose(logits, frame.logits(STILLS.faces)["ferplus"], atol=1e-3)


def test_a_frame_model_without_features_is_refused(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, offline=True)
    frame = FrameExpression(install(settings, features=None), settings)
    with pytest.raises(SettingsError, match="has no features"):
        FeatureReader(frame, settings)


ORDER = MakeOrder(3, seed=1, policy=MakePolicy(shortest=8, longest=12))


def test_made_sequences_come_back(reader: FeatureReader, tmp_path: Path) -> None:
    manifest = make_sequences(STILLS, reader, ORDER, tmp_path, nothing)
    sequences = read_made(tmp_path)
    assert len(sequences) == 3 and manifest["model"] == reader.model
    for number, one in enumerate(sequences):
        scene = scene_of(STILLS, ORDER, number)
        frames = render(scene, STILLS)
        np.testing.assert_allclose(one.features[scene.seen], reader(frames[scene.seen])[0], rtol=2e-3, atol=2e-3)
        assert not one.features[~scene.seen].any()
        np.testing.assert_allclose(one.shares, scene.shares)
        assert one.kinds == scene.kinds and one.group == f"made-{number}"


def test_a_stopped_call_goes_on_and_another_order_does_not(
    reader: FeatureReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train.sequence import make

    monkeypatch.setattr(make, "SHARD", 1)
    told: list[int] = []

    def stop() -> None:
        told.append(1)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sequences(STILLS, reader, ORDER, tmp_path, stop)
    with pytest.raises(DataError, match="no finished sequences"):
        read_made(tmp_path)
    told.clear()
    make_sequences(STILLS, reader, ORDER, tmp_path, lambda: told.append(1))
    assert len(told) == 2
    make_sequences(STILLS, reader, ORDER, tmp_path / "again", nothing)
    for one, other in zip(read_made(tmp_path), read_made(tmp_path / "again"), strict=True):
        np.testing.assert_array_equal(one.features, other.features)
    with pytest.raises(DataError, match="made otherwise"):
        make_sequences(STILLS, reader, MakeOrder(3, seed=2, policy=ORDER.policy), tmp_path, nothing)


def test_damage_is_found(reader: FeatureReader, tmp_path: Path) -> None:
    make_sequences(STILLS, reader, ORDER, tmp_path, nothing)
    file = tmp_path / "00000.npz"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="not the file that was made"):
        read_made(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 0}))
    with pytest.raises(DataError, match="another version"):
        read_manifest(tmp_path)


def test_sheets_to_look_at(tmp_path: Path) -> None:
    files = write_sheets(STILLS, ORDER, tmp_path / "show", 2)
    assert [file.name for file in files] == ["sequence-0000.png", "sequence-0001.png"]
    assert all(file.stat().st_size > 1000 for file in files)


def test_stills_have_the_shares_of_the_votes(made_up: Path) -> None:
    from mien.dataset.read import read_faces

    faces = read_faces(made_up, "train", 24)
    stills = read_stills(made_up, "train", 24, sure=True)
    assert faces.votes is not None
    kept = (distribution(faces.votes).sum(axis=1) > 0) & ~faces.twins
    np.testing.assert_array_equal(stills.faces, faces.faces[kept])
    np.testing.assert_array_equal(stills.shares, distribution(faces.votes)[kept])
    assert stills.labelled


def test_labels_without_votes_are_those_of_ferplus(tmp_path: Path) -> None:
    import cv2

    for name in ("happy", "sad"):
        for split in ("train", "val"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            face: Pixels = np.full((24, 24), 60 if name == "sad" else 90, np.uint8)
            face[len(split)] = 0
            cv2.imwrite(str(folder / "a.png"), face)
    shares: Floats = read_stills(tmp_path, "train", 24, sure=True).shares
    assert sorted(FERPLUS[place] for place in shares.argmax(axis=1)) == ["happiness", "sadness"]
