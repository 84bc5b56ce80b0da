"""The sequence stage: one state a track, steady labels, and what happens where no face is seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ImageArrayRefused, SettingsError, WeightsCardInvalid
from mien.expression.policy import ExpressionPolicy
from mien.expression.sequence import SequenceExpression, clock_of
from mien.expression.steady import Steadiness
from mien.face import Expression, Failed, Floats
from mien.settings import Settings
from mien.train.sequence import batches
from mien.weights.card import Card, parse_card
from mien.weights.catalog import Catalog
from mien.weights.trial import try_model
from tiny_sequence import DIMENSIONS, FRAME_MODEL, card_table, install, write_step, write_whole

HAPPY, NEUTRAL = 1, 0


@pytest.fixture
def cache(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", offline=True)


@pytest.fixture
def express(cache: Settings) -> SequenceExpression:
    return SequenceExpression(install(cache), cache)


def shows(place: int, strength: float = 1.0) -> Floats:
    """Features from which the tiny model names this class."""
    return np.eye(DIMENSIONS, dtype=np.float32)[place] * np.float32(strength)


def walk(express: SequenceExpression, frames: list[Floats | None], step: float = 0.04) -> list[Expression | Failed]:
    state, said = express.start(), []
    for number, frame in enumerate(frames):
        state, one = express.step(state, number * step, frame)
        said.append(one)
    return said


def labels(said: list[Expression | Failed]) -> list[str]:
    return [one.label if isinstance(one, Expression) else one.code for one in said]


def test_a_moment_is_named_with_all_it_comes_from(express: SequenceExpression) -> None:
    [said] = walk(express, [shows(HAPPY)])
    assert isinstance(said, Expression)
    assert (said.label, said.classes, said.model) == ("happiness", "ferplus", express.card.id)
    assert said.confidence == said.probabilities["happiness"] == max(said.probabilities.values())
    assert sum(said.probabilities.values()) == pytest.approx(1)
    assert express.frame_model == FRAME_MODEL


def test_one_frame_does_not_change_the_label_and_two_do(express: SequenceExpression) -> None:
    frames: list[Floats | None] = [shows(NEUTRAL), shows(HAPPY), shows(NEUTRAL), shows(HAPPY), shows(HAPPY)]
    assert labels(walk(express, frames)) == ["neutral", "neutral", "neutral", "neutral", "happiness"]


def test_without_steadiness_each_frame_speaks_for_itself(cache: Settings) -> None:
    express = SequenceExpression(install(cache), cache, steadiness=Steadiness(0))
    said = walk(express, [shows(NEUTRAL), shows(HAPPY), shows(NEUTRAL)])
    assert labels(said) == ["neutral", "happiness", "neutral"]


def test_below_the_confidence_asked_for_it_is_unsure(cache: Settings) -> None:
    express = SequenceExpression(install(cache), cache, ExpressionPolicy(min_confidence=0.9))
    assert labels(walk(express, [shows(HAPPY, 0.4)])) == ["unsure"]


@pytest.mark.parametrize("absent", [None, np.full(DIMENSIONS, np.nan, np.float32)])
def test_a_face_that_was_never_seen_fails_and_later_speaks(express: SequenceExpression, absent: Floats | None) -> None:
    assert labels(walk(express, [absent, absent, shows(HAPPY)])) == ["expression", "expression", "happiness"]


def test_a_face_that_is_lost_keeps_its_label_for_a_while(cache: Settings) -> None:
    """The tiny model says nothing of such a frame, all classes alike, so that no rival leads."""
    express = SequenceExpression(install(cache), cache, ExpressionPolicy(min_confidence=0))
    said = labels(walk(express, [shows(HAPPY), *[None] * 5], step=0.5))
    # Two seconds are what the card allows.
    assert said == ["happiness"] * 5 + ["expression"]


def test_lost_frames_carry_the_state_on(express: SequenceExpression) -> None:
    state, _ = express.step(express.start(), 0.0, shows(HAPPY))
    later, _ = express.step(state, 0.04, None)
    np.testing.assert_allclose(later.values, state.values / 2)
    assert later.seen_seconds == 0.0 and later.time_seconds == 0.04


@pytest.mark.parametrize("time", [9.0, -1.0])
def test_after_a_long_pause_or_a_step_back_in_time_it_begins_anew(express: SequenceExpression, time: float) -> None:
    state, _ = express.step(express.start(), 0.0, shows(HAPPY))
    fresh, _ = express.step(express.start(), time, shows(NEUTRAL))
    later, said = express.step(state, time, shows(NEUTRAL))
    np.testing.assert_array_equal(later.values, fresh.values)
    assert isinstance(said, Expression) and said.label == "neutral"


def test_the_state_belongs_to_the_track(express: SequenceExpression) -> None:
    """A step changes nothing in the state that it was given."""
    state, _ = express.step(express.start(), 0.0, shows(HAPPY))
    kept = state.values.copy()
    one, two = (express.step(state, 0.04, shows(NEUTRAL)) for _ in range(2))
    np.testing.assert_array_equal(one[0].values, two[0].values)
    np.testing.assert_array_equal(state.values, kept)
    with pytest.raises(ValueError, match="read-only"):
        state.values[0] = 1


def test_every_thread_gets_the_same_answer(cache: Settings) -> None:
    express = SequenceExpression(install(cache), cache.model_copy(update={"threads": 4}))
    frames: list[Floats | None] = [shows(place % 3, 0.1 * place) for place in range(12)]
    expected = [one.to_dict() for one in walk(express, frames)]
    with ThreadPoolExecutor(4) as pool:
        for said in pool.map(lambda _: walk(express, frames), range(16)):
            assert [one.to_dict() for one in said] == expected


def test_values_that_are_not_finite_fail_and_are_forgotten(cache: Settings) -> None:
    express = SequenceExpression(install(cache, with_files=False, spoil=np.inf), cache)
    state, said = express.step(express.start(), 0.0, shows(HAPPY))
    assert isinstance(said, Failed) and "not finite" in said.reason
    assert not state.values.any()


@pytest.mark.parametrize("with_files", [True, False])
def test_a_whole_sequence(cache: Settings, with_files: bool) -> None:
    express = SequenceExpression(install(cache, with_files), cache)
    features = np.stack([shows(NEUTRAL), shows(NEUTRAL), *[shows(HAPPY)] * 6])
    features[4] = np.nan
    moments, whole = express.whole(np.arange(8, dtype=np.float32) * 0.04, features)
    assert [one.label for one in moments] == ["neutral"] * 2 + ["happiness"] * 6
    assert whole.label == "happiness"
    assert whole.model.startswith("tiny-whole@" if with_files else "tiny-sequence@")


def test_shapes_that_do_not_fit(express: SequenceExpression) -> None:
    times = np.zeros(2, np.float32)
    with pytest.raises(ImageArrayRefused):
        express.step(express.start(), 0.0, np.zeros(DIMENSIONS + 1, np.float32))
    for features in (np.zeros((2, DIMENSIONS + 1)), np.zeros((3, DIMENSIONS)), np.full((2, DIMENSIONS), np.nan)):
        with pytest.raises(ImageArrayRefused):
            express.whole(times, features.astype(np.float32))


def test_training_and_serving_tell_the_time_alike() -> None:
    for seconds in (0.001, 0.033, 0.5, 9.0):
        assert clock_of(seconds) == pytest.approx(float(batches.clock_of(np.array([seconds]))[0]))


def test_another_vocabulary_or_task_is_refused(cache: Settings, tmp_path: Path) -> None:
    card = install(cache)
    with pytest.raises(SettingsError, match="fer2013"):
        SequenceExpression(card, cache, ExpressionPolicy(classes="fer2013"))
    with pytest.raises(WeightsCardInvalid, match="no sequence model"):
        SequenceExpression(Catalog.load(cache).card("yunet"), cache)
    with pytest.raises(WeightsCardInvalid, match="whole sequences alone"):
        SequenceExpression(Catalog.load(cache).card("tiny-whole"), cache)


def test_two_models_of_different_frame_models_are_refused(cache: Settings) -> None:
    with pytest.raises(WeightsCardInvalid, match="another frame model"):
        SequenceExpression(install(cache, frame_model="tiny@ffffffffffff"), cache)


def _card(tmp_path: Path, **spec: object) -> tuple[Path, Card]:
    file = write_step(tmp_path / "step.onnx")
    return file, parse_card(card_table(file, **spec), "here")


def test_a_trial_run_finds_what_the_card_gets_wrong(tmp_path: Path, cache: Settings) -> None:
    try_model(*_card(tmp_path), cache)
    with pytest.raises(WeightsCardInvalid, match="shape"):
        try_model(*_card(tmp_path, moment={"output": "moment", "vocabulary": "x", "classes": ["a", "b"]}), cache)
    with pytest.raises(WeightsCardInvalid, match="has the outputs"):
        try_model(*_card(tmp_path, moment={"output": "word", "vocabulary": "x", "classes": ["a", "b"]}), cache)


WHOLE = {"output": "whole", "vocabulary": "x", "classes": ["a", "b"]}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"state": 0}, "needed for a model that reads sequences"),
        ({"whole": WHOLE}, "only for a model that reads sequences"),
        ({"state": 0, "whole": WHOLE}, "needs the classes of moment"),
        ({"frame_model": "tiny"}, "frame_model"),
        ({"state": -1}, "state"),
        ({"forget_seconds": 0}, "forget_seconds"),
    ],
)
def test_a_card_says_either_frames_or_sequences(tmp_path: Path, spec: dict[str, object], reason: str) -> None:
    with pytest.raises(WeightsCardInvalid, match=reason):
        _card(tmp_path, **spec)


def test_a_card_of_whole_sequences_names_no_other(tmp_path: Path) -> None:
    file = write_whole(tmp_path / "whole.onnx")
    moment = card_table(file)["sequence"]["moment"]
    with pytest.raises(WeightsCardInvalid, match="files"):
        parse_card(card_table(file, state=0, whole=moment | {"output": "whole"}, files="other"), "here")
