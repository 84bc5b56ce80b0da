from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_faces import SPEC, face_set, ten_votes

from mien.dataset.faces import FaceSet
from mien.errors import ExtraMissing
from mien.evaluate.expression import ExpressionReport, Judged, evaluate_expression, judge_all
from mien.evaluate.expression_plots import (
    draw_confusion,
    draw_coverage,
    draw_reliability,
    draw_robustness,
    draw_worst,
    most_confident_mistakes,
)
from mien.evaluate.robustness import robustness

N = 60
Measured = tuple[FaceSet, dict[str, np.ndarray], ExpressionReport, tuple[Judged, ...]]


def scorer(faces: np.ndarray) -> dict[str, np.ndarray]:
    """Says something of each face by its pixels."""
    mixed = faces.reshape(len(faces), -1)[:, :8].astype(np.float32) / 64
    return {"ferplus": mixed, "fer2013": mixed[:, :7]}


@pytest.fixture(scope="module")
def measured() -> Measured:
    votes = [ten_votes(**{name: 10}) for name in ("happiness", "neutral", "anger")] * (N // 3)
    faces = face_set([place % 7 for place in range(N)], votes)
    logits = scorer(faces.faces)
    return faces, logits, evaluate_expression(faces, logits, SPEC), judge_all(faces, logits, SPEC)


def is_a_picture(file: Path) -> None:
    pixels = cv2.imread(str(file))
    assert pixels.shape[0] > 300 and pixels.shape[1] > 900
    assert 0.001 < (pixels < 128).any(axis=2).mean() < 0.9


def test_two_heads_side_by_side(measured: Measured, tmp_path: Path) -> None:
    faces, logits, report, judged = measured
    draw_confusion(report.heads, tmp_path / "confusion.png")
    draw_reliability(report.heads, tmp_path / "reliability.png")
    draw_coverage(judged, tmp_path / "coverage.png")
    draw_robustness(robustness(faces, logits, SPEC, scorer), tmp_path / "robustness.png")
    assert len(list(tmp_path.iterdir())) == 4
    for file in tmp_path.iterdir():
        is_a_picture(file)


def test_one_head(measured: Measured, tmp_path: Path) -> None:
    *_, report, judged = measured
    for draw, given in (
        (draw_confusion, report.heads[:1]),
        (draw_reliability, report.heads[:1]),
        (draw_coverage, judged[:1]),
    ):
        draw(given, tmp_path / "one.png")
        assert cv2.imread(str(tmp_path / "one.png")).shape[1] < 900


def test_the_surest_mistake_comes_first(measured: Measured) -> None:
    *_, judged = measured
    for one in judged:
        mistakes = most_confident_mistakes(one, 10)
        sure = [confidence for _, _, confidence, _ in mistakes]
        assert len(mistakes) == 10 and sure == sorted(sure, reverse=True)
        probabilities = one.probabilities()
        wrong = probabilities.argmax(axis=1) != one.labels
        assert sure[0] == probabilities.max(axis=1)[wrong].max()
        assert all(said != true for _, said, _, true in mistakes)


def test_the_contact_sheet_shows_the_faces_that_were_mistaken(measured: Measured, tmp_path: Path) -> None:
    """One face is white and said wrongly: it is on the sheet of its head, and nobody's else."""
    faces, _, _, judged = measured
    place, *_ = most_confident_mistakes(judged[1], 1)[0]
    pixels = np.zeros_like(faces.faces)
    pixels[place] = 200
    draw_worst(pixels, judged[1:], tmp_path / "worst.png")
    sheet = cv2.imread(str(tmp_path / "worst.png"))
    assert (sheet == 200).all(axis=2).sum() >= 112 * 112
    first = sheet[20:132, 4:116]
    assert (first == 200).mean() > 0.9


def test_no_mistake_no_sheet(measured: Measured, tmp_path: Path) -> None:
    faces, _, _, judged = measured
    right = judged[0].of(judged[0].logits.argmax(axis=1) == judged[0].labels)
    draw_worst(faces.faces, [right], tmp_path / "worst.png")
    assert len(right.labels) and not (tmp_path / "worst.png").exists()


def test_without_matplotlib_the_cure_is_said(
    measured: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ExtraMissing, match=r"mien\[evaluate\]"):
        draw_coverage(measured[3], tmp_path / "coverage.png")
