"""The expression stage on a network of random weights: what is cut, averaged, named, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.align.view import FaceView
from mien.errors import ImageArrayRefused, SettingsError, WeightsCardInvalid, WeightsHashMismatch
from mien.expression.classes import FER2013, FERPLUS, UNSURE
from mien.expression.frame import FrameExpression
from mien.expression.policy import ExpressionPolicy
from mien.face import Box, Detection, Expression, Failed
from mien.image import open_photo
from mien.settings import Settings
from mien.weights.catalog import Catalog
from tiny_expression import HEADS, POINTS, SIZE, install, write_model

Y, X = np.mgrid[:400, :400] + 0.5


@pytest.fixture
def cache(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", offline=True)


@pytest.fixture
def express(cache: Settings) -> FrameExpression:
    return FrameExpression(install(cache), cache)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (6, SIZE, SIZE), np.uint8)


def view(pixels: np.ndarray, points: np.ndarray) -> FaceView:
    (x, y), (right, bottom) = points.min(axis=0), points.max(axis=0)
    box = Box(float(x), float(y), float(right - x), float(bottom - y))
    return FaceView(open_photo(pixels), Detection(box, 0.9, points.astype(np.float32)))


def placed(scale: float, degrees: float, centre: tuple[float, float]) -> np.ndarray:
    """The card's five points, scaled, turned and moved."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (np.array(POINTS) - 0.5) * SIZE * scale @ turn.T + centre


@pytest.mark.parametrize(("scale", "degrees"), [(1, 0), (4, 0), (4, 30), (2.5, -90), (0.5, 10)])
def test_the_five_points_come_to_lie_where_the_card_says(
    express: FrameExpression, scale: float, degrees: float
) -> None:
    points = placed(scale, degrees, (200, 180))
    for index, (x, y) in enumerate(points):
        spot = np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * (2 * scale) ** 2))
        pixels = np.repeat(np.round(255 * spot).astype(np.uint8)[..., None], 3, axis=2)
        crop = express.crop(view(pixels, points)).astype(float)
        rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
        found = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
        assert found == pytest.approx(np.array(POINTS[index]) * SIZE, abs=0.15)


def test_the_crop_is_luma(express: FrameExpression) -> None:
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 200, 90)):
        crop = express.crop(view(np.full((300, 300, 3), colour, np.uint8), placed(3, 5, (150, 150))))
        luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]  # ITU-R BT.601
        assert crop.shape == (SIZE, SIZE) and crop.dtype == np.uint8
        assert crop == pytest.approx(luma, abs=1)


@pytest.mark.parametrize("period", [1, 3])
def test_detail_too_fine_for_the_crop_becomes_grey(express: FrameExpression, period: int) -> None:
    rows, columns = np.mgrid[:900, :900] // period
    board = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    crop = express.crop(view(board, placed(15, 0, (450, 450))))
    assert crop.mean() == pytest.approx(127.5, abs=1) and crop.std() < 10


def test_the_answer_is_the_likeliest_class_with_every_probability(
    express: FrameExpression, astronaut: np.ndarray
) -> None:
    face = view(astronaut, placed(2, 0, (225, 120)))
    (result,) = express([face])
    assert isinstance(result, Expression)
    expected = express.probabilities(express.crop(face)[None])["ferplus"][0]
    assert tuple(result.probabilities) == FERPLUS and result.classes == "ferplus"
    assert list(result.probabilities.values()) == pytest.approx(expected)
    assert result.confidence == max(result.probabilities.values()) == result.probabilities[FERPLUS[expected.argmax()]]
    assert result.model == express.card.id


@pytest.mark.parametrize("vocabulary", ["ferplus", "fer2013"])
def test_a_face_is_unsure_below_the_confidence_asked_for(
    cache: Settings, astronaut: np.ndarray, vocabulary: str
) -> None:
    card, face = install(cache), view(astronaut, placed(2, 0, (225, 120)))

    def ask(confidence: float) -> Expression:
        (result,) = FrameExpression(card, cache, ExpressionPolicy(vocabulary, confidence))([face])
        assert isinstance(result, Expression)
        return result

    sure = ask(0)
    assert sure.label in {"ferplus": FERPLUS, "fer2013": FER2013}[vocabulary] and 0 < sure.confidence < 1
    assert ask(sure.confidence).label == sure.label
    doubtful = ask(float(np.nextafter(sure.confidence, 1)))
    assert doubtful.label == UNSURE
    assert (doubtful.confidence, doubtful.probabilities) == (sure.confidence, sure.probabilities)


def test_the_probabilities_are_read_only_and_turn_into_json(express: FrameExpression, astronaut: np.ndarray) -> None:
    (result,) = express([view(astronaut, placed(2, 0, (225, 120)))])
    assert isinstance(result, Expression)
    with pytest.raises(TypeError):
        result.probabilities["neutral"] = 1.0  # type: ignore[index]
    record = json.loads(result.to_json())
    assert record["status"] == "ok" and list(record["probabilities"]) == list(FERPLUS)
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_points_that_coincide_fail_to_align(express: FrameExpression, astronaut: np.ndarray) -> None:
    good, bad = view(astronaut, placed(2, 0, (225, 120))), view(astronaut, np.full((5, 2), 100.0))
    first, failed, last = express([good, bad, good])
    assert isinstance(failed, Failed) and failed.code == "align"
    assert isinstance(first, Expression) and isinstance(last, Expression)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_fail(cache: Settings, astronaut: np.ndarray, value: float) -> None:
    express = FrameExpression(install(cache, spoil=value), cache)
    (result,) = express([view(astronaut, placed(2, 0, (225, 120)))])
    assert isinstance(result, Failed) and result.code == "expression" and "tiny" in result.reason


def test_probabilities_are_the_softmax_of_the_tempered_logits(express: FrameExpression, faces: np.ndarray) -> None:
    logits, probabilities = express.logits(faces), express.probabilities(faces)
    assert set(logits) == set(probabilities) == {"ferplus", "fer2013"}
    for head in HEADS:
        powers = np.exp(logits[head["vocabulary"]].astype(np.float64) / head["temperature"])
        expected = powers / powers.sum(axis=1, keepdims=True)
        assert probabilities[head["vocabulary"]] == pytest.approx(expected, abs=1e-6)


def test_huge_logits_do_not_overflow(cache: Settings, faces: np.ndarray) -> None:
    heads = [head | {"temperature": 1e-6} for head in HEADS]
    express = FrameExpression(install(cache, heads=heads), cache)
    rows = express.probabilities(faces)["ferplus"]
    assert rows.sum(axis=1) == pytest.approx(1) and rows.max(axis=1) == pytest.approx(1)


def test_fast_is_the_same_where_the_card_has_no_ranges(cache: Settings, faces: np.ndarray) -> None:
    card = install(cache)
    thorough, fast = FrameExpression(card, cache), FrameExpression(card, cache, fast=True)
    assert thorough.model == fast.model == card.id
    for name, rows in thorough.logits(faces).items():
        np.testing.assert_array_equal(rows, fast.logits(faces)[name])


def test_features_need_a_card_that_names_them(cache: Settings, faces: np.ndarray) -> None:
    express = FrameExpression(install(cache, features=None), cache)
    assert express.probabilities(faces)["ferplus"].shape == (len(faces), 8)
    with pytest.raises(WeightsCardInvalid, match="features"):
        express.features(faces)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((SIZE, SIZE), np.uint8), np.zeros((1, 64, 64), np.uint8), np.zeros((1, SIZE, SIZE), np.float32)],
    ids=["one face", "another size", "floats"],
)
def test_faces_of_another_shape_are_refused(express: FrameExpression, wrong: np.ndarray) -> None:
    for method in (express.logits, express.probabilities, express.features):
        with pytest.raises(ImageArrayRefused, match="48, 48"):
            method(wrong)


def test_an_unknown_vocabulary_names_those_of_the_model(cache: Settings) -> None:
    with pytest.raises(SettingsError, match=r"rafdb.*ferplus, fer2013"):
        FrameExpression(install(cache), cache, ExpressionPolicy("rafdb"))


def test_a_card_of_another_task_is_refused(cache: Settings) -> None:
    with pytest.raises(WeightsCardInvalid, match="sface is no expression model"):
        FrameExpression(Catalog.load(cache).card("sface"), cache)


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"heads": [HEADS[0] | {"output": "logits"}]}, "'logits'"),
        ({"heads": [HEADS[0] | {"classes": ["happy", "not"]}]}, r"\(N, 2\)"),
        ({"features": "embedding"}, "'embedding'"),
    ],
)
def test_a_card_that_its_model_contradicts_is_refused(cache: Settings, spec: dict[str, Any], word: str) -> None:
    with pytest.raises(WeightsCardInvalid, match=word):
        FrameExpression(install(cache, **spec), cache, ExpressionPolicy("ferplus"))


def test_another_file_than_the_cards_is_refused(cache: Settings) -> None:
    card = install(cache)
    write_model(cache.cache_dir / "weights" / card.file, seed=8)
    with pytest.raises(WeightsHashMismatch):
        FrameExpression(card, cache)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(SettingsError, match="min_confidence"):
        ExpressionPolicy(min_confidence=confidence)


def test_the_policy_of_the_settings(cache: Settings) -> None:
    assert ExpressionPolicy.of(cache) == ExpressionPolicy()
    asked = cache.model_copy(update={"expression_classes": "fer2013", "min_confidence": 0.8, "expression_model": "x"})
    assert ExpressionPolicy.of(asked) == ExpressionPolicy("fer2013", 0.8, "x")
