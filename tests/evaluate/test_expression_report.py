from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_up_faces import PLUS, SEVEN, SPEC, face_set, logits_for, spec_of, ten_votes

from mien.errors import DataError, EngineError
from mien.evaluate.expression import BY_LABEL, BY_MAJORITY, ExpressionReport, evaluate_expression, judge_all
from mien.expression.classes import FER2013, FERPLUS
from mien.expression.temperature import softmax
from mien.weights.card import ExpressionHead

LABELS = [0, 0, 1, 3, 3, 6]
SAID = [0, 6, 1, 3, 3, 3]
VOTES = [
    ten_votes(happiness=9, neutral=1),
    ten_votes(sadness=6, anger=4),
    ten_votes(neutral=5, sadness=5),
    ten_votes(unknown=6, neutral=2, fear=2),
    ten_votes(),
    ten_votes(neutral=8, sadness=2),
]
SAID_PLUS = [FERPLUS.index(name) for name in ("happiness", "anger", "neutral", "neutral", "neutral", "neutral")]
TWINS = np.array([False, True, True, False, False, False])


@pytest.fixture(scope="module")
def report() -> ExpressionReport:
    faces = face_set(LABELS, VOTES, twins=TWINS)
    logits = {"ferplus": logits_for(SAID_PLUS, 8), "fer2013": logits_for(SAID, 7)}
    return evaluate_expression(faces, logits, SPEC, "net@1")


def test_what_was_measured(report: ExpressionReport) -> None:
    assert (report.model, report.data, report.split, report.n_faces, report.n_twins) == (
        "net@1", "made up", "valid", 6, 2
    )  # fmt: skip
    assert [(head.vocabulary, head.protocol) for head in report.heads] == [
        ("ferplus", BY_MAJORITY),
        ("fer2013", BY_LABEL),
    ]
    assert report.not_judged == ()


def test_labels_of_the_set(report: ExpressionReport) -> None:
    head = report.heads[1]
    assert (head.n_kept, head.dropped, head.temperature) == (6, (), 0.5)
    assert head.all_faces.accuracy.value == pytest.approx(4 / 6)
    # angry 1 of 2, disgust 1 of 1, happy 2 of 2, neutral 0 of 1; the other classes have no faces.
    assert head.all_faces.balanced_accuracy.value == pytest.approx((1 / 2 + 1 + 1 + 0) / 4)
    # happy: 2 hits, 2 true, 3 said; neutral: none right.
    assert head.all_faces.macro_f1.value == pytest.approx((2 / 3 + 1 + 4 / 5 + 0) / 4)
    assert head.all_faces.confusion[0] == (1, 0, 0, 0, 0, 0, 1)


def test_without_twins(report: ExpressionReport) -> None:
    alone = report.heads[1].without_twins
    assert (alone.n, alone.accuracy.value) == (4, pytest.approx(3 / 4))
    assert report.heads[0].without_twins.n == 2


def test_the_majority_of_the_votes(report: ExpressionReport) -> None:
    head = report.heads[0]
    assert head.n_kept == 3
    assert {one.reason: one.n for one in head.dropped} == {
        "no votes": 1,
        "unknown or no face has the most votes": 1,
        "no class has the majority": 1,
    }
    assert head.all_faces.accuracy.value == pytest.approx(2 / 3)


def test_cross_entropy_with_the_votes(report: ExpressionReport) -> None:
    votes = report.heads[0].all_faces.votes
    cold, warm = (-np.log(softmax(logits_for([0], 8), t)[0]) for t in (1.0, 2.0))
    # The lone vote for neutral is an outlier; the face of 6 to 4 was said to show the 4; then 8 of 10.
    expected = [(cost[0] + 0.4 * cost[0] + 0.6 * cost[1] + 0.8 * cost[0] + 0.2 * cost[1]) / 3 for cost in (warm, cold)]
    assert votes.cross_entropy.value == pytest.approx(expected[0])
    assert votes.at_temperature_1.value == pytest.approx(expected[1])
    entropies = [0, -(0.6 * np.log(0.6) + 0.4 * np.log(0.4)), -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))]
    assert votes.entropy == pytest.approx(sum(entropies) / 3)
    assert report.heads[1].all_faces.votes is None


def test_raw_and_calibrated(report: ExpressionReport) -> None:
    """Every face has the same confidence, so that ECE is its distance from the accuracy."""
    scores = report.heads[1].all_faces
    for one, temperature in ((scores.raw, 1.0), (scores.calibrated, 0.5)):
        confidence = softmax(logits_for([0], 7), temperature)[0, 0]
        assert one.ece.value == pytest.approx(abs(confidence - 4 / 6))
    said = {row.confidence: row.n_said for row in scores.selective}
    assert said[0.9] == 6 * (softmax(logits_for([0], 7), 0.5)[0, 0] >= 0.9)


def test_a_temperature_of_other_folds_is_judged_on_faces_it_has_not_seen() -> None:
    random = np.random.default_rng(2)
    true = random.normal(size=(3000, 7)) * 1.5
    labels = (np.cumsum(softmax(true), axis=1) > random.random((3000, 1))).argmax(axis=1)
    faces = face_set(labels.tolist(), faces=np.zeros((3000, 48, 48), np.uint8))
    scores = evaluate_expression(faces, {"fer2013": (3 * true).astype("f4")}, spec_of(SEVEN)).heads[0].all_faces
    assert scores.raw.ece.value > 0.15
    assert scores.ece_cross_fitted.value < 0.03


def test_each_fifth_is_judged_at_the_temperature_of_the_others() -> None:
    """Five equal faces, one said wrongly: judged as if all were right; the others as if one in four were wrong."""
    head = ExpressionHead("own", "moods", ("keen", "bored"))
    faces = face_set([0, 0, 1, 0, 0], classes=head.classes)
    report = evaluate_expression(faces, {"moods": logits_for([0] * 5, 2, 4.0)}, spec_of(head))
    assert report.heads[0].all_faces.ece_cross_fitted.value == pytest.approx((4 * (1 - 3 / 4) + 1) / 5, abs=1e-4)


def test_fewer_faces_than_folds_fit_nothing() -> None:
    scores = (
        evaluate_expression(face_set([0, 1]), {"fer2013": logits_for([0, 1], 7)}, spec_of(SEVEN)).heads[0].all_faces
    )
    assert scores.ece_cross_fitted.to_dict()["value"] is None


def test_labels_in_another_order_and_faces_without_one() -> None:
    faces = face_set([0, 6, -1], classes=tuple(reversed(FER2013)))
    (one,) = judge_all(faces, {"fer2013": logits_for([6, 0, 0], 7)}, spec_of(SEVEN))
    assert one.labels.tolist() == [6, 0] and one.places.tolist() == [0, 1] and one.dropped == (("no label", 1),)
    report = evaluate_expression(faces, {"fer2013": logits_for([6, 0, 0], 7)}, spec_of(SEVEN))
    assert report.heads[0].all_faces.accuracy.value == 1


def test_a_head_without_votes_is_not_judged() -> None:
    logits = {"ferplus": logits_for([0, 0], 8), "fer2013": logits_for([0, 1], 7)}
    report = evaluate_expression(face_set([0, 1]), logits, SPEC)
    assert [head.vocabulary for head in report.heads] == ["fer2013"] and report.not_judged == ("ferplus",)


def test_eight_classes_are_judged_by_labels_even_without_votes() -> None:
    faces = face_set([7, 0], classes=FERPLUS)
    logits = {"ferplus": logits_for([7, 1], 8), "fer2013": logits_for([0, 0], 7)}
    report = evaluate_expression(faces, logits, SPEC)
    assert [(head.vocabulary, head.protocol) for head in report.heads] == [("ferplus", BY_LABEL)]
    assert report.heads[0].all_faces.accuracy.value == 0.5


def test_other_classes_are_an_error_that_names_both() -> None:
    faces = face_set([0], classes=("bored", "keen"))
    with pytest.raises(DataError) as caught:
        evaluate_expression(faces, {"fer2013": logits_for([0], 7)}, SPEC)
    assert "bored, keen" in caught.value.cause and ", ".join(FER2013) in caught.value.cause


def test_own_classes_work_with_a_model_of_these_classes() -> None:
    own = ExpressionHead("own", "moods", ("keen", "bored"))
    report = evaluate_expression(
        face_set([0, 1], classes=("bored", "keen")), {"moods": np.eye(2, dtype="f4")[::-1]}, spec_of(own)
    )
    assert report.heads[0].all_faces.accuracy.value == 1


def test_a_set_without_any_label_is_an_error() -> None:
    with pytest.raises(DataError, match="Not one face"):
        judge_all(face_set([-1, -1]), {"fer2013": logits_for([0, 0], 7)}, spec_of(SEVEN))


def test_logits_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(EngineError, match="fer2013 is not finite"):
        judge_all(face_set([0]), {"fer2013": np.full((1, 7), np.nan, "f4")}, spec_of(SEVEN))


def test_all_faces_twins_leave_nothing_to_report() -> None:
    faces = face_set([0, 1], twins=np.ones(2, np.bool_))
    assert evaluate_expression(faces, {"fer2013": logits_for([0, 1], 7)}, spec_of(SEVEN)).heads[0].without_twins is None


def test_the_report_is_repeatable_and_frozen(report: ExpressionReport) -> None:
    faces = face_set(LABELS, VOTES, twins=TWINS)
    logits = {"ferplus": logits_for(SAID_PLUS, 8), "fer2013": logits_for(SAID, 7)}
    assert evaluate_expression(faces, logits, SPEC, "net@1").to_json() == report.to_json()
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.heads[0].all_faces.n = 1
    assert PLUS.temperature == report.heads[0].temperature
