from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from mien.decide.calibration import Calibration, ErrorRate, GroupRate, Knot
from mien.decide.verify import Answer, Uncalibrated, compare, inconclusive
from mien.errors import CalibrationError, EmbeddingMismatch
from mien.face import Embedding


def at_angle(cosine: float, model: str = "net@1") -> Embedding:
    return Embedding(np.array([cosine, math.sqrt(1 - cosine**2)], np.float32), model)


def curve() -> Calibration:
    knots = (
        Knot(-1.0, ErrorRate(1.0, 1.0, 1.0)),
        Knot(0.4, ErrorRate(1e-4, 1e-5, 1e-3)),
        Knot(0.5, ErrorRate(1e-6, 1e-7, 1e-5, extrapolated=True)),
    )
    return Calibration("test", "net@1", "made up", "nothing", 100, 200, 19_800, knots)


@pytest.mark.parametrize(("cosine", "answer"), [(0.41, Answer.MATCH), (0.39, Answer.NO_MATCH), (-0.5, Answer.NO_MATCH)])
def test_the_answer_turns_at_the_threshold(cosine: float, answer: Answer) -> None:
    decision = compare(at_angle(1.0), at_angle(cosine), curve(), fmr=1e-4)
    assert decision.answer is answer
    assert decision.score == pytest.approx(cosine, abs=1e-6)
    assert decision.threshold == pytest.approx(0.4)
    assert decision.calibration_id == "test"


def test_a_stricter_rate_turns_a_match_into_none() -> None:
    pair = at_angle(1.0), at_angle(0.45)
    assert compare(*pair, curve(), fmr=1e-4).answer is Answer.MATCH
    assert compare(*pair, curve(), fmr=1e-6).answer is Answer.NO_MATCH


def test_the_rate_of_the_score_comes_with_its_interval() -> None:
    rate = compare(at_angle(1.0), at_angle(0.4), curve()).fmr
    assert isinstance(rate, ErrorRate)
    assert rate.value == pytest.approx(1e-4, rel=1e-3)
    assert rate.low < rate.value < rate.high


def test_an_extrapolated_threshold_says_so() -> None:
    decision = compare(at_angle(1.0), at_angle(0.49), curve(), fmr=1e-5)
    assert any("extrapolated" in reason for reason in decision.reasons)
    assert not any("extrapolated" in reason for reason in compare(at_angle(1.0), at_angle(0.49), curve()).reasons)


def test_the_worst_group_is_part_of_the_reasons() -> None:
    groups = (
        GroupRate("some", 1e-4, 0.4, True, 500, ErrorRate(2e-4, 1e-4, 3e-4)),
        GroupRate("others", 1e-4, 0.4, True, 500, ErrorRate(9e-4, 8e-4, 1e-3)),
        GroupRate("not meant", 1e-4, 0.4, False, 500, ErrorRate(0.2, 0.1, 0.3)),
    )
    broken_down = dataclasses.replace(curve(), groups=groups)
    reasons = compare(at_angle(1.0), at_angle(0.45), broken_down, fmr=1e-4).reasons
    assert any("reach 0.0009" in reason for reason in reasons)
    assert not any("reach" in reason for reason in compare(at_angle(1.0), at_angle(0.45), broken_down, 1e-5).reasons)


def test_an_indicative_calibration_says_so() -> None:
    indicative = dataclasses.replace(curve(), indicative=True)
    assert any("indicative" in reason for reason in compare(at_angle(1.0), at_angle(0.4), indicative).reasons)


def test_without_a_calibration_there_is_a_score_and_no_answer() -> None:
    decision = compare(at_angle(1.0), at_angle(0.9), None)
    assert decision.answer is Answer.INCONCLUSIVE
    assert decision.score == pytest.approx(0.9)
    assert decision.fmr == Uncalibrated("net@1")
    assert "ncalibrated" in decision.reasons[0]


def test_embeddings_of_two_models_are_never_compared() -> None:
    with pytest.raises(EmbeddingMismatch):
        compare(at_angle(1.0), at_angle(1.0, "net@2"), curve())


def test_a_calibration_of_another_model_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"is for net@1"):
        compare(at_angle(1.0, "net@2"), at_angle(1.0, "net@2"), curve())


def test_a_rate_that_the_calibration_cannot_support_is_an_error() -> None:
    with pytest.raises(CalibrationError, match="below what"):
        compare(at_angle(1.0), at_angle(0.0), curve(), fmr=1e-9)


def test_inconclusive_keeps_its_reasons_and_has_no_score() -> None:
    decision = inconclusive(("no face in the first photo",), fmr=1e-3)
    assert (decision.answer, decision.score, decision.fmr) == (Answer.INCONCLUSIVE, None, None)
    assert decision.reasons == ("no face in the first photo",)


def test_inconclusive_without_a_reason_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="reason"):
        inconclusive(())


def test_decisions_become_json() -> None:
    record = json.loads(compare(at_angle(1.0), at_angle(0.45), curve()).to_json())
    assert record["answer"] == "match"
    assert record["fmr"]["extrapolated"] is True
    unknown = json.loads(compare(at_angle(1.0), at_angle(0.45), None).to_json())
    assert unknown["fmr"]["status"] == "uncalibrated"
