"""What every expression model promises, whatever its network: the shipped ones, and one of random weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mien.align.view import FaceView
from mien.expression.classes import UNSURE
from mien.expression.frame import FrameExpression
from mien.expression.policy import ExpressionPolicy
from mien.face import Box, Detection, Expression
from mien.image import open_photo
from mien.settings import Settings, load_settings
from mien.weights.catalog import Catalog

THREADS = 4
SHIPPED = [card.name for card in Catalog.load(load_settings()).cards("expression") if card.sources]


@pytest.fixture(scope="module", params=["openvino", "onnxruntime"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[*SHIPPED, "tiny"])
def express(request: pytest.FixtureRequest, engine: str) -> FrameExpression:
    settings: Settings = request.getfixturevalue("tiny" if request.param == "tiny" else "weights")
    settings = settings.model_copy(update={"threads": THREADS, "engine": engine})
    card = Catalog.load(settings).card(request.param)
    assert card.expression
    return FrameExpression(card, settings, ExpressionPolicy(card.expression.heads[0].vocabulary))


@pytest.fixture
def faces(express: FrameExpression, astronaut: np.ndarray) -> np.ndarray:
    """Noise, a face, its parts."""
    size = express.spec.size
    noise = np.random.default_rng(0).integers(0, 256, (5, size, size), np.uint8)
    return np.concatenate([noise, *[express.crop(view)[None] for view in views(astronaut)]])


def views(astronaut: np.ndarray) -> list[FaceView]:
    """The face of the sample, the eyes at several distances from each other, upright and turned."""
    photo = open_photo(astronaut)
    points = np.array([[205, 108], [244, 108], [225, 130], [207, 148], [243, 148]], np.float32)
    box = Box(180, 60, 90, 115)
    grown = [(points - points.mean(axis=0)) * scale + points.mean(axis=0) for scale in (0.2, 1, 3)]
    turned = (points - points.mean(axis=0)) @ np.array([[0, 1], [-1, 0]]) + points.mean(axis=0)
    return [FaceView(photo, Detection(box, 0.9, one.astype(np.float32))) for one in (*grown, turned)]


def test_shapes_and_sums(express: FrameExpression, faces: np.ndarray) -> None:
    probabilities, logits = express.probabilities(faces), express.logits(faces)
    assert list(probabilities) == list(logits) == [head.vocabulary for head in express.spec.heads]
    for head in express.spec.heads:
        rows = probabilities[head.vocabulary]
        assert rows.shape == logits[head.vocabulary].shape == (len(faces), len(head.classes))
        assert rows.dtype == logits[head.vocabulary].dtype == np.float32
        assert rows.min() >= 0 and rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (rows.argmax(axis=1) == logits[head.vocabulary].argmax(axis=1)).all()


def test_features_are_one_row_a_face(express: FrameExpression, faces: np.ndarray) -> None:
    features = express.features(faces)
    assert len(features) == len(faces) and features.dtype == np.float32 and np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 0


def test_no_faces_give_no_rows(express: FrameExpression, faces: np.ndarray) -> None:
    assert express([]) == []
    for head in express.spec.heads:
        assert express.probabilities(faces[:0])[head.vocabulary].shape == (0, len(head.classes))
    assert express.features(faces[:0]).shape == (0, express.features(faces).shape[1])


def test_one_result_a_view_in_the_words_of_the_model(express: FrameExpression, astronaut: np.ndarray) -> None:
    head = express.spec.heads[0]
    for result in express(views(astronaut)):
        assert isinstance(result, Expression) and result.model == express.model and result.classes == head.vocabulary
        assert tuple(result.probabilities) == head.classes
        assert result.label in {UNSURE, max(result.probabilities, key=result.probabilities.__getitem__)}
        assert (result.label == UNSURE) == (result.confidence < express.policy.min_confidence)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_face_is_an_answer_too(express: FrameExpression, value: int) -> None:
    flat = np.full((1, express.spec.size, express.spec.size), value, np.uint8)
    for rows in express.probabilities(flat).values():
        assert np.isfinite(rows).all() and rows.sum() == pytest.approx(1, abs=1e-5)


def test_a_grey_photo_has_the_same_crop_as_its_colours(express: FrameExpression, astronaut: np.ndarray) -> None:
    """Nothing but luma counts: made grey before the crop or after it, up to rounding."""
    luma = np.round(astronaut @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    grey = views(np.repeat(luma[..., None], 3, axis=2))
    for one, other in zip(views(astronaut), grey, strict=True):
        assert np.abs(express.crop(one).astype(int) - express.crop(other)).max() <= 2


def test_the_order_of_the_faces_is_irrelevant(express: FrameExpression, faces: np.ndarray) -> None:
    together = express.logits(faces)
    backwards = express.logits(faces[::-1])
    alone = [express.logits(face[None]) for face in faces]
    for name, rows in together.items():
        assert backwards[name][::-1].tobytes() == rows.tobytes()
        assert np.concatenate([one[name] for one in alone]).tobytes() == rows.tobytes()


def test_every_thread_has_the_same_answer(express: FrameExpression, astronaut: np.ndarray) -> None:
    alone = [one.to_json() for one in express(views(astronaut))]
    with ThreadPoolExecutor(2 * THREADS) as pool:
        together = list(pool.map(lambda _: [one.to_json() for one in express(views(astronaut))], range(6 * THREADS)))
    assert all(results == alone for results in together)
