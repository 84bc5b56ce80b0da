"""From a run to what mien serves; nothing is written where Keras and the engine disagree."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from mien.dataset.faces import FaceSet
from mien.errors import EngineError, ExtraMissing, RecipeError, SettingsError
from mien.expression.model_file import open_expression
from mien.expression.temperature import softmax
from mien.settings import Settings

Splits = tuple[FaceSet, FaceSet]


@pytest.fixture(scope="session")
def exported(run: Path, splits: Splits, settings: Settings, keras: Any) -> Path:
    """The run as ONNX, its card beside it."""
    if keras.backend.backend() != "tensorflow" or not importlib.util.find_spec("tf2onnx"):
        pytest.skip("export needs TensorFlow and tf2onnx")
    from mien.train.export import About, export_expression

    about = About("tiny-trained", "MIT", "no", "made-up faces")
    export_expression(run, run.parent / "tiny.onnx", about, splits[1], settings)
    return run.parent / "tiny.onnx"


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_engines_say_what_keras_says(
    exported: Path, run: Path, splits: Splits, settings: Settings, engine: str
) -> None:
    if engine == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    from mien.train.fit import predict
    from mien.train.run import read_run

    model, result = read_run(run)
    expected = predict(model, splits[1].faces, 24)
    served = open_expression(str(exported), settings.model_copy(update={"engine": engine}))
    probabilities = served.probabilities(splits[1].faces)
    for head, vocabulary in result.vocabularies.items():
        by_keras = softmax(expected[head], result.temperatures[head])
        np.testing.assert_allclose(probabilities[vocabulary], by_keras, atol=1e-4)
    assert served.features(splits[1].faces).shape == (24, 8)


def test_the_card_says_what_it_is(exported: Path, run: Path) -> None:
    card = json.loads(exported.with_suffix(".json").read_text())
    result = json.loads((run / "result.json").read_text())
    assert (card["name"], card["license"], card["commercial"]) == ("tiny-trained", "MIT", "no")
    assert [head["vocabulary"] for head in card["expression"]["heads"]] == ["ferplus", "fer2013"]
    assert card["expression"]["heads"][1]["temperature"] == result["temperatures"]["label"]
    assert card["expression"]["size"] == 24 and card["bytes"] == exported.stat().st_size
    assert f"fer2013 {result['accuracy']['label']:.4f}" in card["reported"]


def test_the_same_run_gives_the_same_weights(
    exported: Path, run: Path, splits: Splits, settings: Settings, tmp_path: Path
) -> None:
    """Bytes may differ: tf2onnx leaves a Reshape in or not, by chance."""
    from mien.train.export import About, export_expression

    again = tmp_path / "again.onnx"
    export_expression(run, again, About("tiny-trained"), splits[1], settings)
    first, second = (
        sorted(item.raw_data for item in onnx.load(file).graph.initializer if item.data_type != onnx.TensorProto.INT64)
        for file in (exported, again)
    )
    assert first == second


def test_tampered_weights_are_not_exported(
    exported: Path, run: Path, splits: Splits, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bias moved by 0.01, between Keras and the engine."""
    from mien.train import export

    honest = export.compact_onnx

    def tampered(model: Any) -> bytes:
        graph = onnx.load_from_string(honest(model))
        bias = next(item for item in graph.graph.initializer if list(item.dims) == [7])
        values = onnx.numpy_helper.to_array(bias) + np.eye(7, dtype=np.float32)[0] * 0.01
        bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
        return bytes(graph.SerializeToString())

    monkeypatch.setattr(export, "compact_onnx", tampered)
    with pytest.raises(EngineError, match=r"differ by .* in fer2013"):
        export.export_expression(run, tmp_path / "bad.onnx", export.About("bad"), splits[1], settings)
    assert list(tmp_path.iterdir()) == []


def test_a_larger_network_scales_the_faces_itself(
    exported: Path, splits: Splits, settings: Settings, recipe_file: Path, silent: Any, tmp_path: Path
) -> None:
    """Its card takes the faces as they are in the set."""
    from mien.train.export import About, export_expression
    from mien.train.prior import Prior
    from mien.train.recipe import parse_recipe
    from mien.train.run import train_expression

    text = recipe_file.read_text().replace("seed-cnn", "vgg").replace("epochs = 4", "epochs = 1")
    text = text.replace("input_size = 24", "input_size = 36")
    train_expression(*splits, parse_recipe(text, "here"), tmp_path / "run", Prior(settings), silent)
    card = export_expression(tmp_path / "run", tmp_path / "large.onnx", About("large"), splits[1], settings)
    assert card.expression and card.expression.size == 24


def test_what_no_card_can_say(exported: Path, run: Path, splits: Splits, settings: Settings, tmp_path: Path) -> None:
    from mien.train.export import About, export_expression

    with pytest.raises(SettingsError, match="'name'") as error:
        export_expression(run, tmp_path / "a.onnx", About("Mine"), splits[1], settings)
    assert "--name" in error.value.cure


def test_no_finished_run(run: Path, splits: Splits, settings: Settings, tmp_path: Path) -> None:
    from mien.train.run import read_run

    shutil.copy(run / "checkpoint.npz", tmp_path)
    with pytest.raises(RecipeError, match="no finished run"):
        read_run(tmp_path)
    shutil.copy(run / "result.json", tmp_path)
    (tmp_path / "model.keras").write_bytes((run / "model.keras").read_bytes()[:999])
    with pytest.raises(RecipeError, match="cannot be read"):
        read_run(tmp_path)


def test_another_backend_is_told_what_to_do(
    run: Path, splits: Splits, settings: Settings, keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train.export import About, export_expression

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(EngineError, match="needs TensorFlow") as error:
        export_expression(run, tmp_path / "a.onnx", About("a"), splits[1], settings)
    assert "KERAS_BACKEND=tensorflow" in error.value.cure


def test_without_tf2onnx(
    exported: Path, run: Path, splits: Splits, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train import export

    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match="tf2onnx"):
        export.export_expression(run, tmp_path / "a.onnx", export.About("a"), splits[1], settings)
