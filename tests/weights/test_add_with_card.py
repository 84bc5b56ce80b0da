"""A model of the user's own with its whole card: any task, checked before anything is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mien.cli.weights import app
from mien.errors import EngineError, MienError, WeightsCardInvalid, WeightsHashMismatch
from mien.expression.frame import FrameExpression
from mien.settings import Settings
from mien.weights.catalog import Catalog, cards_dir
from mien.weights.own import add_with_card
from mien.weights.pack import install_pack, pack
from mien.weights.store import weights_dir
from tiny_expression import HEADS, card_table, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "trained.onnx")


def written(model: Path, **over: Any) -> Path:
    """The card beside the model, as `mien train` leaves it."""
    path = model.with_suffix(".json")
    path.write_text(json.dumps(card_table(model) | over), encoding="utf-8")
    return path


def spec(model: Path, **over: Any) -> dict[str, Any]:
    return {"expression": card_table(model)["expression"] | over}


def nothing_left(settings: Settings) -> None:
    assert not cards_dir(settings).exists()
    assert not weights_dir(settings).exists() or {p.name for p in weights_dir(settings).iterdir()} <= {".lock"}


def test_an_expression_model_is_a_card_like_others(model: Path, settings: Settings) -> None:
    card = add_with_card(model, written(model, sources=[{"https": "https://example.org/x.onnx"}]), settings)
    assert Catalog.load(settings).card("tiny") == card
    assert card.sources == () and card in Catalog.load(settings).cards("expression")
    model.unlink()
    offline = settings.model_copy(update={"offline": True})
    assert FrameExpression(card, offline).model == card.id


def test_another_name_than_the_cards(model: Path, settings: Settings) -> None:
    card = add_with_card(model, written(model, name="sface", file="sface.onnx"), settings, name="mine")
    assert (card.name, card.file) == ("mine", "mine.onnx")
    assert (weights_dir(settings) / "mine.onnx").read_bytes() == model.read_bytes()


def test_the_words_of_a_card_may_be_mended_but_not_its_meaning(model: Path, settings: Settings) -> None:
    add_with_card(model, written(model), settings)
    add_with_card(model, written(model, license="MIT"), settings)
    assert Catalog.load(settings).card("tiny").license == "MIT"
    turned = [HEADS[0] | {"classes": HEADS[0]["classes"][::-1]}, HEADS[1]]
    with pytest.raises(WeightsCardInvalid, match="taken"):
        add_with_card(model, written(model, **spec(model, heads=turned)), settings)


@pytest.mark.parametrize(
    ("over", "error", "word"),
    [
        ({"name": "sface"}, WeightsCardInvalid, "taken"),
        ({"name": "../evil"}, WeightsCardInvalid, "name"),
        ({"sha256": "0" * 64}, WeightsHashMismatch, "SHA-256"),
        ({"bytes": 17}, WeightsHashMismatch, "17"),
        ({"expression": None}, WeightsCardInvalid, "expression"),
        ({"task": "embed"}, WeightsCardInvalid, "embed"),
        ({"license": ""}, WeightsCardInvalid, "license"),
        ({"heads": [HEADS[0] | {"output": "logits"}]}, WeightsCardInvalid, "'logits'"),
        ({"heads": [HEADS[0] | {"classes": ["a", "b"]}]}, WeightsCardInvalid, r"\(N, 2\)"),
        ({"features": "embedding"}, WeightsCardInvalid, "'embedding'"),
        ({"size": 32}, EngineError, "trained|tiny"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    model: Path, settings: Settings, over: dict[str, Any], error: type[MienError], word: str
) -> None:
    if set(over) <= {"heads", "features", "size"}:
        over = spec(model, **over)
    with pytest.raises(error, match=word):
        add_with_card(model, written(model, **over), settings)
    nothing_left(settings)


def test_a_model_whose_values_are_not_finite(tmp_path: Path, settings: Settings) -> None:
    model = write_model(tmp_path / "spoilt.onnx", spoil=float("nan"))
    with pytest.raises(WeightsCardInvalid, match="not finite"):
        add_with_card(model, written(model), settings)
    nothing_left(settings)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "mine"}'])
def test_what_is_no_card(model: Path, settings: Settings, text: str) -> None:
    card = model.with_suffix(".json")
    card.write_text(text, encoding="utf-8")
    with pytest.raises(WeightsCardInvalid):
        add_with_card(model, card, settings)
    nothing_left(settings)


def test_files_that_are_not_there(model: Path, tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(WeightsCardInvalid, match="no file"):
        add_with_card(tmp_path / "none.onnx", written(model), settings)
    with pytest.raises(WeightsCardInvalid, match="cannot be read"):
        add_with_card(model, tmp_path / "none.json", settings)


def test_an_embedder_with_its_whole_card_is_tried_too(model: Path, settings: Settings) -> None:
    embed = {"size": 48, "mean": 0, "scale": 1, "color": "rgb", "dimensions": 8, "layout": "nhwc"}
    with pytest.raises(MienError):  # the model takes one channel, an embedder three
        add_with_card(model, written(model, task="embed", embed=embed, expression=None), settings)
    nothing_left(settings)


def test_it_travels_in_a_pack(model: Path, settings: Settings, tmp_path: Path) -> None:
    add_with_card(model, written(model), settings)
    pack(["tiny"], tmp_path / "one.mienpack", settings)
    other = settings.model_copy(update={"cache_dir": tmp_path / "other"})
    (card,) = install_pack(tmp_path / "one.mienpack", other)
    assert FrameExpression(card, other).spec == Catalog.load(settings).card("tiny").expression


def test_the_command(model: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(settings.cache_dir))
    done = CliRunner().invoke(app, ["add", str(model), "--card", str(written(model)), "--name", "mine"])
    assert done.exit_code == 0 and "Task expression" in done.stdout
    assert Catalog.load(settings).card("mine").id in done.stdout
    refused = CliRunner().invoke(app, ["add", str(model), "--task", "expression"])
    assert isinstance(refused.exception, WeightsCardInvalid) and "--card" in str(refused.exception)
