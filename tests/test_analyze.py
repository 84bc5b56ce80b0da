"""The pipeline as a library user sees it."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import Analyzer
from mien.analyze import STAGES, default_stages
from mien.errors import ImageError, ImageMissing, SettingsError, WeightsPolicyRefused, WeightsUnknown
from mien.face import Analysis, Embedding, Expression, FaceMesh, NotAsked, Quality
from mien.image import encode_image, open_photo
from mien.settings import Settings, load_settings


@pytest.fixture(scope="module")
def analyzer(weights: Settings) -> Analyzer:
    return Analyzer(settings=weights)


def test_one_face_with_every_stage(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    analysis = analyzer.analyze(astronaut)
    assert (analysis.width, analysis.height) == (512, 512)
    (face,) = analysis.faces
    assert face.detection.score > 0.9
    assert isinstance(face.landmark, FaceMesh) and face.landmark.points.shape == (468, 3)
    assert isinstance(face.quality, Quality) and 0 <= face.quality.score <= 100
    assert isinstance(face.embedding, Embedding)
    assert np.linalg.norm(face.embedding.vector) == pytest.approx(1, abs=1e-5)
    assert isinstance(face.expression, Expression) and face.expression.classes == "ferplus"


@pytest.mark.parametrize("sample", ["cat", "coffee"])
def test_no_face_is_an_empty_answer(analyzer: Analyzer, sample: str, request: pytest.FixtureRequest) -> None:
    assert analyzer.analyze(request.getfixturevalue(sample)).faces == ()


def test_stages_not_asked_for_say_so(weights: Settings, astronaut: np.ndarray) -> None:
    (face,) = Analyzer((), weights).analyze(astronaut).faces
    assert {type(one) for one in (face.landmark, face.quality, face.embedding, face.expression)} == {NotAsked}
    assert face.to_dict()["quality"] == {"status": "not_asked"}


def test_quality_brings_its_landmarks(weights: Settings, astronaut: np.ndarray) -> None:
    (face,) = Analyzer(["quality"], weights).analyze(astronaut).faces
    assert isinstance(face.quality, Quality) and isinstance(face.landmark, FaceMesh)
    assert isinstance(face.embedding, NotAsked) and isinstance(face.expression, NotAsked)


def test_unknown_stage_is_refused(weights: Settings) -> None:
    with pytest.raises(SettingsError, match="no stage horoscope"):
        Analyzer(["horoscope"], weights)  # type: ignore[list-item]


def test_every_kind_of_source_gives_the_same(analyzer: Analyzer, astronaut: np.ndarray, tmp_path: Path) -> None:
    data = encode_image(astronaut, ".png")
    path = tmp_path / "face.png"
    path.write_bytes(data)
    answers = {analyzer.analyze(source).to_json() for source in (astronaut, data, path, str(path), io.BytesIO(data))}
    assert len(answers) == 1
    assert analyzer.analyze(open_photo(path)).to_json() in answers


def test_threads_give_bit_identical_answers(weights: Settings, astronaut: np.ndarray) -> None:
    analyzer = Analyzer(settings=weights.model_copy(update={"threads": 4}))
    photos = [np.ascontiguousarray(astronaut[:, shift:]) for shift in (0, 10, 20, 30)]
    alone = [analyzer.analyze(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(analyzer.analyze, photos * 6))
    for index, analysis in enumerate(together):
        one, other = alone[index % 4].faces[0], analysis.faces[0]
        assert isinstance(one.embedding, Embedding) and isinstance(other.embedding, Embedding)
        assert one.embedding.vector.tobytes() == other.embedding.vector.tobytes()
        assert alone[index % 4].to_json() == analysis.to_json()


def test_many_keep_their_order_and_their_errors(analyzer: Analyzer, astronaut: np.ndarray, tmp_path: Path) -> None:
    sources = [astronaut, tmp_path / "absent.jpg", b"text, not a picture", astronaut]
    first, absent, text, last = analyzer.analyze_many(sources)
    assert isinstance(first, Analysis) and isinstance(last, Analysis) and first.to_json() == last.to_json()
    assert isinstance(absent, ImageMissing) and isinstance(text, ImageError)


def test_many_read_only_a_little_ahead(weights: Settings, coffee: np.ndarray) -> None:
    analyzer = Analyzer((), weights.model_copy(update={"threads": 2}))
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield coffee

    stream = analyzer.analyze_many(endless())
    next(stream)
    assert len(taken) <= 6
    stream.close()


def test_reduced_decoding_does_not_move_the_face(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    """A JPEG eight times as large, decoded at reduced scale, gives the same face in its own pixels."""
    large = cv2.resize(astronaut, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    (small_face,) = analyzer.analyze(astronaut).faces
    (large_face,) = analyzer.analyze(encode_image(large, ".jpg")).faces
    np.testing.assert_allclose(large_face.detection.landmarks / 6, small_face.detection.landmarks, atol=2.0)
    assert isinstance(small_face.embedding, Embedding) and isinstance(large_face.embedding, Embedding)
    assert small_face.embedding.vector @ large_face.embedding.vector > 0.9


def test_limits_come_from_the_settings(weights: Settings, astronaut: np.ndarray) -> None:
    analyzer = Analyzer((), weights.model_copy(update={"max_pixels": 1000}))
    with pytest.raises(ImageError, match=r"1[.,]?0"):
        analyzer.analyze(encode_image(astronaut, ".png"))


def test_results_are_frozen_and_turn_into_json(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    analysis = analyzer.analyze(astronaut)
    with pytest.raises(ValueError, match="read-only"):
        analysis.faces[0].detection.landmarks[0, 0] = 1
    with pytest.raises(AttributeError):
        analysis.width = 3  # type: ignore[misc]
    assert json.loads(analysis.to_json()) == analysis.to_dict()


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_THREADS", "3")
    assert load_settings().threads == 3
    assert load_settings(threads=5).threads == 5
    monkeypatch.setenv("MIEN_THREADS", "none")
    with pytest.raises(SettingsError, match="threads"):
        load_settings()


def test_the_profile_is_a_setting(weights: Settings, astronaut: np.ndarray) -> None:
    (face,) = Analyzer(["quality"], weights.model_copy(update={"profile": "document"})).analyze(astronaut).faces
    assert isinstance(face.quality, Quality)
    assert "background_unevenness" in {measure.name for measure in face.quality.measures}


def test_the_expression_follows_the_settings(tiny: Settings, astronaut: np.ndarray) -> None:
    def ask(**over: object) -> Expression:
        (face,) = Analyzer(["expression"], tiny.model_copy(update=over)).analyze(astronaut).faces
        assert isinstance(face.expression, Expression) and isinstance(face.embedding, NotAsked)
        return face.expression

    sure = ask(min_confidence=0.0)
    assert sure.model.startswith("tiny@") and sure.label == max(sure.probabilities, key=sure.probabilities.__getitem__)
    assert ask(min_confidence=1.0).label == "unsure"
    assert ask(expression_classes="fer2013").classes == "fer2013"
    with pytest.raises(SettingsError, match="rafdb"):
        ask(expression_classes="rafdb")
    with pytest.raises(WeightsUnknown, match="no weights named 'other'"):
        ask(expression_model="other")


def test_fast_names_expressions_by_another_model(weights: Settings, astronaut: np.ndarray) -> None:
    """In integers the shipped model says nearly the same, under another name."""
    thorough, fast = (
        Analyzer(["expression"], weights, fast=fast).analyze(astronaut).faces[0] for fast in (False, True)
    )
    assert isinstance(thorough.expression, Expression) and isinstance(fast.expression, Expression)
    assert fast.expression.model == f"{thorough.expression.model}-fast"
    assert fast.expression.label == thorough.expression.label == "happiness"


def test_a_refused_expression_model_is_left_out_unless_asked_for(tiny: Settings, astronaut: np.ndarray) -> None:
    """The tiny model's card says commercial use: unclear."""
    commercial = tiny.model_copy(update={"policy": "commercial"})
    assert default_stages(tiny) == STAGES
    assert default_stages(commercial) == tuple(stage for stage in STAGES if stage != "expression")
    (face,) = Analyzer(settings=commercial).analyze(astronaut).faces
    assert isinstance(face.expression, NotAsked) and isinstance(face.embedding, Embedding)
    with pytest.raises(WeightsPolicyRefused, match="tiny"):
        Analyzer(["expression"], commercial)
