"""What annotated pictures say of a face."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.draw import caption_of, draw_analysis
from mien.face import Analysis, Box, Detection, Expression, Face, Quality

DETECTION = Detection(Box(30, 40, 60, 60), 0.94, np.full((5, 2), 60, np.float32))


def expression(label: str) -> Expression:
    return Expression(label, 0.61, MappingProxyType({"neutral": 0.39, "happiness": 0.61}), "ferplus", "tiny@0")


def test_the_caption_has_what_was_asked_for() -> None:
    assert caption_of(0, Face(DETECTION)) == "1  0.94"
    assert caption_of(1, Face(DETECTION, quality=Quality(81, ()))) == "2  0.94  q 81"
    named = Face(DETECTION, quality=Quality(81, ()), expression=expression("happiness"))
    assert caption_of(0, named) == "1  0.94  q 81\nhappiness 0.61"
    assert caption_of(0, Face(DETECTION, expression=expression("unsure"))) == "1  0.94\nunsure (happiness 0.61)"


def test_the_expression_is_drawn_on_the_picture() -> None:
    blank = np.zeros((200, 300, 3), np.uint8)
    plain, named = (
        draw_analysis(blank, Analysis(300, 200, (Face(DETECTION, expression=one),)))
        for one in (Face(DETECTION).expression, expression("happiness"))
    )
    changed = np.argwhere((plain != named).any(axis=2))
    assert blank.max() == 0 and len(changed) > 0
    assert changed[:, 0].max() < 45  # in the lines of text above the box


def test_text_stays_in_the_picture() -> None:
    at_the_edge = Detection(Box(270, 90, 30, 30), 0.94, np.full((5, 2), 280, np.float32))
    pixels = draw_analysis(
        np.zeros((200, 300, 3), np.uint8), Analysis(300, 200, (Face(at_the_edge, expression=expression("unsure")),))
    )
    text = pixels[40:85].any(axis=(0, 2)).nonzero()[0]
    assert text.min() < 250 and text.max() < 300 and len(text) > 60
