"""The table of `mien analyze`, on wide and narrow terminals."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from mien.cli.terminal import analysis_table
from mien.expression.classes import FERPLUS
from mien.face import Analysis, Box, Detection, Expression, Face, Failed

DETECTION = Detection(Box(30, 40, 60, 60), 0.94, np.full((5, 2), 60, np.float32))


def shown(face: Face, width: int = 160) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(analysis_table("photo.jpg", Analysis(300, 200, (face,))))
    return out.getvalue()


def named(label: str, likeliest: str) -> Face:
    probabilities = dict.fromkeys(FERPLUS, 0.05) | {likeliest: 0.65}
    return Face(DETECTION, expression=Expression(label, 0.65, probabilities, "ferplus", "tiny@0"))


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("label", FERPLUS)
def test_no_word_of_an_expression_is_broken(label: str, width: int) -> None:
    out = shown(named(label, label), width)
    assert {"apparent", "expression", label, "0.65"} <= set(out.split())


def test_unsure_names_the_likeliest_class_too() -> None:
    assert "unsure (contempt 0.65)" in shown(named("unsure", "contempt"))


def test_a_failure_says_why_and_what_was_not_asked_is_a_dash() -> None:
    failed = shown(Face(DETECTION, expression=Failed("align", "The five landmarks coincide.")))
    assert "failed" in failed and "The five landmarks coincide." in failed
    assert "failed" not in shown(Face(DETECTION))
