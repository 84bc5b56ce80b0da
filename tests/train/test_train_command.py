"""`mien train` as a user meets it: killed and resumed, stopped by Ctrl-C, without the extra, up to a served model."""

from __future__ import annotations

import csv
import importlib.util
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from mien.cli.main import run as mien
from mien.errors import ExtraMissing
from mien.train.backend import prepare_keras, versions


def curve(folder: Path) -> list[dict[str, str]]:
    """Without the times."""
    with (folder / "curve.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if "seconds" not in key} for row in csv.DictReader(file)]


def wait_for(process: Any, text: str) -> None:
    """Until a line of stderr has it; what was there before is in the message where it never comes."""
    seen = []
    for line in process.stderr:
        seen.append(line)
        if text in line:
            return
    raise AssertionError("".join(seen))


def test_killed_and_started_again_it_draws_the_same_curve(
    run: Path, made_up: Path, recipe_file: Path, command: Any, tmp_path: Path
) -> None:
    arguments = ("train", "expression", "--data", made_up, "--recipe", recipe_file, "--out", tmp_path / "run")
    first = command(*arguments)
    wait_for(first, "epoch   2")
    first.kill()
    first.communicate()
    assert first.returncode != 0 and not (tmp_path / "run" / "result.json").exists()
    again = command(*arguments)
    out, err = again.communicate()
    assert again.returncode == 0, err
    assert [line.split()[1] for line in err.splitlines()] == ["1", "2", "3", "4"], "one line an epoch, nothing else"
    assert "fer2013: " in out and "mien train export" in out
    for one, two in zip(curve(run), curve(tmp_path / "run"), strict=True):
        assert {key: float(value) for key, value in one.items()} == pytest.approx(
            {key: float(value) for key, value in two.items()}, abs=1e-5
        )


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal to a child process there")
def test_ctrl_c_says_how_to_go_on(keras: Any, made_up: Path, recipe_file: Path, command: Any, tmp_path: Path) -> None:
    process = command(
        "train", "expression", "--data", made_up, "--recipe", recipe_file, "--out", tmp_path, "--epochs", 5000
    )
    wait_for(process, "epoch   1")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "The same command goes on" in err and "Traceback" not in err


def test_a_trained_model_is_exported_measured_and_added(
    run: Path,
    made_up: Path,
    recipe_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not importlib.util.find_spec("tf2onnx"):
        pytest.skip("tf2onnx is not installed")
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    file = tmp_path / "mine.onnx"
    export = ["train", "export", str(run), "--data", str(made_up), "--to", str(file)]
    assert mien([*export, "--license", "MIT", "--commercial", "no", "--training-data", "made up"]) == 0
    assert f"mien weights add {file}" in capsys.readouterr().out
    assert mien(["weights", "add", str(file), "--card", str(file.with_suffix(".json"))]) == 0
    capsys.readouterr()
    assert mien(["evaluate", "expression", "--data", str(made_up), "--split", "valid", "--model", str(file)]) == 0
    assert "fer2013" in capsys.readouterr().out
    learn = ["train", "expression", "--data", str(made_up), "--recipe", str(recipe_file), "--epochs", "1"]
    learn += ["--start", str(run), "--teacher", str(file), "--out", str(tmp_path / "pupil")]
    assert mien(learn) == 0
    assert "Asking" in capsys.readouterr().err
    data = json.loads((tmp_path / "pupil" / "result.json").read_text())["data"]
    assert len(data["start"]) == 64 and data["teacher"].startswith("mine")


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert mien(["train", "recipes"]) == 0
    out = capsys.readouterr().out
    assert "seed-cnn" in out and "transfer" in out


@pytest.mark.parametrize(
    ("arguments", "code", "cure"),
    [
        (["expression", "--recipe", "none"], "no recipe", "Name a TOML file"),
        (["expression", "--data", "nowhere"], "no 'nowhere'", "Check the name"),
        (["expression", "--unlabelled", "photos"], "somebody who names them", "Give --teacher too"),
        (["expression", "--teacher", "nobody"], "nobody", "mien weights list"),
        (["expression", "--start", "nowhere"], "cannot be read", "Train it again"),
        (["export", "nothing", "--to", "a.onnx"], "no finished run", "mien train expression"),
        (["export", "nothing", "--to", "a.pb"], "does not end in .onnx", "Name it so"),
    ],
)
def test_errors_name_their_cure(
    arguments: list[str], code: str, cure: str, keras: Any, made_up: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--data" not in arguments:
        arguments = [*arguments, "--data", str(made_up)]
    if arguments[0] == "expression":
        arguments = [*arguments, "--out", "never-made"]
    assert mien(["train", *arguments]) == 2
    err = capsys.readouterr().err
    assert code in err and cure in err
    assert not Path("never-made").exists()


def test_without_keras_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    with pytest.raises(ExtraMissing, match="needs Keras and tensorflow") as error:
        prepare_keras()
    assert "mien[train]" in error.value.cure or sys.version_info >= (3, 14)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ExtraMissing) as error:
        prepare_keras()
    assert error.value.cure == "Install it: pip install jax."


def test_versions_name_what_a_result_depends_on() -> None:
    assert {"python", "machine", "numpy", "mien"} <= set(versions())
