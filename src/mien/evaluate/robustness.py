"""What accuracy is lost as pictures get worse: the same faces blurred, shrunk, covered, turned, each kind alone.

Every degradation is fixed by a seed, so that two models are asked the same. The crops have no surroundings: what a
rotation brings in from outside repeats the border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.dataset.faces import FaceSet
from mien.evaluate.classification import Estimate, share
from mien.evaluate.expression import Judged, judge_all
from mien.evaluate.metrics import Z_95
from mien.evaluate.reliability import Flags
from mien.face import Floats, Pixels
from mien.record import Record
from mien.weights.card import ExpressionSpec

SEED: Final = 1
Scorer = Callable[[Pixels], Mapping[str, Floats]]
Degrade = Callable[[Pixels, float, np.random.Generator], Pixels]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which pictures get worse: `worsen` takes (S, S) uint8 grey, a level in `unit`, and chance."""

    unit: str
    levels: tuple[float, ...]
    worsen: Degrade


@dataclass(frozen=True, slots=True)
class Point(Record):
    """Accuracy at one level, and what is lost against the faces as they are: a difference of shares, 0.05 is 5 points.

    lost has the normal 95 % interval of the mean of paired differences, each face being its own control.
    """

    kind: str
    level: float
    unit: str
    accuracy: Estimate
    lost: Estimate


@dataclass(frozen=True, slots=True)
class Robustness(Record):
    """The points of one head, by its protocol, over all the faces that it keeps."""

    vocabulary: str
    protocol: str
    n: int
    as_they_are: Estimate
    points: tuple[Point, ...]


def _blur(face: Pixels, sigma_px: float, chance: np.random.Generator) -> Pixels:
    return _bytes(cv2.GaussianBlur(face, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))


def _jpeg(face: Pixels, quality: float, chance: np.random.Generator) -> Pixels:
    done, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    assert done
    return _bytes(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))


def _resolution(face: Pixels, side_px: float, chance: np.random.Generator) -> Pixels:
    side = int(side_px)
    if side >= face.shape[0]:
        return face
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return _bytes(cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _square(face: Pixels, area: float, chance: np.random.Generator) -> Pixels:
    side = round(face.shape[0] * area**0.5)
    top, left = chance.integers(0, face.shape[0] - side + 1, 2)
    return _covered(face, slice(top, top + side), slice(left, left + side))


def _upper(face: Pixels, area: float, chance: np.random.Generator) -> Pixels:
    return _covered(face, slice(0, round(face.shape[0] * area)), slice(None))


def _lower(face: Pixels, area: float, chance: np.random.Generator) -> Pixels:
    return _covered(face, slice(face.shape[0] - round(face.shape[0] * area), None), slice(None))


def _covered(face: Pixels, rows: slice, columns: slice) -> Pixels:
    """The cover has the face's mean grey: its own contrast should not count."""
    covered = face.copy()
    covered[rows, columns] = round(float(face.mean()))
    return covered


def _gamma(face: Pixels, exponent: float, chance: np.random.Generator) -> Pixels:
    return _bytes(255 * (face / 255) ** exponent)


def _gain(face: Pixels, factor: float, chance: np.random.Generator) -> Pixels:
    return _bytes(face * factor)


def _noise(face: Pixels, sigma: float, chance: np.random.Generator) -> Pixels:
    return _bytes(face + chance.normal(0, sigma, face.shape))


def _rotation(face: Pixels, degrees: float, chance: np.random.Generator) -> Pixels:
    middle = (face.shape[1] - 1) / 2, (face.shape[0] - 1) / 2
    turn = cv2.getRotationMatrix2D(middle, degrees * chance.choice([-1, 1]), 1.0)
    return _bytes(cv2.warpAffine(face, turn, face.shape[::-1], borderMode=cv2.BORDER_REPLICATE))


KINDS: Final[dict[str, Kind]] = {
    "blur": Kind("sigma, px", (0.5, 1.0, 1.5, 2.0, 3.0), _blur),
    "jpeg": Kind("quality", (90, 70, 50, 30, 20, 10), _jpeg),
    "resolution": Kind("side of the face, px", (48, 40, 32, 28, 24, 20, 16), _resolution),
    "square covered": Kind("share of the area", (0.05, 0.1, 0.2, 0.3), _square),
    "upper part covered": Kind("share of the area", (0.25, 0.5), _upper),
    "lower part covered": Kind("share of the area", (0.25, 0.5), _lower),
    "gamma": Kind("exponent", (0.4, 0.67, 1.5, 2.5), _gamma),
    "gain": Kind("factor", (0.4, 0.7, 1.4, 2.0), _gain),
    "noise": Kind("sigma, grey levels of 255", (5, 10, 20, 40), _noise),
    "rotation": Kind("degrees, to either side", (5, 10, 20, 30, 45), _rotation),
}
N_POINTS: Final = sum(len(kind.levels) for kind in KINDS.values())


def degrade(faces: Pixels, kind: str, level: float, seed: int = SEED) -> Pixels:
    """(N, S, S) uint8 grey, each made worse by `level` of a kind of KINDS; the same seed gives the same pixels."""
    worsen = KINDS[kind].worsen
    # One stream a face: which faces a set holds besides changes nothing for it, and neither does the level.
    return np.stack([worsen(face, level, np.random.default_rng([seed, place])) for place, face in enumerate(faces)])


def robustness(
    faces: FaceSet, logits: Mapping[str, Floats], spec: ExpressionSpec, scorer: Scorer
) -> tuple[Robustness, ...]:
    """Accuracy of each head at every level of every kind; `logits` are those of the faces as they are.

    scorer: from (N, S, S) uint8 grey to logits (N, C) by vocabulary; called N_POINTS times. Raises what
    `judge_all` raises.
    """
    before = judge_all(faces, logits, spec)
    right = [_right(one) for one in before]
    points: list[list[Point]] = [[] for _ in before]
    for name, kind in KINDS.items():
        for level in kind.levels:
            after = judge_all(faces, scorer(degrade(faces.faces, name, level)), spec)
            for own, one, was in zip(points, after, right, strict=True):
                now = _right(one)
                own.append(Point(name, level, kind.unit, share(int(now.sum()), len(now)), _lost(was, now)))
    return tuple(
        Robustness(one.head.vocabulary, one.protocol, len(was), share(int(was.sum()), len(was)), tuple(own))
        for one, was, own in zip(before, right, points, strict=True)
    )


def _right(judged: Judged) -> Flags:
    return np.asarray(judged.logits.argmax(axis=1) == judged.labels, np.bool_)


def _lost(before: Flags, after: Flags) -> Estimate:
    differences = before.astype(np.float64) - after
    mean = float(differences.mean())
    half = Z_95 * float(differences.std()) / len(differences) ** 0.5
    return Estimate(mean, mean - half, mean + half)


def _bytes(values: object) -> Pixels:
    return np.clip(np.rint(np.asarray(values, np.float64)), 0, 255).astype(np.uint8)
