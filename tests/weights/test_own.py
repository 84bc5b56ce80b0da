from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.errors import WeightsCardInvalid, WeightsError
from mien.settings import Settings
from mien.weights.catalog import Catalog, cards_dir
from mien.weights.fetch import ensure
from mien.weights.own import OwnEmbedder, add_embedder
from mien.weights.store import weights_dir

ABOUT = OwnEmbedder(name="mine", license="MIT", commercial="yes")


def embedder(path: Path, shape: list[Any], dimensions: int = 8, **over: Any) -> Path:
    """A tiny embedder: mean over the pixels of each channel, times a matrix."""
    axes = [1, 2] if shape[3] == 3 and shape[1] != 3 else [2, 3]
    matrix = numpy_helper.from_array(np.ones((3, dimensions), np.float32), "matrix")
    nodes = [
        helper.make_node("ReduceMean", ["crop", "axes"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "matrix"], ["embedding"]),
    ]
    given = helper.make_tensor_value_info("crop", over.get("kind", TensorProto.FLOAT), shape)
    got = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dimensions])
    weights = [matrix, numpy_helper.from_array(np.array(axes, np.int64), "axes")]
    graph = helper.make_graph(nodes, "embedder", [given, *over.get("inputs", [])], [got], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("shape", "said", "size", "layout"),
    [
        (["n", 3, 112, 112], None, 112, "nchw"),
        ([1, 3, 96, 96], None, 96, "nchw"),
        (["n", 160, 160, 3], None, 160, "nhwc"),
        (["n", 3, "h", "w"], 112, 112, "nchw"),
        (["n", "h", "w", 3], 64, 64, "nhwc"),
    ],
)
def test_the_graph_tells_size_layout_and_dimensions(
    tmp_path: Path, settings: Settings, shape: list[Any], said: int | None, size: int, layout: str
) -> None:
    path = embedder(tmp_path / "net.onnx", shape, dimensions=24)
    card = add_embedder(path, OwnEmbedder("mine", "MIT", "yes", size=said, color="bgr"), settings)
    assert card.embed is not None
    assert (card.embed.size, card.embed.layout, card.embed.dimensions) == (size, layout, 24)
    assert card.embed.color == "bgr"
    assert card.embed.calibration is None


def test_an_added_embedder_is_a_card_like_others(tmp_path: Path, settings: Settings) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    card = add_embedder(path, ABOUT, settings)
    offline = settings.model_copy(update={"offline": True})
    assert Catalog.load(offline).card("mine") == card
    assert card in Catalog.load(offline).cards("embed", "commercial")
    assert ensure("mine", offline).read_bytes() == path.read_bytes()
    path.unlink()
    assert ensure("mine", offline).is_file()


def test_what_the_card_says_may_be_mended_but_not_the_preprocessing(tmp_path: Path, settings: Settings) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    add_embedder(path, ABOUT, settings)
    add_embedder(path, OwnEmbedder("mine", "CC-BY-NC-4.0", "no"), settings)
    assert Catalog.load(settings).card("mine").license == "CC-BY-NC-4.0"
    with pytest.raises(WeightsCardInvalid, match="taken"):
        add_embedder(path, OwnEmbedder("mine", "MIT", "yes", mean=0.0), settings)


@pytest.mark.parametrize(
    ("about", "word"),
    [
        (OwnEmbedder("sface", "MIT", "yes"), "taken"),
        (OwnEmbedder("../evil", "MIT", "yes"), "name"),
        (OwnEmbedder("mine", "", "yes"), "license"),
        (OwnEmbedder("mine", "MIT", "perhaps"), "commercial"),
        (OwnEmbedder("mine", "MIT", "yes", size=96), "112"),
        (OwnEmbedder("mine", "MIT", "yes", scale=0.0), "scale"),
        (OwnEmbedder("mine", "MIT", "yes", color="grey"), "color"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    tmp_path: Path, settings: Settings, about: OwnEmbedder, word: str
) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    with pytest.raises(WeightsCardInvalid, match=word):
        add_embedder(path, about, settings)
    _nothing_left(settings)


def _nothing_left(settings: Settings) -> None:
    assert not cards_dir(settings).exists()
    assert not weights_dir(settings).exists() or {p.name for p in weights_dir(settings).iterdir()} <= {".lock"}


@pytest.mark.parametrize(
    ("shape", "over", "word"),
    [
        (["n", 3, "h", "w"], {}, "--size"),
        (["n", 1, 112, 112], {}, "three channels"),
        (["n", 3, 112, 96], {}, "square"),
        (["n", 3, 112, 112], {"kind": TensorProto.FLOAT16}, "float32"),
        (
            ["n", 3, 112, 112],
            {"inputs": [helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 3, 112, 112])]},
            "one input",
        ),
    ],
)
def test_a_graph_that_takes_no_square_colour_crop(
    tmp_path: Path, settings: Settings, shape: list[Any], over: dict[str, Any], word: str
) -> None:
    path = embedder(tmp_path / "net.onnx", shape, **over)
    with pytest.raises(WeightsCardInvalid) as caught:
        add_embedder(path, ABOUT, settings)
    assert word in str(caught.value)
    _nothing_left(settings)


def test_a_model_that_gives_no_vector(tmp_path: Path, settings: Settings) -> None:
    given = helper.make_tensor_value_info("crop", TensorProto.FLOAT, ["n", 3, 112, 112])
    got = helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 3, 112, 112])
    graph = helper.make_graph([helper.make_node("Relu", ["crop"], ["map"])], "g", [given], [got])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    with pytest.raises(WeightsCardInvalid, match="no embedding"):
        add_embedder(path, ABOUT, settings)
    _nothing_left(settings)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04N.", b"TFL3" * 10])
def test_what_is_no_onnx(tmp_path: Path, settings: Settings, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsCardInvalid, match="ONNX"):
        add_embedder(path, ABOUT, settings)
    _nothing_left(settings)


def test_a_truncated_onnx(tmp_path: Path, settings: Settings) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(WeightsError):
        add_embedder(path, ABOUT, settings)
    _nothing_left(settings)


def test_data_in_other_files_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="beside.data", size_threshold=0)
    with pytest.raises(WeightsCardInvalid, match="other files"):
        add_embedder(path, ABOUT, settings)
    _nothing_left(settings)


def test_data_in_other_files_is_found_inside_a_nodes_graph(tmp_path: Path, settings: Settings) -> None:
    path = embedder(tmp_path / "net.onnx", ["n", 3, 112, 112])
    model = onnx.load(path)
    hidden = TensorProto(name="hidden", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    hidden.external_data.add(key="location", value="/etc/passwd")
    inner = helper.make_graph([], "inner", [], [], [hidden])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsCardInvalid, match="other files"):
        add_embedder(path, ABOUT, settings)


def test_a_file_that_is_not_there(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(WeightsCardInvalid, match="no file"):
        add_embedder(tmp_path / "none.onnx", ABOUT, settings)


def test_a_file_above_the_limit(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.weights.graph._MAX_BYTES", 10)
    with pytest.raises(WeightsCardInvalid, match="2 GB"):
        add_embedder(embedder(tmp_path / "net.onnx", ["n", 3, 112, 112]), ABOUT, settings)
    _nothing_left(settings)
