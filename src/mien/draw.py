"""Annotated pictures: boxes, points and a line or two of text a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.face import Analysis, Expression, Face, FaceMesh, Floats, Pixels, Quality

ACCENT = (0, 200, 150)
INK = (12, 16, 20)
MESH = (255, 255, 255)


def draw_analysis(pixels: Pixels, analysis: Analysis, captions: Sequence[str] | None = None) -> Pixels:
    """A copy of `pixels` (H, W, 3) uint8 RGB, the whole upright photo at any scale, with its faces drawn on.

    captions: a text for each face; by default its number, score, quality and apparent expression.
    """
    canvas = Image.fromarray(pixels)
    scale = canvas.width / analysis.width
    pen = ImageDraw.Draw(canvas, "RGBA")
    for index, face in enumerate(analysis.faces):
        caption = captions[index] if captions else caption_of(index, face)
        _draw_face(pen, face, caption, scale, max(canvas.size))
    return np.asarray(canvas, np.uint8)


def caption_of(index: int, face: Face) -> str:
    """`1  0.94  q 81` and, on a line of its own, `happiness 0.83`: as far as they were asked for.

    Number, score, quality, apparent expression.
    """
    quality = f"  q {face.quality.score:.0f}" if isinstance(face.quality, Quality) else ""
    shown = f"\n{apparent(face.expression)}" if isinstance(face.expression, Expression) else ""
    return f"{index + 1}  {face.detection.score:.2f}{quality}{shown}"


def apparent(expression: Expression) -> str:
    """`happiness 0.83`, or `unsure (happiness 0.41)`; also of a label that stays while another class leads."""
    likeliest = max(expression.probabilities, key=expression.probabilities.__getitem__)
    said = f"{likeliest} {expression.probabilities[likeliest]:.2f}"
    return said if expression.label == likeliest else f"{expression.label} ({said})"


def _draw_face(pen: ImageDraw.ImageDraw, face: Face, caption: str, scale: float, longest: int) -> None:
    box = face.detection.box
    left, top = box.x * scale, box.y * scale
    right, bottom = left + box.width * scale, top + box.height * scale
    width = max(1, round(longest / 500))
    if isinstance(face.landmark, FaceMesh):
        _dots(pen, face.landmark.points[:, :2] * scale, max(0.5, (right - left) / 300), (*MESH, 110))
        _dots(pen, face.landmark.irises[:, 0] * scale, max(1.0, (right - left) / 60), (*ACCENT, 255))
    else:
        _dots(pen, face.detection.landmarks * scale, max(1.0, (right - left) / 40), (*ACCENT, 255))
    pen.rectangle((left, top, right, bottom), outline=(*ACCENT, 255), width=width)
    font = ImageFont.load_default(float(min(max(longest / 60, 10), max(10, (right - left) / 5))))
    _, text_top, text_right, text_bottom = pen.textbbox((left, top), caption, font=font)
    beyond = text_right + 2 * width - pen.im.size[0]
    if beyond > 0:
        left, text_right = max(0, left - beyond), text_right - min(left, beyond)
    lift = (text_bottom - text_top) + 4 * width
    if top - lift < 0:
        lift = 0
    pen.rectangle((left, top - lift, text_right + 2 * width, text_bottom + 2 * width - lift), fill=(*ACCENT, 230))
    pen.text((left + width, top - lift), caption, fill=(*INK, 255), font=font)


def _dots(pen: ImageDraw.ImageDraw, points: Floats, radius: float, fill: tuple[int, ...]) -> None:
    for x, y in points:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
