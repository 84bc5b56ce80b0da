"""Two photos, one answer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import Analyzer
from mien.compare import ComparePolicy, Comparer
from mien.decide.verify import Answer
from mien.errors import SettingsError
from mien.settings import Settings


@pytest.fixture(scope="module")
def analyzer(weights: Settings) -> Analyzer:
    return Analyzer(settings=weights)


@pytest.fixture(scope="module")
def comparer(analyzer: Analyzer) -> Comparer:
    return Comparer(analyzer)


def test_a_photo_matches_its_mirror_image(comparer: Comparer, astronaut: np.ndarray) -> None:
    comparison = comparer(astronaut, np.ascontiguousarray(astronaut[:, ::-1]))
    decision = comparison.decision
    assert decision.answer is Answer.MATCH
    assert decision.score is not None and decision.threshold is not None and decision.score > decision.threshold
    assert (comparison.first_face, comparison.second_face) == (0, 0)
    assert comparison.to_dict()["decision"]["answer"] == "match"


def test_no_face_is_inconclusive(comparer: Comparer, astronaut: np.ndarray, coffee: np.ndarray) -> None:
    comparison = comparer(astronaut, coffee)
    assert comparison.decision.answer is Answer.INCONCLUSIVE
    assert comparison.decision.score is None
    assert any("second photo" in reason for reason in comparison.decision.reasons)
    assert comparison.second_face is None


def test_two_faces_of_one_size_are_inconclusive(comparer: Comparer, astronaut: np.ndarray) -> None:
    """A bystander must not make a match: the peers take the best of all pairs."""
    pair = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    comparison = comparer(astronaut, pair)
    assert comparison.decision.answer is Answer.INCONCLUSIVE
    assert any("2 faces" in reason for reason in comparison.decision.reasons)


def test_a_small_bystander_is_named_and_left_out(comparer: Comparer, astronaut: np.ndarray) -> None:
    crowd = cv2.resize(astronaut, (1536, 1536), interpolation=cv2.INTER_CUBIC)
    crowd[-512:, -512:] = astronaut
    comparison = comparer(astronaut, crowd)
    assert comparison.decision.answer is Answer.MATCH
    assert any("2 faces; the largest was compared" in reason for reason in comparison.decision.reasons)


def test_too_poor_a_face_is_inconclusive_with_reasons(comparer: Comparer, astronaut: np.ndarray) -> None:
    poor = cv2.GaussianBlur(cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA), (0, 0), 2.0)
    poor = (poor * 0.25).astype(np.uint8)
    comparison = comparer(astronaut, poor)
    assert comparison.decision.answer is Answer.INCONCLUSIVE
    assert any("too poor" in reason or "No face" in reason for reason in comparison.decision.reasons)


def test_a_stricter_rate_needs_a_higher_score(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    thresholds = [
        Comparer(analyzer, policy=ComparePolicy(fmr))(astronaut, astronaut).decision.threshold for fmr in (1e-2, 1e-4)
    ]
    assert thresholds[0] is not None and thresholds[1] is not None and thresholds[0] < thresholds[1]


def test_an_analyzer_without_embedding_is_refused(weights: Settings) -> None:
    with pytest.raises(SettingsError, match="quality and embed"):
        Comparer(Analyzer(["quality"], weights))


def test_real_people(comparer: Comparer, data: Path) -> None:
    people = data / "lfw" / "images"
    same = comparer(people / "Abdullah_Gul/Abdullah_Gul_0013.jpg", people / "Abdullah_Gul/Abdullah_Gul_0014.jpg")
    other = comparer(people / "Abdullah_Gul/Abdullah_Gul_0013.jpg", people / "Aaron_Peirsol/Aaron_Peirsol_0001.jpg")
    assert same.decision.answer is Answer.MATCH
    assert other.decision.answer is Answer.NO_MATCH
