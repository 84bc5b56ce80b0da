"""From stills to a served model by the commands alone; and what a labelled set becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mien.cli import train_sequence
from mien.errors import DataError, SettingsError
from mien.expression.classes import FERPLUS
from mien.expression.frame import FrameExpression
from mien.expression.sequence import SequenceExpression
from mien.settings import Settings, load_settings
from mien.train.sequence.recipe import shipped_sequence_recipes
from mien.weights.card import parse_card
from tiny_expression import install

RECIPE = """
name = "tiny"
about = "for tests"
[model]
layers = 1
units = 4
hint = true
[augment]
frames = 8
[fit]
epochs = 1
batch = 4
"""

app = typer.Typer()
app.command("make-sequences")(train_sequence.make)
app.command("sequence")(train_sequence.sequence)
app.command("export-sequence")(train_sequence.export)
app.command("sequence-recipes")(train_sequence.sequence_recipes)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings, the environment's too, in which the model `tiny` is known."""
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    settings = load_settings()
    install(settings)
    return settings


@pytest.fixture
def not_compiled(keras: Any) -> Iterator[None]:
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow

    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_recipes_are_listed() -> None:
    text = call("sequence-recipes")
    assert all(name in text for name in shipped_sequence_recipes())


def test_from_stills_to_a_model_that_is_served(
    tiny: Settings, made_up: Path, not_compiled: None, tmp_path: Path
) -> None:
    for split in ("train", "valid"):
        out = tmp_path / split
        said = call(
            "make-sequences",
            "--data",
            made_up,
            "--split",
            split,
            "--out",
            out,
            "--count",
            5,
            "--model",
            "tiny",
            "--show",
            1,
        )
        assert "5 sequences" in said and (out / "show" / "sequence-0000.png").is_file()
    (tmp_path / "tiny.toml").write_text(RECIPE)
    run = ("--recipe", tmp_path / "tiny.toml", "--out", tmp_path / "run", "--model", "tiny")
    said = call("sequence", "--data", tmp_path / "train", "--valid", tmp_path / "valid", *run)
    assert "moment:" in said and "calibration error" in said
    sets = json.loads((tmp_path / "run" / "result.json").read_text())["data"]["sets"]
    assert sets["train"]["order"]["count"] == 5 and sets["train"]["labels"] == "people's"
    taught = (*run[:2], "--out", tmp_path / "taught", *run[4:], "--teacher", tmp_path / "run")
    call("sequence", "--data", tmp_path / "train", "--valid", tmp_path / "valid", *taught)
    digests = [
        json.loads((tmp_path / name / "result.json").read_text())["data"]["sha256"] for name in ("run", "taught")
    ]
    assert digests[0] != digests[1]
    file = tmp_path / "tiny-seq.onnx"
    call("export-sequence", tmp_path / "run", "--data", tmp_path / "valid", "--to", file)
    card = parse_card(json.loads(file.with_suffix(".json").read_text()), "here")
    (tiny.cache_dir / "weights" / card.file).write_bytes(file.read_bytes())
    express = SequenceExpression(card, tiny)
    assert express.start().values.shape == (4,) and express.frame_model.startswith("tiny@")


def test_faces_come_from_one_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="made from faces"):
        call("make-sequences", "--out", tmp_path)
    with pytest.raises(SettingsError, match="no split"):
        call("make-sequences", "--out", tmp_path, "--data", tmp_path, "--split", "dev")


def test_an_export_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"end in \.onnx"):
        call("export-sequence", tmp_path, "--data", tmp_path, "--to", tmp_path / "a.bin")


def test_a_labelled_set_is_divided_by_who_is_in_it(keras: Any, tiny: Settings, tmp_path: Path) -> None:
    from mien.train.sequence.gather import Gatherer

    rng = np.random.default_rng(1)
    for subject in range(30):
        for name in ("happy", "anger"):
            folder = tmp_path / "set" / name
            folder.mkdir(parents=True, exist_ok=True)
            for frame in range(3):
                face = rng.integers(0, 256, (48, 48), np.uint8)
                cv2.imwrite(str(folder / f"S{subject:03}_00{len(name)}_{frame + 1:08}.png"), face)
    gatherer = Gatherer(FrameExpression(install(tiny), tiny), tiny, tmp_path / "seen")
    data, origin = gatherer.gather([tmp_path / "set"], [])
    assert data.classes == FERPLUS and origin.vocabulary == "ferplus"
    assert len(data.train) + len(data.valid) == 60
    assert not {one.group for one in data.train} & {one.group for one in data.valid}
    for one in data.train:
        assert one.features.shape == (3, 128) and one.frame is not None
        assert FERPLUS[one.whole.argmax()] in ("happiness", "anger")
        np.testing.assert_array_equal(one.shares, np.repeat(one.whole[None], 3, axis=0))


def test_a_set_that_another_model_saw_is_refused(keras: Any, tiny: Settings, made_up: Path, tmp_path: Path) -> None:
    from mien.train.sequence.gather import Gatherer

    call("make-sequences", "--data", made_up, "--out", tmp_path / "made", "--count", 1, "--model", "tiny")
    manifest = json.loads((tmp_path / "made" / "manifest.json").read_text())
    (tmp_path / "made" / "manifest.json").write_text(json.dumps(manifest | {"model": "other@0123456789ab"}))
    with pytest.raises(DataError, match="with the frame model other"):
        Gatherer(FrameExpression(install(tiny), tiny), tiny).gather([tmp_path / "made"], [])
