"""A sequence model learns, stops and goes on, is calibrated, and says in the engines what it says in Keras."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.session import open_session
from mien.errors import DataError, EngineError, RecipeError, SettingsError
from mien.expression.classes import FERPLUS
from mien.expression.sequence import SequenceExpression
from mien.face import Expression
from mien.settings import Settings
from mien.train.sequence.batches import batch_of, changed, network_input, training_batches
from mien.train.sequence.recipe import (
    SequenceAugmentRecipe,
    SequenceModelRecipe,
    SequenceRecipe,
    read_sequence_recipe,
    shipped_sequence_recipes,
)
from mien.train.sequence.shards import FeatureSequence
from mien.weights.card import parse_card
from mien.weights.catalog import keep_card

D = 6
HEAD = np.eye(D, len(FERPLUS), dtype=np.float32)
TINY = """
name = "tiny"
about = "for tests"
[model]
cell = "gru"
layers = 1
units = 6
width = 5
hint = true
dropout = 0.1
[augment]
frames = 12
reverse = 0.5
skip = 0.3
stretch = 0.4
unseen = 0.2
noise = 0.1
[fit]
epochs = 2
batch = 8
learning_rate = 2e-2
ema = 0.5
seed = 3
"""


def sequences_of(count: int, seed: int) -> list[FeatureSequence]:
    """Noisy features of one of two classes each; some frames without a face."""
    rng, made = np.random.default_rng(seed), []
    for number in range(count):
        t, label = int(rng.integers(8, 15)), number % 2
        features = np.abs(rng.standard_normal((t, D))).astype(np.float32)
        features[:, label] += 2
        seen = rng.random(t) > 0.2
        seen[0] = True
        features[~seen] = 0
        hot = np.eye(len(FERPLUS), dtype=np.float32)[label]
        times = np.cumsum(rng.uniform(0.03, 0.1, t)).astype(np.float32)
        made.append(
            FeatureSequence(times, features, seen, np.repeat(hot[None], t, 0), hot, features @ HEAD, f"s{number}")
        )
    return made


TRAIN, VALID = sequences_of(16, 1), sequences_of(8, 2)


@pytest.fixture(scope="module", autouse=True)
def not_compiled(keras: Any) -> Iterator[None]:
    """To compile a recurrent network takes far longer than these small ones train."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow

    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> SequenceRecipe:
    file = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(TINY)
    return read_sequence_recipe(str(file))


@pytest.fixture(scope="module")
def origin() -> Any:
    def of(start: Any = None) -> Any:
        from mien.train.sequence.run import SequenceOrigin

        return SequenceOrigin("ferplus", "tiny@0123456789ab", {"made up": {}}, start)

    return of


@pytest.fixture(scope="module")
def data(keras: Any) -> Any:
    from mien.train.sequence.fit import SequenceData

    return SequenceData.of(TRAIN, VALID, FERPLUS)


class Silent:
    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, record: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def finished(data: Any, origin: Any, recipe: SequenceRecipe, tmp_path_factory: Any) -> Path:
    """The folder of a finished run."""
    from mien.train.sequence.run import train_sequence

    folder = tmp_path_factory.mktemp("runs") / "run"
    train_sequence(data, origin(), recipe, folder, Silent())
    return folder


@pytest.mark.parametrize("name", shipped_sequence_recipes())
def test_shipped_recipes_can_be_read(name: str) -> None:
    assert read_sequence_recipe(name).name == name


def test_the_baseline_is_the_tutorials() -> None:
    model = read_sequence_recipe("seed-lstm").model
    assert (model.cell, model.layers, model.units, model.direction) == ("lstm", 3, 64, "causal")


@pytest.mark.parametrize(
    ("text", "reason"),
    [(TINY.replace("gru", "rnn"), "model.cell"), ("name = ", "no TOML"), (TINY + "x = 1\n", "fit.x")],
)
def test_a_wrong_recipe_names_its_field(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(RecipeError, match=reason):
        read_sequence_recipe(str(tmp_path / "a.toml"))
    with pytest.raises(RecipeError, match="seed-lstm"):
        read_sequence_recipe("nothing")


def test_a_frame_without_a_face_is_zeros_but_for_the_clock() -> None:
    one = TRAIN[0]
    rows = network_input(one.times, one.features + 1, one.seen)
    assert not rows[~one.seen, : D + 1].any() and (rows[one.seen, D] == 1).all()
    assert rows[0, D + 1] == 0 and rows[1:, D + 1].any()


def test_batches_are_the_same_again_and_fill_up_with_nothing() -> None:
    recipe = SequenceRecipe("a", "", SequenceModelRecipe(), read_sequence_recipe("live").fit)
    spread = np.ones(D, np.float32)
    runs = [[batch.inputs for batch in training_batches(TRAIN, recipe, spread, epoch)] for epoch in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert not np.array_equal(runs[0][0], runs[2][0])
    batch = batch_of(VALID)
    for row, one in enumerate(VALID):
        assert batch.valid[row].sum() == len(one.times)
        assert not batch.inputs[row, len(one.times) :].any() and not batch.moment_weights[row, len(one.times) :].any()


def test_changes_keep_moments_and_answers_together() -> None:
    """A window played backwards, slower, with frames lost: what was seen still lies beside its own answer."""
    rng = np.random.default_rng(0)
    one = replace(TRAIN[0], shares=np.cumsum(TRAIN[0].shares, axis=0))
    recipe = SequenceAugmentRecipe(frames=7, reverse=0.5, skip=0.5, stretch=0.5, unseen=0.5)
    for _ in range(40):
        other = changed(one, recipe, np.ones(D, np.float32), rng)
        assert len(other.times) <= 7 and (np.diff(other.times) > 0).all() and other.times[0] == 0
        for features, seen, share in zip(other.features, other.seen, other.shares, strict=True):
            row = int(np.flatnonzero((one.shares == share).all(axis=1))[0])
            np.testing.assert_array_equal(features, one.features[row])
            assert one.seen[row] or not seen


def test_the_hint_begins_as_the_frame_models_head(data: Any) -> None:
    from mien.train.sequence.fit import known_of

    known = known_of(data)
    assert known.head is not None
    np.testing.assert_allclose(known.head[0], HEAD, atol=1e-3)
    np.testing.assert_allclose(known.head[1], 0, atol=1e-3)


def test_filling_up_changes_no_answer(keras: Any, data: Any) -> None:
    from mien.train.sequence.fit import known_of, predict
    from mien.train.sequence.model import sequence_model

    for shape in (SequenceModelRecipe(units=5, direction="both"), SequenceModelRecipe("lstm", 1, 5, pooling="last")):
        model = sequence_model(shape, known_of(data), len(FERPLUS))
        moments, wholes = predict(model, VALID)
        one = VALID[5]
        inputs = network_input(one.times, one.features, one.seen)[None]
        alone = model([inputs, np.ones(inputs.shape[:2], np.bool_)])
        np.testing.assert_allclose(np.asarray(alone["moment"])[0], moments[5], atol=1e-5)
        np.testing.assert_allclose(np.asarray(alone["whole"])[0], wholes[5], atol=1e-5)


def test_a_run_learns_and_says_how_well(finished: Path) -> None:
    from mien.train.sequence.run import read_sequence_run

    _, result = read_sequence_run(finished)
    assert result.accuracy["moment"] > 0.7 and set(result.temperatures) == {"moment", "whole"}
    assert 0 <= result.ece["moment"] < 0.5 and len(result.history) == 2
    assert (finished / "curve.csv").read_text().startswith("epoch,loss,valid_accuracy_moment,valid_accuracy_whole")


def test_a_stopped_run_goes_on_to_the_same_weights(
    finished: Path, data: Any, origin: Any, recipe: SequenceRecipe, tmp_path: Path
) -> None:
    from mien.train.sequence.run import read_sequence_run, train_sequence

    class Stop(Silent):
        def epoch(self, record: Any) -> None:
            if record.epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sequence(data, origin(), recipe, tmp_path / "run", Stop())
    train_sequence(data, origin(), recipe, tmp_path / "run", Silent())
    ours, theirs = (read_sequence_run(folder)[0].get_weights() for folder in (tmp_path / "run", finished))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    other_recipe = replace(recipe, fit=replace(recipe.fit, seed=9))
    with pytest.raises(RecipeError, match="another recipe"):
        train_sequence(data, origin(), other_recipe, tmp_path / "run", Silent())


def test_a_teacher_blends_its_word_into_the_answers(finished: Path, data: Any) -> None:
    from mien.expression.temperature import softmax
    from mien.train.recipe import TeacherRecipe
    from mien.train.sequence.fit import SequenceData, predict
    from mien.train.sequence.run import read_sequence_run
    from mien.train.sequence.teach import taught

    teacher, recipe = read_sequence_run(finished)[0], TeacherRecipe(0.25, 1.0)
    silent = replace(TRAIN[0], shares=0 * TRAIN[0].shares, whole=0 * TRAIN[0].whole)
    known = SequenceData.of([silent, *TRAIN[1:]], VALID, FERPLUS)
    learnt = taught(known, [teacher, teacher], recipe)
    moments, wholes = predict(teacher, known.train)
    np.testing.assert_allclose(learnt.train[0].shares, softmax(moments[0]), atol=1e-5)
    np.testing.assert_allclose(learnt.train[0].whole, softmax(wholes[:1])[0], atol=1e-5)
    blend = 0.25 * softmax(moments[1]) + 0.75 * TRAIN[1].shares
    np.testing.assert_allclose(learnt.train[1].shares, blend, atol=1e-5)
    assert learnt.valid is known.valid
    assert len({known.sha256, learnt.sha256, taught(known, [teacher], recipe).sha256}) == 3
    other = SequenceData.of([replace(one, features=one.features[:, 1:]) for one in TRAIN], VALID, FERPLUS)
    with pytest.raises(RecipeError, match="The teacher reads 6 features"):
        taught(other, [teacher], recipe)


def test_calibration_error_is_the_gap_between_confidence_and_truth(keras: Any) -> None:
    from mien.train.sequence.run import calibration_error

    said = np.repeat([[0.8, 0.2]], 10, axis=0)
    assert calibration_error(said, np.array([0] * 8 + [1] * 2)) == pytest.approx(0)
    assert calibration_error(said, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.3)


def test_nothing_to_learn_from(keras: Any) -> None:
    from mien.train.sequence.fit import SequenceData

    with pytest.raises(DataError, match="0 sequences"):
        SequenceData.of([], VALID, FERPLUS)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(
    "shape",
    [
        SequenceModelRecipe("gru", 2, 5, width=4, hint=True),
        SequenceModelRecipe("lstm", 2, 5, clock=False, pooling="last"),
        SequenceModelRecipe("gru", 1, 5, direction="both", hint=True),
        SequenceModelRecipe("lstm", 1, 5, direction="both"),
    ],
    ids=lambda shape: f"{shape.cell}-{shape.direction}",
)
def test_engines_say_what_keras_says(
    keras: Any, data: Any, tmp_path: Path, shape: SequenceModelRecipe, engine: str
) -> None:
    if engine == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    from mien.train.sequence.export import step_through
    from mien.train.sequence.fit import known_of, predict
    from mien.train.sequence.graph import rounded, sequence_graph, state_length, step_graph
    from mien.train.sequence.model import sequence_model

    model, rng = sequence_model(shape, known_of(data), len(FERPLUS)), np.random.default_rng(4)
    for variable in model.trainable_variables:
        variable.assign(variable + 0.3 * rng.standard_normal(variable.shape).astype(np.float32))
    rounded(model)
    moments, wholes = predict(model, VALID[:3])
    (tmp_path / "whole.onnx").write_bytes(sequence_graph(model, shape))
    session = open_session(tmp_path / "whole.onnx", engine, shape=(1, -1, D + 2))
    for number, one in enumerate(VALID[:3]):
        outputs = session.run(network_input(one.times, one.features, one.seen)[None])
        np.testing.assert_allclose(outputs["moment"][0], moments[number], atol=1e-4)
        np.testing.assert_allclose(outputs["whole"][0], wholes[number], atol=1e-4)
    if shape.direction == "causal":
        length = state_length(shape)
        (tmp_path / "step.onnx").write_bytes(step_graph(model, shape))
        step = open_session(tmp_path / "step.onnx", engine, shape=(1, D + 2 + length))
        for number, one in enumerate(VALID[:3]):
            said = step_through(step, network_input(one.times, one.features, one.seen), length)
            np.testing.assert_allclose(said, moments[number], atol=1e-4)


def test_an_exported_run_is_served(finished: Path, settings: Settings, tmp_path: Path) -> None:
    from mien.train.export import About
    from mien.train.sequence.export import SequenceForm, export_sequence

    about = About("tiny-seq", "MIT", "no", "made-up sequences")
    card = export_sequence(finished, tmp_path / "tiny-seq.onnx", about, SequenceForm(False), VALID, settings)
    assert card.sequence and card.sequence.state == 6
    assert json.loads((tmp_path / "tiny-seq.json").read_text()) == card.to_dict()
    own = Settings(cache_dir=tmp_path / "cache", offline=True)
    (own.cache_dir / "weights").mkdir(parents=True)
    (own.cache_dir / "weights" / card.file).write_bytes((tmp_path / card.file).read_bytes())
    keep_card(parse_card(card.to_dict(), "here"), own)
    express = SequenceExpression(card, own)
    one, state = VALID[0], express.start()
    for time, features, seen in zip(one.times.tolist(), one.features, one.seen, strict=True):
        state, said = express.step(state, time, features if seen else None)
    assert isinstance(said, Expression) and said.label in (*FERPLUS, "unsure")


def test_whole_sequences_are_exported_too(finished: Path, settings: Settings, tmp_path: Path) -> None:
    from mien.train.export import About
    from mien.train.sequence.export import SequenceForm, export_sequence

    card = export_sequence(finished, tmp_path / "w.onnx", About("tiny-whole"), SequenceForm(True), VALID, settings)
    assert card.sequence and card.sequence.state == 0 and card.sequence.whole
    with pytest.raises(SettingsError, match="name"):
        export_sequence(finished, tmp_path / "x.onnx", About("X"), SequenceForm(True), VALID, settings)
    assert not (tmp_path / "x.onnx").exists()


def test_a_tampered_model_is_not_exported(
    finished: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train.export import About
    from mien.train.sequence import export

    honest = export.step_graph

    def tampered(model: Any, shape: SequenceModelRecipe) -> bytes:
        layer = model.get_layer("moment")
        before = layer.get_weights()
        layer.set_weights([before[0], before[1] + np.eye(len(FERPLUS), dtype=np.float32)[0] * 0.01])
        graph = honest(model, shape)
        layer.set_weights(before)
        return graph

    monkeypatch.setattr(export, "step_graph", tampered)
    with pytest.raises(EngineError, match="differ by"):
        export.export_sequence(finished, tmp_path / "a.onnx", About("a"), export.SequenceForm(False), VALID, settings)
    assert list(tmp_path.iterdir()) == []
