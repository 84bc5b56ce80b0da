"""Look into an ONNX file before it is trusted: is it whole, is it one file, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import WeightsCardInvalid

if TYPE_CHECKING:
    import onnx

_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class ImageInput:
    """The image input of a graph. size: side of the square crop in pixels, None where the graph leaves it free."""

    layout: str
    size: int | None


def check_onnx(path: Path) -> onnx.ModelProto:
    """Load an ONNX file and run the checker of the onnx package over it.

    Raises WeightsCardInvalid where it is above 2 GB, not ONNX, malformed, or keeps data in other files.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    if path.stat().st_size > _MAX_BYTES:
        raise WeightsCardInvalid(f"{path.name} has more than 2 GB.", "Export it with smaller weights, such as float16.")
    try:
        model = onnx.load(path, load_external_data=False)
        outside = any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model))
        if not outside:
            onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsCardInvalid(f"{path.name} is not a valid ONNX model: {reason}", "Export it anew.") from error
    if outside:
        raise WeightsCardInvalid(
            f"{path.name} keeps some of its data in other files.", "Save it as one file, without external data."
        )
    return model


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor that could lie outside: of the graph, of its functions, of the graphs inside nodes."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from _graph_tensors(graph)


def image_input(model: onnx.ModelProto, name: str) -> ImageInput:
    """The layout and size that the graph asks for: one float32 image of three channels.

    name: of the file, for messages. Raises WeightsCardInvalid where the graph takes anything else.
    """
    import onnx

    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    kind = inputs[0].type.tensor_type if len(inputs) == 1 else None
    if kind is None or kind.elem_type != onnx.TensorProto.FLOAT or len(kind.shape.dim) != 4:
        raise WeightsCardInvalid(
            f"{name} does not take one batch of float32 images.", "An embedder has one input of shape (N, 3, S, S)."
        )
    shape = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in kind.shape.dim]
    layout = "nhwc" if shape[3] == 3 and shape[1] != 3 else "nchw"
    channels, height, width = shape[1:] if layout == "nchw" else (shape[3], *shape[1:3])
    if channels not in (3, None) or (height and width and height != width):
        raise WeightsCardInvalid(
            f"{name} takes images of shape {tuple(shape)}.", "An embedder takes square crops of three channels."
        )
    return ImageInput(layout, height or width)
