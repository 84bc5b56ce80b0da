from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli.weights import BarReporter, PlainReporter, app, reporter
from mien.errors import WeightsArchiveRefused, WeightsCardInvalid, WeightsOffline, WeightsPolicyRefused, WeightsUnknown
from mien.settings import Settings
from mien.weights.catalog import Catalog, keep_card
from mien.weights.store import path_of

CONTENT = b"weights" * 1000


@pytest.fixture
def mien(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Run `mien weights ...`, offline, in a cache of its own; errors are raised, as the main command expects."""
    monkeypatch.setenv("MIEN_CACHE_DIR", str(settings.cache_dir))
    monkeypatch.setenv("MIEN_OFFLINE", "1")

    def run(*arguments: str):
        result = CliRunner().invoke(app, list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def toy(settings: Settings, make_card):
    card = make_card(license="[red]Odd-1.0[/red]")
    keep_card(card, settings)
    path_of(card, settings).parent.mkdir(parents=True)
    path_of(card, settings).write_bytes(CONTENT)
    return card


def test_list_shows_name_licence_state_and_training_data(mien, toy) -> None:
    result = mien("list")
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if line.startswith("toy"))
    assert "[red]Odd-1.0[/red]" in line
    assert "ready" in line
    assert "trained on made up" in result.stdout
    assert "WIDER FACE" in result.stdout


def test_list_as_json_holds_every_card(mien, toy, settings) -> None:
    table = {card["name"]: card for card in json.loads(mien("list", "--json").stdout)}
    assert set(table) == set(Catalog.load(settings).by_name)
    assert table["toy"]["state"] == "ready"
    assert table["toy"]["id"] == toy.id
    assert table["sface"]["state"] == "missing"
    assert table["sface"]["embed"]["dimensions"] == 128


def test_list_by_policy_and_task(mien, settings, make_card) -> None:
    keep_card(make_card("closed", commercial="no"), settings)
    assert "closed" in mien("list").stdout
    assert "closed" not in mien("list", "--policy", "commercial").stdout
    assert {card["task"] for card in json.loads(mien("list", "--json", "--task", "embed").stdout)} == {"embed"}


def test_list_marks_what_the_setting_refuses(mien, settings, make_card, monkeypatch) -> None:
    keep_card(make_card("closed", commercial="no"), settings)
    monkeypatch.setenv("MIEN_POLICY", "commercial")
    assert next(line for line in mien("list").stdout.splitlines() if line.startswith("closed")).count("refused") == 1
    with pytest.raises(WeightsPolicyRefused):
        mien("pull", "closed")


def test_pull_prints_where_the_file_lies(mien, toy, settings) -> None:
    assert str(path_of(toy, settings)) in mien("pull", "toy").stdout.replace("\n", "")


def test_pull_offline_and_unknown_raise(mien) -> None:
    with pytest.raises(WeightsOffline):
        mien("pull", "sface")
    with pytest.raises(WeightsUnknown):
        mien("pull", "sfase")


def test_verify_says_by_its_exit_code_what_it_found(mien, toy, settings) -> None:
    assert mien("verify", "toy").exit_code == 0
    path_of(toy, settings).write_bytes(CONTENT[::-1])
    result = mien("verify", "toy")
    assert result.exit_code == 1
    assert result.stdout.split() == ["wrong", "toy"]
    path_of(toy, settings).unlink()
    assert mien("verify", "toy").exit_code == 1
    everything = mien("verify")
    assert everything.exit_code == 1
    assert "mien weights pull" in everything.stderr
    assert "missing sface" in everything.stdout


def test_pack_then_add_on_another_machine(mien, toy, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "out.mienpack"
    assert "SHA-256" in mien("pack", "toy", "--out", str(out)).stdout
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "other"))
    assert "toy" in mien("add", str(out)).stdout
    assert mien("verify", "toy").exit_code == 0


def test_add_of_what_is_neither_pack_nor_onnx(mien, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("hello, I am neither of them")
    with pytest.raises(WeightsArchiveRefused):
        mien("add", str(path))


def test_add_an_own_embedder(mien, tmp_path: Path, settings) -> None:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 16])
    got = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "m"], ["y"])]
    matrix = numpy_helper.from_array(np.linspace(1, 2, 3072, dtype=np.float32).reshape(768, 4), "m")
    model = helper.make_model(
        helper.make_graph(nodes, "g", [given], [got], [matrix]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    words = ["--license", "MIT", "--commercial", "no", "--training-data", "nothing", "--mean", "0", "--scale", "1"]
    result = mien("add", str(path), "--task", "embed", "--name", "mine", *words, "--color", "bgr")
    card = Catalog.load(settings).card("mine")
    assert card.id in result.stdout
    assert (card.commercial, card.training_data) == ("no", "nothing")
    assert card.embed is not None
    assert (card.embed.size, card.embed.mean, card.embed.scale, card.embed.color) == (16, 0.0, 1.0, "bgr")


@pytest.mark.parametrize(
    ("words", "told"), [(["--task", "detect", "--license", "MIT"], "detect"), (["--task", "embed"], "licence")]
)
def test_add_says_what_is_missing(mien, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(WeightsCardInvalid, match=told):
        mien("add", str(tmp_path / "net.onnx"), *words)


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys, monkeypatch) -> None:
    plain = reporter()
    assert isinstance(plain, PlainReporter)
    plain.begin("Fetching 5 MB.", 5_000_000)
    plain.advance(1000)
    plain.end()
    plain.note("Done.")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Fetching 5 MB.\nDone.\n"


def test_on_a_terminal_there_is_a_bar_on_stderr(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    bar = reporter()
    assert isinstance(bar, BarReporter)
    bar.note("First use of [toy].")
    bar.begin("Fetching 5 MB.", 5_000_000)
    bar.advance(2_500_000)
    bar.end()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "First use of [toy]." in captured.err
    assert "2.5/5.0 MB" in captured.err
