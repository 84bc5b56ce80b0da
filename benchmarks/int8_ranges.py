"""Measure what the 1x1 convolutions of a network take in: the `int8_ranges` of its card.

    python benchmarks/int8_ranges.py FOLDER [--card sface] [--photos 300]

FOLDER, for an embedder: photos of faces, searched in depth, of as many people and cameras as one can get (mien's own
ranges come from every 23rd photo of FairFace's training split). For an expression model: labelled faces, of whose split
`train` some are taken. The range of a tensor is the one that rounds its values, among a few
quantiles as limits, to 255 steps with the least squared error. Prints a line for the card.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import openvino
from onnx import helper, numpy_helper
from rich.progress import track

from mien.align.view import FaceView
from mien.dataset.read import read_faces
from mien.detect.search import FaceDetector
from mien.engine.int8 import LEVELS
from mien.engine.plain import plain_onnx
from mien.image import open_photo
from mien.settings import Settings, load_settings
from mien.weights.card import ExpressionSpec
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure

SUFFIXES = {".jpg", ".jpeg", ".png"}
SAMPLES = 2000
LOW = (0.0, 1e-5, 1e-4, 1e-3, 3e-3)


def crops(folder: Path, photos: int, settings: Settings) -> list[np.ndarray]:
    """(1, 3, 112, 112) float32 RGB of the largest face in each of `photos` photos, evenly spread over the folder."""
    detect = FaceDetector(settings)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise SystemExit(f"No photos in {folder}.")
    found = []
    for path in track(paths[:: max(1, len(paths) // photos)][:photos], "aligning"):
        photo = open_photo(path)
        faces = detect(photo)
        if faces:
            found.append(FaceView(photo, faces[0]).aligned.transpose(2, 0, 1)[None].astype(np.float32))
    return found


def labelled_faces(folder: Path, faces: int, spec: ExpressionSpec) -> list[np.ndarray]:
    """(1, S, S, 1) float32, as the network takes them, of `faces` faces, evenly spread over the split."""
    found = read_faces(folder, "train", spec.size).faces
    chosen = found[:: max(1, len(found) // faces)][:faces].astype(np.float32)
    return list(((chosen - spec.mean) * spec.scale)[:, None, :, :, None])


def with_inputs_as_outputs(data: bytes) -> tuple[bytes, list[str]]:
    """The model, and the names of its 1x1 convolutions' inputs, which it gives as outputs too."""
    model = onnx.load_from_string(data)
    shapes = {item.name: numpy_helper.to_array(item).shape for item in model.graph.initializer}
    names = [
        node.input[0]
        for node in model.graph.node
        if node.op_type == "Conv"
        and shapes[node.input[1]][2:] == (1, 1)
        and all(item.i == 1 for item in node.attribute if item.name == "group")
    ]
    model.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    return model.SerializeToString(), names


def best_range(values: np.ndarray) -> tuple[float, float]:
    """The limits with the least squared error of rounding to 255 steps."""
    lows, highs = np.quantile(values, LOW), np.quantile(values, [1 - share for share in LOW])

    def error(limits: tuple[float, float]) -> float:
        low, high = min(limits[0], 0.0), max(limits[1], 0.0)
        step = (high - low) / LEVELS
        return float(np.mean((np.clip(np.round((values - low) / step), 0, LEVELS) * step + low - values) ** 2))

    return min(product(lows, highs), key=error)


def main() -> None:
    """Print the ranges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--card", default="sface", help="an embedder of 112 x 112 RGB of 0..255, or an expression model"
    )
    parser.add_argument("--photos", type=int, default=300)
    arguments = parser.parse_args()
    settings = load_settings()
    card = Catalog.load(settings).card(arguments.card)
    data, names = with_inputs_as_outputs(plain_onnx(ensure(card, settings).read_bytes()))
    request = openvino.compile_model(
        openvino.Core().read_model(data, b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    ).create_infer_request()
    rng = np.random.default_rng(0)
    values: list[list[np.ndarray]] = [[] for _ in names]
    if card.expression:
        inputs = labelled_faces(arguments.folder, arguments.photos, card.expression)
    else:
        inputs = crops(arguments.folder, arguments.photos, settings)
    for crop in track(inputs, "measuring"):
        request.infer({0: crop})
        first = len(request.model_outputs) - len(names)
        for index, kept in enumerate(values):
            kept.append(rng.choice(request.get_output_tensor(first + index).data.reshape(-1), SAMPLES))
    ranges = [best_range(np.concatenate(kept).astype(np.float64)) for kept in values]
    print("int8_ranges = [" + ", ".join(f"[{low:.2f}, {high:.2f}]" for low, high in ranges) + "]")


if __name__ == "__main__":
    main()
