"""From a finished run to what mien serves: an ONNX file and its card, checked against Keras on real faces."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras
import numpy as np
import onnx

from mien.dataset.faces import FaceSet
from mien.errors import EngineError, ExtraMissing, SettingsError, WeightsCardInvalid
from mien.expression.frame import FrameExpression
from mien.expression.policy import ExpressionPolicy
from mien.expression.temperature import softmax
from mien.face import Pixels
from mien.settings import Settings
from mien.train.batches import MEAN, SCALE
from mien.train.compact import compact_onnx
from mien.train.fit import predict
from mien.train.model.heads import FEATURES, with_features
from mien.train.run import RunResult, read_run
from mien.weights.card import Card, parse_card

# Keras and the engine may differ by so much in any probability.
TOLERANCE: Final = 1e-4
CHECKED_FACES: Final = 1000
# Mean places of the detector's five points in FER2013's training faces, as shares of the side: right eye, left eye,
# nose tip, right and left corner of the mouth. `benchmarks/face_points.py` measures them.
FER2013_POINTS: Final = ((0.33, 0.38), (0.67, 0.38), (0.5, 0.588), (0.3625, 0.749), (0.6375, 0.749))


@dataclass(frozen=True, slots=True)
class About:
    """What the card shall say of the model; the terms of the data decide what may be done with it."""

    name: str
    license: str = "Apache-2.0"
    commercial: str = "unclear"
    training_data: str = "not stated"
    origin: str = "trained with mien"


def export_expression(run: Path, file: Path, about: About, faces: FaceSet, settings: Settings) -> Card:
    """Write FILE.onnx and FILE.json, its card; returns the card. Nothing is written where the check fails.

    faces: the first thousand of them are given to Keras and to the engine, whose probabilities must agree to 1e-4.
    Any backend's run is exported on TensorFlow. Raises RecipeError where `run` holds no finished run, EngineError on
    another backend or where Keras and the engine disagree, ExtraMissing without tf2onnx, SettingsError for what no card
    can say.
    """
    if (backend := keras.backend.backend()) != "tensorflow":
        raise EngineError(f"Export needs TensorFlow, and Keras runs on {backend}.", "Set KERAS_BACKEND=tensorflow.")
    model, result = read_run(run)
    try:
        _card(about, b"?", result)
    except WeightsCardInvalid as error:
        raise SettingsError(error.cause, "Say it otherwise: --name, --license, --training-data.") from error
    whole = _with_preprocessing(with_features(model), result)
    data = _onnx(whole, result)
    card = _card(about, data, result)
    with TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
        alone = settings.model_copy(update={"cache_dir": Path(folder)})
        staged = alone.cache_dir / "weights" / card.file
        staged.parent.mkdir()
        staged.write_bytes(data)
        policy = ExpressionPolicy(classes=next(iter(result.vocabularies.values())))
        _check(whole, FrameExpression(card, alone, policy, fast=True), faces.faces[:CHECKED_FACES], result)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    file.with_suffix(".json").write_text(json.dumps(card.to_dict(), indent=1) + "\n", encoding="utf-8")
    return card


def _with_preprocessing(model: keras.Model, result: RunResult) -> keras.Model:
    """Takes faces of the set's own size; scaling them up, where the model wants that, is the model's affair."""
    size = result.trained_by.model.input_size
    if size == result.face_size:
        return model
    face = keras.Input((result.face_size, result.face_size, 1), name="face")
    resized = keras.layers.Resizing(size, size, interpolation="bilinear")(face)
    return keras.Model(face, model(resized, training=False), name="exported")


def _onnx(model: keras.Model, result: RunResult) -> bytes:
    """The graph, its outputs named by vocabulary, its large weights as 16-bit integers."""
    model.predict_on_batch(np.zeros((1, result.face_size, result.face_size, 1), np.float32))
    with TemporaryDirectory(prefix="mien-") as folder:
        file = Path(folder) / "model.onnx"
        with _converter():
            model.export(str(file), format="onnx", verbose=False)
        graph = onnx.load(file)
    _name_outputs(graph, result)
    return compact_onnx(graph)


@contextmanager
def _converter() -> Iterator[None]:
    """tf2onnx, silent about its attempts: what comes out is checked."""
    if not find_spec("tf2onnx"):
        raise ExtraMissing("Export needs tf2onnx, which is not installed.", "Install it: pip install 'mien[train]'.")
    log = logging.getLogger("tf2onnx")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # Keras asks NumPy for a name that it had in former times.
            warnings.filterwarnings("ignore", r"In the future `np\.object`", FutureWarning)
            yield
    finally:
        log.setLevel(level)


def _name_outputs(model: Any, result: RunResult) -> None:
    """Exporters name outputs as they like, and sort them by their keys."""
    keys = sorted([*result.vocabularies, FEATURES])
    wanted = [result.vocabularies.get(key, key) for key in keys]
    names = {name: f"{name}_inside" for name in wanted}
    names |= {output.name: new for output, new in zip(model.graph.output, wanted, strict=True)}
    for node in model.graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
        node.input[:] = [names.get(name, name) for name in node.input]
    for item in [*model.graph.output, *model.graph.initializer]:
        item.name = names.get(item.name, item.name)


def _check(model: keras.Model, engine: FrameExpression, faces: Pixels, result: RunResult) -> None:
    expected = predict(model, faces, result.face_size)
    logits = engine.logits(faces)
    for head, vocabulary in result.vocabularies.items():
        by_keras = softmax(expected[head], result.temperatures.get(head, 1.0))
        by_engine = softmax(logits[vocabulary], result.temperatures.get(head, 1.0))
        if not (difference := float(np.abs(by_keras - by_engine).max())) <= TOLERANCE:
            raise EngineError(
                f"Keras and the engine differ by {difference:.2g} in {vocabulary}.", "This is a fault of mien."
            )


def _card(about: About, data: bytes, result: RunResult) -> Card:
    size = result.face_size
    shares = ", ".join(f"{result.vocabularies[head]} {share:.4f}" for head, share in result.accuracy.items())
    heads = sorted(result.vocabularies, key=lambda head: head != "ferplus")
    return parse_card(
        {
            "name": about.name,
            "task": "expression",
            "title": f"Expression on a face, recipe {result.trained_by.name}",
            "file": f"{about.name}.onnx",
            "bytes": len(data),
            "sha256": sha256(data).hexdigest(),
            "license": about.license,
            "commercial": about.commercial,
            "training_data": about.training_data,
            "origin": about.origin,
            "input": f"NHWC float32, grey, {size} x {size}, x = (pixel - {MEAN}) * {SCALE}",
            "reported": f"accuracy on the {result.data['set']} validation faces: {shares}",
            "expression": {
                "size": size,
                "mean": MEAN,
                "scale": SCALE,
                "points": FER2013_POINTS,
                "heads": [
                    {
                        "output": result.vocabularies[head],
                        "vocabulary": result.vocabularies[head],
                        "classes": result.classes[head],
                        "temperature": result.temperatures.get(head, 1.0),
                    }
                    for head in heads
                ],
                "features": FEATURES,
            },
        },
        "the exported card",
    )
