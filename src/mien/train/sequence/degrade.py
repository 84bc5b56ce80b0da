"""What happens to a face between the person and the network, frame by frame: each kind plausible, none of it kind.

Every kind comes and goes in episodes of 0.3 to 1.4 seconds, as hands, focus, bandwidth and light do; between them it is
weak. In the middle of an episode it may hide the expression altogether. All lengths are shares of the crop's side, so
that any size of crop is treated alike. A kind draws its course for the whole sequence first (`Course`s over the times)
and then changes one frame after another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.face import Floats
from mien.train.sequence.motion import Course, bursts, wander

# Changes frame number i, (S, S) float32 grey 0..255.
Change = Callable[[Floats, int], Floats]
GREY_LEVELS: Final = 255.0
# Faces narrower than this carry no expression that a person could name.
SMALLEST_PX: Final = 9
LENGTH_SECONDS: Final = (0.3, 1.4)


@dataclass(frozen=True, slots=True)
class Trouble:
    """level: 0..1, how strong at the height of an episode. every_seconds: about how often one begins."""

    level: float
    every_seconds: float

    def episodes(self, times: Course, rng: np.random.Generator) -> Course:
        """(T,) 0..1: a little always, `level` at the height of an episode."""
        return self.level * (0.1 + 0.9 * self.shown(times, rng))

    def shown(self, times: Course, rng: np.random.Generator) -> Course:
        """(T,) 0..1: whether there is an episode, whatever its strength."""
        return bursts(times, self.every_seconds, LENGTH_SECONDS, rng)


def light(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """Exposure, contrast and a side light that change slowly, and moments that are far too dark or too bright."""
    gain = np.exp(0.5 * trouble.level * wander(times, 3, rng))
    side, angle = 0.9 * trouble.level * wander(times, 4, rng), rng.uniform(0, 2 * np.pi)
    shock = rng.choice([-2.2, 1.4]) * trouble.episodes(times, rng)

    def change(face: Floats, i: int) -> Floats:
        places = np.linspace(-1, 1, len(face), dtype=np.float32)
        slope = np.cos(angle) * places[None, :] + np.sin(angle) * places[:, None]
        return np.asarray(face * (gain[i] * np.exp(shock[i])) * (1 + side[i] * slope), np.float32)

    return change


def motion_blur(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """Quick moves: blur along a line of up to a quarter of the crop."""
    strength = 0.24 * trouble.episodes(times, rng)
    angle = rng.uniform(0, np.pi) + 0.5 * wander(times, 1, rng)

    def change(face: Floats, i: int) -> Floats:
        length = strength[i] * len(face)
        return face if length < 1 else np.asarray(cv2.filter2D(face, -1, _line(length, angle[i])), np.float32)

    return change


def defocus(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """The lens looks for its focus: a Gaussian of up to a fifteenth of the crop."""
    sigma = 0.004 + 0.065 * trouble.episodes(times, rng)

    def change(face: Floats, i: int) -> Floats:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma[i] * len(face)), np.float32)

    return change


def low_resolution(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """A face far away, or a stream that falls back to fewer pixels: down to 9 px for the whole crop."""
    sides = 44 * np.exp(-1.6 * trouble.episodes(times, rng))

    def change(face: Floats, i: int) -> Floats:
        side = int(np.clip(sides[i], SMALLEST_PX, len(face)))
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)

    return change


def noise(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """Light fails: up to 45 grey levels of noise over half the light, a part of it coarse as denoisers leave it."""
    strength, coarse = trouble.episodes(times, rng), rng.uniform(0, 0.7)
    sigma, gain = 45 * strength, 1 - 0.5 * strength

    def change(face: Floats, i: int) -> Floats:
        fine = rng.standard_normal(face.shape).astype(np.float32)
        grains = cv2.resize(rng.standard_normal((len(face) // 3, len(face) // 3)).astype(np.float32), face.shape[::-1])
        return np.asarray(face * gain[i] + sigma[i] * ((1 - coarse) * fine + 1.5 * coarse * grains), np.float32)

    return change


def compression(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """A starved codec: JPEG blocks of a sixth to a twelfth of the crop, worse from one key frame to the next."""
    zoom, group = rng.uniform(1, 2), rng.uniform(0.5, 2.0)
    since = ((times + rng.uniform(0, group)) % group) / group
    quality = np.clip(45 * np.exp(-3.2 * trouble.episodes(times, rng)) * (1.4 - 0.8 * since), 1, 60)

    def change(face: Floats, i: int) -> Floats:
        side = round(len(face) * zoom)
        large = cv2.resize(np.clip(face, 0, GREY_LEVELS).astype(np.uint8), (side, side))
        data = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, int(quality[i])])[1]
        again = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        return np.asarray(cv2.resize(again, face.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)

    return change


def occlusion(times: Course, trouble: Trouble, rng: np.random.Generator) -> Change:
    """A hand, a cup or a bar passes in front: over a fifth to half of the crop."""
    hand, shade, seed = rng.random() < 0.6, rng.uniform(20, 220), int(rng.integers(2**31))
    on = trouble.shown(times, rng)
    size = 0.14 + 0.16 * trouble.level
    middle = 0.5 + np.stack([0.3 * wander(times, 1.5, rng), 0.15 + 0.3 * wander(times, 1.5, rng)], axis=1)
    # It comes in from below or from a side.
    away = np.array([(0.0, 1.0), (1.0, 0.3), (-1.0, 0.3)][int(rng.integers(3))])

    def change(face: Floats, i: int) -> Floats:
        if on[i] < 0.05:
            return face
        place = middle[i] + away * (1 - on[i])
        cover = _hand(len(face), place, size, seed) if hand else _bar(len(face), place, size, seed)
        texture = np.random.default_rng(seed).standard_normal((6, 6)).astype(np.float32)
        surface = shade + 14 * cv2.resize(texture, face.shape[::-1], interpolation=cv2.INTER_CUBIC)
        return np.asarray(face * (1 - cover) + surface * cover, np.float32)

    return change


def _line(length: float, angle: float) -> Floats:
    """A normalised kernel: an anti-aliased line through its middle."""
    side = int(np.ceil(length)) | 1
    places = np.arange(side) - (side - 1) / 2
    across = np.abs(np.sin(angle) * places[None, :] - np.cos(angle) * places[:, None])
    along = np.abs(np.cos(angle) * places[None, :] + np.sin(angle) * places[:, None])
    kernel = np.clip(1 - across, 0, 1) * np.clip(length / 2 - along + 0.5, 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _hand(side: int, place: Course, size: float, seed: int) -> Floats:
    """(S, S) 0..1: a palm with four fingers."""
    cover = np.zeros((side, side), np.float32)
    tilt = float(np.random.default_rng(seed).uniform(-60, 60))
    turn = cv2.getRotationMatrix2D((0, 0), tilt, 1)[:, :2]
    for number in range(4):
        tip = place + turn @ np.array([(number - 1.5) * size * 0.55, -size * (1.6 - 0.15 * abs(number - 1.3))])
        root = place + turn @ np.array([(number - 1.5) * size * 0.5, 0])
        ends = [tuple(round(value * side) for value in end) for end in (root, tip)]
        cv2.line(cover, ends[0], ends[1], 1.0, max(1, round(size * 0.42 * side)))
    middle = tuple(round(value * side) for value in place + turn @ np.array([0, size * 0.4]))
    cv2.ellipse(cover, middle, (round(size * side), round(size * 1.1 * side)), -tilt, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.012 * side), np.float32)


def _bar(side: int, place: Course, size: float, seed: int) -> Floats:
    """(S, S) 0..1: a straight bar across the whole crop, such as an arm, a pole or a microphone's stand."""
    angle = float(np.random.default_rng(seed).uniform(0, np.pi))
    places = (np.arange(side) + 0.5) / side
    across = np.abs(np.sin(angle) * (places[None, :] - place[0]) - np.cos(angle) * (places[:, None] - place[1]))
    return np.asarray(np.clip((size * 0.8 - across) * side + 0.5, 0, 1), np.float32)


Kind = Callable[[Course, Trouble, np.random.Generator], Change]
# In the order in which light, lens, sensor and codec come.
KINDS: Final[dict[str, Kind]] = {
    "occlusion": occlusion,
    "light": light,
    "low_resolution": low_resolution,
    "defocus": defocus,
    "motion_blur": motion_blur,
    "noise": noise,
    "compression": compression,
}
