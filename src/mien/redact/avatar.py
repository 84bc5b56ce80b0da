"""A drawn face in the place of a person's: it turns its head, looks and speaks as the person does, and is nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.align.similarity import ARCFACE_112, fit_similarity
from mien.detect.likeness import turn
from mien.face import Floats, Pixels
from mien.redact.cover import Cover
from mien.redact.gaps import FIRM_SCORE
from mien.redact.mask import Patch, extent

Colour = tuple[int, int, int]
Numbers = NDArray[np.float64]
BACKDROP: Final = (236, 240, 245)
SKIN: Final = (255, 205, 120)
SHADE: Final = (240, 178, 92)
INK: Final = (66, 52, 48)
WHITE: Final = (255, 255, 255)
TONGUE: Final = (226, 96, 88)
# Drawn at so many times the size, then averaged; no patch is drawn larger than `MOST_PX`.
FINER: Final = 2
MOST_PX: Final = 1024
# Lids: openness of an eye that is shut, and of one that is wide open.
SHUT, OPEN = 0.12, 0.34
# Smaller faces do not wink: their eyes are not known well enough.
WINK_PX: Final = 96.0
# Openness of a mouth that is wide open.
WIDE: Final = 0.6
# Degrees at which the face's middle has moved to the edge of the head.
SIDEWAYS: Final = 70.0
STEPS: Final = 16


@dataclass(frozen=True, slots=True)
class Look:
    """What is drawn.

    roll: degrees clockwise. yaw, pitch: -1..1, to the image's right and down. eyes, mouth: 0..1 open.
    """

    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    right_eye: float = 0.85
    left_eye: float = 0.85
    mouth: float = 0.0


def avatar(pixels: Pixels, covers: Sequence[Cover], margin: float) -> None:
    """Faces over covers. Their proportions are always the same: only place, size and bearing are the person's.

    What is hardly a face gets none, nor what was filled in where there is another.
    """
    for cover in covers:
        Patch(pixels, cover, margin).put(BACKDROP)
    firm = [cover for cover in covers if cover.score >= FIRM_SCORE]
    seen = [cover for cover in firm if cover.points is not None]
    for cover in firm:
        if cover.points is not None or not any(_overlap(cover, one) for one in seen):
            _head(pixels, cover, margin)


def _overlap(one: Cover, other: Cover) -> bool:
    low, high = np.maximum(one.box[:2], other.box[:2]), np.minimum(_end(one.box), _end(other.box))
    return bool((high > low).all())


def _end(box: Floats) -> Floats:
    return np.asarray(box[:2] + box[2:], np.float32)


def _head(pixels: Pixels, cover: Cover, margin: float) -> None:
    """One face, drawn larger and averaged down onto the picture."""
    patch = Patch(pixels, cover, margin)
    if not patch.mask.size:
        return
    cx, cy, rx, ry = extent(cover, margin)
    height, width = patch.mask.shape
    finer = min(float(FINER), MOST_PX / max(height, width))
    size = max(1, round(width * finer)), max(1, round(height * finer))
    canvas = np.asarray(cv2.resize(patch.pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    pen = _Pen(canvas, ((cx - patch.left) * finer, (cy - patch.top) * finer), (rx * finer, ry * finer))
    _draw(pen, look_of(cover))
    patch.put(np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8))


def look_of(cover: Cover) -> Look:
    """What is known of the head; a face that was not seen looks ahead."""
    if cover.points is None:
        return Look()
    matrix = fit_similarity(cover.points, ARCFACE_112)
    roll = -float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    if cover.bearing is None or not np.isfinite(cover.bearing).all():
        return Look(roll, _side(cover.points) * min(1.0, turn(cover.points)))
    mouth, right, left, yaw, pitch = (float(value) for value in cover.bearing)
    if min(cover.box[2:]) < WINK_PX:
        right = left = (right + left) / 2
    opened = [float(np.clip((eye - SHUT) / (OPEN - SHUT), 0, 1)) for eye in (right, left)]
    turned = float(np.clip(-yaw / SIDEWAYS, -1, 1)), float(np.clip(pitch / SIDEWAYS, -1, 1))
    return Look(roll, turned[0], turned[1], opened[0], opened[1], float(np.clip(mouth / WIDE, 0, 1)))


def _side(points: Floats) -> float:
    """1 where the nose lies to the right of the middle, along the eyes."""
    return 1.0 if (points[2] - points[[0, 1, 3, 4]].mean(axis=0)) @ (points[1] - points[0]) > 0 else -1.0


class _Pen:
    """Ellipses and curves in the head's own frame: the unit is half the head's width, the origin its middle."""

    def __init__(self, canvas: Pixels, centre: tuple[float, float], half: tuple[float, float]) -> None:
        self._canvas, self._centre, self._half = canvas, np.array(centre), np.array(half) * 0.86
        self.roll = 0.0

    def ellipse(
        self, at: tuple[float, float], half: tuple[float, float], colour: Colour, span: tuple[int, int]
    ) -> None:
        """Filled; span: degrees from and to, clockwise from the right."""
        angles = np.radians(np.linspace(*span, 2 * STEPS + 1))
        rim = np.column_stack([np.cos(angles), np.sin(angles)]) * half + at
        cv2.fillPoly(self._canvas, [self._placed(rim)], colour, cv2.LINE_AA, 4)

    def curve(self, points: Numbers, thick: float, colour: Colour) -> None:
        """A line through (N, 2) points."""
        width = max(1, round(thick * float(self._half.mean())))
        cv2.polylines(self._canvas, [self._placed(points)], False, colour, width, cv2.LINE_AA, 4)

    def _placed(self, points: Numbers) -> NDArray[np.int32]:
        angle = np.radians(self.roll)
        cos, sin = np.cos(angle), np.sin(angle)
        turned = points * float(np.sqrt(self._half.prod())) @ np.array([[cos, sin], [-sin, cos]])
        return np.asarray(np.round((turned + self._centre - 0.5) * 16), np.int32)


def _draw(pen: _Pen, look: Look) -> None:
    pen.roll = look.roll
    whole = (0, 360)
    for side in (-1, 1):
        pen.ellipse((side * 0.86 - 0.2 * look.yaw, 0.0), (0.16, 0.22), SHADE, whole)
    pen.ellipse((0.0, 0.0), (0.88, 1.06), SKIN, whole)
    dx, dy = 0.42 * look.yaw, 0.1 + 0.4 * look.pitch
    squeeze = 1 - 0.35 * abs(look.yaw)
    for side, opened in ((-1, look.right_eye), (1, look.left_eye)):
        _eye(pen, (dx + side * 0.34 * squeeze, dy - 0.24), opened, squeeze)
    pen.ellipse((dx * 1.25, dy + 0.08), (0.07 * squeeze, 0.06), SHADE, whole)
    _mouth(pen, (dx, dy + 0.42), look.mouth, squeeze)


def _eye(pen: _Pen, at: tuple[float, float], opened: float, squeeze: float) -> None:
    if opened < 0.15:
        x = np.linspace(-0.13, 0.13, STEPS) * squeeze
        pen.curve(np.column_stack([at[0] + x, at[1] + 0.03 - 1.5 * x * x]), 0.045, INK)
        return
    pen.ellipse(at, (0.12 * squeeze, 0.16 * opened), INK, (0, 360))
    pen.ellipse((at[0] + 0.035, at[1] - 0.05 * opened), (0.035 * squeeze, 0.04 * opened), WHITE, (0, 360))


def _mouth(pen: _Pen, at: tuple[float, float], opened: float, squeeze: float) -> None:
    if opened > 0.08:
        pen.ellipse(at, ((0.26 - 0.08 * opened) * squeeze, 0.04 + 0.2 * opened), INK, (0, 360))
        pen.ellipse((at[0], at[1] + 0.1 * opened), (0.13 * squeeze, 0.1 * opened), TONGUE, (0, 360))
        return
    x = np.linspace(-0.26, 0.26, STEPS) * squeeze
    pen.curve(np.column_stack([at[0] + x, at[1] + 0.06 - 1.4 * x * x]), 0.05, INK)
