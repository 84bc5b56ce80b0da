"""The command line as a user at a shell sees it: exit codes, whole lines, one bad file skipped."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.cli.main import COMMANDS, run
from mien.image import encode_image, open_photo
from mien.settings import Settings

MIEN = [sys.executable, "-c", "from mien.cli.main import main; main()"]


@pytest.fixture
def photo(astronaut: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "face.png"
    path.write_bytes(encode_image(astronaut, ".png"))
    return path


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["paint"]) == 2
    assert "no command 'paint'" in capsys.readouterr().err


def test_unknown_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "--colour", "x.png"]) == 2
    assert "--colour" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mien ")


def test_analyze_prints_a_table(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(photo)]) == 0
    out = capsys.readouterr().out
    assert "512 x 512" in out and "1 face" in out and "px between the eyes" in out


def test_the_table_shows_the_apparent_expression(
    tiny: Settings, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tiny.cache_dir))
    options = ["--stages", "expression", "--set", "expression_model=tiny"]
    assert run(["analyze", str(photo), *options, "--set", "min_confidence=0", "--json", "-"]) == 0
    (record,) = lines(capsys.readouterr().out)
    shown = record["faces"][0]["expression"]
    said = f"{shown['label']} {shown['confidence']:.2f}"
    assert run(["analyze", str(photo), *options, "--set", "min_confidence=0"]) == 0
    out = capsys.readouterr().out
    assert "apparent expression" in out and said in out and "unsure" not in out
    assert run(["analyze", str(photo), *options, "--set", "min_confidence=1"]) == 0
    assert f"unsure ({said})" in capsys.readouterr().out
    assert run(["analyze", str(photo), *options, "--set", "expression_classes=fer2013", "--json", "-"]) == 0
    (record,) = lines(capsys.readouterr().out)
    assert record["faces"][0]["expression"]["classes"] == "fer2013"


def test_a_refused_expression_model_is_said_once(
    tiny: Settings, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tiny.cache_dir))
    monkeypatch.setenv("MIEN_EXPRESSION_MODEL", "tiny")
    monkeypatch.setenv("MIEN_POLICY", "commercial")
    assert run(["analyze", str(photo), str(photo), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert [record["faces"][0]["expression"]["status"] for record in lines(said.out)] == ["not_asked"] * 2
    assert said.err.count("No expressions") == 1 and "tiny" in said.err
    assert run(["analyze", str(photo), "--stages", "embed"]) == 0
    assert "No expressions" not in capsys.readouterr().err
    assert run(["analyze", str(photo), "--stages", "expression"]) == 2
    assert "refuses tiny" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        ("min_confidence=2", "'min_confidence'"),
        ("min_confidence", "NAME=VALUE"),
        ("mood=good", "one of: cache_dir"),
        ("expression_classes=rafdb", "ferplus, fer2013"),
        ("profile=bouncer", "'profile'"),
    ],
)
def test_a_setting_that_cannot_be(photo: Path, pair: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(photo), "--set", pair]) == 2
    assert word in capsys.readouterr().err


def test_a_setting_counts_for_the_run(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--stages", "quality", "--json", "-", "--set", "profile=document"]
    assert run(["analyze", str(photo), *options]) == 0
    (record,) = lines(capsys.readouterr().out)
    assert "background_unevenness" in {one["name"] for one in record["faces"][0]["quality"]["measures"]}


def test_help_claims_no_inner_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "--help"]) == 0
    assert "not what the person feels" in " ".join(capsys.readouterr().out.split())


def test_a_hostile_name_is_printed_as_it_is(
    photo: Path, coffee: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    (photo.parent / "a[").mkdir()
    named, empty = photo.parent / "a[" / "]b.png", photo.with_name("[bold]none.png")
    named.write_bytes(photo.read_bytes())
    empty.write_bytes(encode_image(coffee, ".png"))
    assert run(["analyze", str(named), str(empty), "--stages", "detect"]) == 0
    out = capsys.readouterr().out
    assert "a[/]b.png" in out and "[bold]none.png" in out and "no faces" in out


def test_analyze_json_lines(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(photo), "--json", "-"]) == 0
    (record,) = lines(capsys.readouterr().out)
    assert record["schema"] == "mien.analysis/1" and record["source"] == str(photo)
    assert record["faces"][0]["embedding"]["status"] == "ok"


def test_one_bad_file_is_reported_and_skipped(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture at all")
    target = tmp_path / "out.jsonl"
    assert run(["analyze", str(bad), str(photo), str(tmp_path / "absent.png"), "--json", str(target)]) == 1
    broken, good, absent = lines(target.read_text(encoding="utf-8"))
    assert broken["error"]["code"] == "image-format" and absent["error"]["code"] == "image-missing"
    assert len(good["faces"]) == 1
    assert "2 of 3 photos could not be read" in capsys.readouterr().err


def test_folders_patterns_pictures_and_crops(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["--save", str(out), "--crops", str(out / "crops"), "--stages", "detect", "--json", "-"]
    assert run(["analyze", str(tmp_path), str(tmp_path / "*.png"), *arguments]) == 0
    assert [record["source"] for record in lines(capsys.readouterr().out)] == [str(photo)] * 2
    annotated = sorted(out.glob("*.jpg"))
    assert len(annotated) == 2 and open_photo(annotated[0]).width == 512
    crop = open_photo(next(iter((out / "crops").glob("*.png"))))
    assert (crop.width, crop.height) == (112, 112)


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(tmp_path)]) == 2
    assert "no images" in capsys.readouterr().err


def test_standard_input(photo: Path) -> None:
    done = subprocess.run(
        [*MIEN, "analyze", "-", "--json", "-", "--stages", "detect"], input=photo.read_bytes(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert lines(done.stdout.decode())[0]["source"] == "-"


def test_compare_exit_codes(
    photo: Path, tmp_path: Path, coffee: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "coffee.png"
    empty.write_bytes(encode_image(coffee, ".png"))
    assert run(["compare", str(photo), str(photo)]) == 0
    assert capsys.readouterr().out.startswith("match\n")
    assert run(["compare", str(photo), str(empty)]) == 3
    assert "No face was found in the second photo" in capsys.readouterr().out
    assert run(["compare", str(photo), str(tmp_path / "absent.png")]) == 2
    assert "error:" in capsys.readouterr().err
    assert run(["compare", str(photo), str(photo), "--json"]) == 0
    (record,) = lines(capsys.readouterr().out)
    assert record["decision"]["answer"] == "match"
    assert record["first"]["faces"][0]["expression"]["status"] == "not_asked"


def test_demo_says_where_and_what_next(weights: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "astronaut.jpg") in out and "mien analyze" in out and "match" in out
    assert open_photo(tmp_path / "astronaut.jpg").width == 512


def test_doctor(weights: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--seconds", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "self-test: passed" in out and "openvino" in out and "photos a second" in out


def test_doctor_shows_no_password(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it prints goes into bug reports."""
    from mien.cli.doctor import _facts
    from mien.cli.terminal import stdout_console

    for gallery, shown in (
        ("postgresql://anna:hunter2@host/people", "postgresql://..."),
        ("door.gallery", "door.gallery"),
    ):
        stdout_console().print(_facts(Settings(gallery=gallery)))
        out = capsys.readouterr().out
        assert "hunter2" not in out and shown in out


def test_a_closed_pipe_is_no_error(photo: Path) -> None:
    command = shlex.join([*MIEN, "analyze", str(photo), str(photo), "--json", "-"])
    done = subprocess.run(["bash", "-o", "pipefail", "-c", f"{command} | head -c 10"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_leaves_whole_lines(photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    process = subprocess.Popen([*MIEN, "analyze", *[str(photo)] * 400, "--json", str(target)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not target.exists() or target.stat().st_size == 0):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and b"interrupted" in error and b"Traceback" not in error
    text = target.read_text(encoding="utf-8")
    assert text.endswith("\n") and 0 < len(lines(text)) < 400
