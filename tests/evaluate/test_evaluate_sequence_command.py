"""`mien evaluate sequence`, with a tiny frame model on made-up crops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from mien.cli.evaluate_sequence import sequence, view_names
from mien.cli.train_sequence import sequence as train_sequence
from mien.errors import DataError, MienError, SettingsError
from mien.settings import Settings

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "evaluation-sequence.schema.json").read_text("utf-8"))
RECIPE = """
name = "least"
about = "As little as trains at all."
[model]
cell = "gru"
layers = 1
units = 4
pooling = "last"
[fit]
epochs = 1
batch = 8
"""
N_SUBJECTS = 6


@pytest.fixture
def small(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The command finds the model `tiny` through the environment."""
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tiny.cache_dir))
    return tiny


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """CK+'s layout: six subjects, two classes that brightness tells apart, three frames each."""
    random = np.random.default_rng(2)
    for subject in range(N_SUBJECTS):
        for number, name in enumerate(("happy", "sad")):
            folder = tmp_path / "set" / name
            folder.mkdir(parents=True, exist_ok=True)
            for frame in range(3):
                face = random.integers(100 * number, 100 * number + 156, (48, 48), np.uint8)
                cv2.imwrite(str(folder / f"S{subject:03}_{number:03}_{frame:08}.png"), face)
    return tmp_path / "set"


def told(*more: str) -> str:
    """What the command prints; errors are raised."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(sequence)
    done = CliRunner().invoke(app, [*more, "--model", "tiny"])
    if isinstance(done.exception, MienError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def record_of(text: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(text)
    Draft202012Validator(SCHEMA).validate(record)
    return record


def test_json_alone_on_stdout_and_features_kept_where_asked(small: Settings, data: Path, tmp_path: Path) -> None:
    arguments = ("--data", str(data), "--folds", "3", "--cache", str(tmp_path / "kept"), "--json", "-")
    record = record_of(told(*arguments))
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    assert len(files) == 2 * 2 * N_SUBJECTS and record_of(told(*arguments)) == record
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()} == files
    assert (record["n_sequences"], record["n_subjects"], record["n_folds"]) == (2 * N_SUBJECTS, N_SUBJECTS, 3)
    assert record["layout"] == "ckplus48" and record["classes"] == ["happiness", "sadness"]
    assert len(record["methods"]) == 10 and record["frame_model"].startswith("tiny@")


def test_text_and_picture(small: Settings, data: Path, tmp_path: Path) -> None:
    out = told("--data", str(data), "--folds", "3", "--out", str(tmp_path / "out"), "--json", str(tmp_path / "a.json"))
    assert "12 sequences, 6 subjects, 3 folds" in out and "exponential smoothing" in out and "intervals draw" in out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["confusion.png"]
    record_of((tmp_path / "a.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_network_is_trained_in_each_fold(small: Settings, data: Path, tmp_path: Path) -> None:
    (tmp_path / "least.toml").write_text(RECIPE)
    arguments = ("--data", str(data), "--folds", "2", "--views", "1", "--recipe", str(tmp_path / "least.toml"))
    record = record_of(told(*arguments, "--json", "-"))
    network = record["methods"][-1]
    assert (network["way"], network["baseline"]) == ("least", False) and network["gain"]["value"] <= 1
    assert sum(map(sum, network["confusion"])) == 2 * N_SUBJECTS


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_network_begins_as_a_finished_run(small: Settings, data: Path, tmp_path: Path) -> None:
    train = typer.Typer()
    train.command()(train_sequence)
    (tmp_path / "least.toml").write_text(RECIPE)
    run = ("--recipe", str(tmp_path / "least.toml"), "--out", str(tmp_path / "run"), "--model", "tiny")
    assert (
        CliRunner().invoke(train, ["--data", str(data), "--valid", str(data), *run], catch_exceptions=False).exit_code
        == 0
    )
    arguments = ("--data", str(data), "--folds", "2", "--views", "1", "--recipe", str(tmp_path / "run"))
    network = record_of(told(*arguments, "--json", "-"))["methods"][-1]
    assert network["way"] == "least, from its weights"
    assert sum(map(sum, network["confusion"])) == 2 * N_SUBJECTS
    (data / "happy").rename(data / "calm")
    with pytest.raises(SettingsError, match="does not know the class 'calm'"):
        told(*arguments)


def test_a_recipe_that_stops_early_is_refused(small: Settings, data: Path, tmp_path: Path) -> None:
    (tmp_path / "early.toml").write_text(RECIPE + "patience = 3\n")
    with pytest.raises(SettingsError, match="stops early"):
        told("--data", str(data), "--folds", "2", "--views", "1", "--recipe", str(tmp_path / "early.toml"))


def test_what_cannot_be_is_refused(small: Settings, data: Path) -> None:
    with pytest.raises(SettingsError, match="--folds is"):
        told("--data", str(data), "--folds", "some")
    with pytest.raises(DataError, match="cannot make 7 folds"):
        told("--data", str(data), "--folds", "7")
    with pytest.raises(DataError, match="no split of its own"):
        told("--data", str(data), "--folds", "official")
    with pytest.raises(SettingsError, match="33 views"):
        view_names(33)


def test_the_schema_is_tight(small: Settings, data: Path) -> None:
    """It refuses a field that is lost or added, at every depth."""
    Draft202012Validator.check_schema(SCHEMA)
    record = record_of(told("--data", str(data), "--folds", "2", "--json", "-"))
    method = ("methods", 9)
    for path in ((), method, (*method, "accuracy"), (*method, "gain"), (*method, "by_class", 0)):
        broken = json.loads(json.dumps(record))
        inner = broken
        for key in path:
            inner = inner[key]
        name, value = inner.popitem()
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMA).validate(broken)
        inner |= {name: value, "more": 1}
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMA).validate(broken)
