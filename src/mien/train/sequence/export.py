"""From a finished run of a sequence model to what mien serves: an ONNX file and its card, checked against Keras."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras
import numpy as np

from mien.engine.session import Session, open_session
from mien.errors import EngineError, RecipeError, SettingsError, WeightsCardInvalid
from mien.expression.temperature import softmax
from mien.face import Floats
from mien.settings import Settings
from mien.train.export import TOLERANCE, About
from mien.train.sequence.batches import network_input
from mien.train.sequence.fit import predict
from mien.train.sequence.graph import STATE, rounded, sequence_graph, state_length, step_graph
from mien.train.sequence.model import MOMENT, WHOLE
from mien.train.sequence.run import SequenceResult, read_sequence_run
from mien.train.sequence.shards import FeatureSequence
from mien.weights.card import Card, parse_card
from mien.weights.trial import SEQUENCE_EXTRA

CHECKED_SEQUENCES: Final = 50


@dataclass(frozen=True, slots=True)
class SequenceForm:
    """whole: the graph reads whole sequences, else one frame a call, which only a causal model can. files: of one that
    reads frames, the name of the card of a model that reads sequences, for `SequenceExpression.whole`."""

    whole: bool
    files: str | None = None


def export_sequence(
    run: Path, file: Path, about: About, form: SequenceForm, checked: Sequence[FeatureSequence], settings: Settings
) -> Card:
    """Write FILE.onnx and FILE.json, its card; returns the card. Nothing is written where the check fails.

    checked: the first fifty are given to Keras, with the weights rounded as they are stored, and to the engine, whose
    probabilities must agree to 1e-4. On any backend. Raises RecipeError where `run` holds no finished run, or a model
    that cannot read frame by frame; EngineError where Keras and the engine disagree; SettingsError for what no card can
    say.
    """
    model, result = read_sequence_run(run)
    recipe = result.trained_by.model
    if not form.whole and recipe.direction == "both":
        raise RecipeError(f"The model in {run} reads from both ends.", "Export it with --whole.")
    rounded(model)
    data = sequence_graph(model, recipe) if form.whole else step_graph(model, recipe)
    try:
        card = _card(about, data, result, form)
    except WeightsCardInvalid as error:
        raise SettingsError(error.cause, "Say it otherwise: --name, --license, --training-data.") from error
    with TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
        staged = Path(folder) / card.file
        staged.write_bytes(data)
        width = result.dimensions + SEQUENCE_EXTRA
        shape = (1, -1, width) if form.whole else (1, width + state_length(recipe))
        _check(model, open_session(staged, settings.engine, shape=shape), checked[:CHECKED_SEQUENCES], result)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    file.with_suffix(".json").write_text(json.dumps(card.to_dict(), indent=1) + "\n", encoding="utf-8")
    return card


def step_through(session: Session, inputs: Floats, length: int) -> Floats:
    """(T, C) logits of a model that reads (T, D + 2) frame by frame; length: of its state."""
    state, rows = np.zeros((1, length), np.float32), []
    for row in inputs:
        outputs = session.run(np.concatenate([row[None], state], axis=1))
        state = outputs[STATE]
        rows.append(outputs[MOMENT][0])
    return np.stack(rows)


def _check(model: keras.Model, session: Session, sequences: Sequence[FeatureSequence], result: SequenceResult) -> None:
    moments, wholes = predict(model, sequences)
    for number, one in enumerate(sequences):
        inputs = network_input(one.times, one.features, one.seen)
        if WHOLE in session.output_names():
            outputs = session.run(inputs[None])
            pairs = {MOMENT: (moments[number], outputs[MOMENT][0]), WHOLE: (wholes[number][None], outputs[WHOLE])}
        else:
            pairs = {MOMENT: (moments[number], step_through(session, inputs, state_length(result.trained_by.model)))}
        for head, (by_keras, by_engine) in pairs.items():
            said = [softmax(logits, result.temperatures.get(head, 1.0)) for logits in (by_keras, by_engine)]
            if not (difference := float(np.abs(said[0] - said[1]).max())) <= TOLERANCE:
                raise EngineError(
                    f"Keras and the engine differ by {difference:.2g} in {head}.", "This is a fault of mien."
                )


def _card(about: About, data: bytes, result: SequenceResult, form: SequenceForm) -> Card:
    heads = {
        head: {
            "output": head,
            "vocabulary": result.vocabulary,
            "classes": result.classes,
            "temperature": result.temperatures.get(head, 1.0),
        }
        for head in (MOMENT, WHOLE)
    }
    width = f"{result.dimensions} features, seen, clock"
    spec: dict[str, Any] = {
        "dimensions": result.dimensions,
        "frame_model": result.frame_model,
        "state": 0 if form.whole else state_length(result.trained_by.model),
        "moment": heads[MOMENT],
    }
    spec |= {"whole": heads[WHOLE]} if form.whole else {"files": form.files} if form.files else {}
    shares = ", ".join(f"{head} {share:.4f}" for head, share in result.accuracy.items())
    return parse_card(
        {
            "name": about.name,
            "task": "sequence",
            "title": f"Expression over time, recipe {result.trained_by.name}",
            "file": f"{about.name}.onnx",
            "bytes": len(data),
            "sha256": sha256(data).hexdigest(),
            "license": about.license,
            "commercial": about.commercial,
            "training_data": about.training_data,
            "origin": about.origin,
            "input": f"(1, T, D) float32, a frame being {width}" if form.whole else f"(1, D) float32: {width}, state",
            "reported": f"accuracy on the validation sequences: {shares}",
            "sequence": spec,
        },
        "the exported card",
    )
