"""Everything in a picture that may be a face: low scores, small and huge faces, heads that lie on their side.

Unlike `mien.detect.search`, nothing is looked at twice in order to be believed: who looks for faces to cover them wants
the doubtful ones too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final

import cv2
import numpy as np

from mien.detect.rows import Rows, mirrored, moved, scaled, shared, suppress
from mien.detect.tiles import regions, whole
from mien.detect.yunet import MULTIPLE, YuNet
from mien.face import Pixels
from mien.redact.policy import RedactPolicy
from mien.settings import Settings

# The longest sides at which close-ups are looked at, with a border around them, and the coarsest level without one.
CLOSE_UPS_PX: Final = (112, 160)
BORDER: Final = 0.25
COARSEST_PX: Final = 320
# Width of a face at the network from which clear ones are found at the low scores used here, and those that a codec or
# a movement has smeared.
SEEN_PX: Final = 14.0
FINE_PX: Final = 24.0
# Upright things look like faces on their side more often than faces lie on their side.
SIDEWAYS_SCORE: Final = 0.6
# Networks that are kept, each for one size of picture.
MOST_NETWORKS: Final = 32
# Two boxes with a larger intersection over union are one face.
OVERLAP: Final = 0.3
# A weak box of which so much lies in a stronger one is a part of that face.
INSIDE: Final = 0.7
FIRM_SCORE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Extras:
    """What is looked for beside upright faces at the usual scales, and need not be in each frame of a video.

    aside: close-ups, and heads that lie on their side. fine: small faces once more, larger.
    """

    aside: bool = True
    fine: bool = True


ALL: Final = Extras()


class CoverSearch:
    """Looks at each picture at all scales, as it is and turned by a quarter to both sides. Thread-safe."""

    def __init__(self, settings: Settings, policy: RedactPolicy, still: bool) -> None:
        """still: for photos, of which each has a size of its own and is worth more time; else for a video's frames."""
        self._settings, self._still, self._lock = settings, still, Lock()
        self._networks: dict[tuple[int, int, int], YuNet] = {}
        self._min_face_px, self._min_score = policy.min_face_px, policy.min_score

    def __call__(self, pixels: Pixels, extras: Extras = ALL) -> Rows:
        """Whatever may be a face in (H, W, 3) uint8 RGB; coordinates in px of it, the surest first."""
        longest = max(pixels.shape[:2])
        levels = list(self._levels(longest))
        found = [self._level(pixels, level / longest) for level in levels]
        fine = longest * FINE_PX / self._min_face_px
        if extras.fine and fine > levels[-1]:
            found.append(self._level(pixels, fine / longest))
        if extras.aside:
            found += [self._close_up(pixels, level) for level in CLOSE_UPS_PX]
            for level in levels if self._still else levels[:1]:
                found += self._sideways(pixels, level / longest)
        return _distinct(np.concatenate(found))

    def _sideways(self, pixels: Pixels, scale: float) -> Iterator[Rows]:
        for turn, back in _turns(pixels.shape[1], pixels.shape[0]):
            rows = back(self._level(turn(pixels), scale))
            yield rows[rows[:, 14] >= SIDEWAYS_SCORE]

    def _levels(self, longest: int) -> Iterator[float]:
        """Longest sides in px, each twice the one before, until the smallest face is large enough to be seen."""
        needed = longest * SEEN_PX / self._min_face_px
        level = float(COARSEST_PX)
        while level < needed:
            yield level
            level *= 2
        yield max(needed, COARSEST_PX)

    def _level(self, pixels: Pixels, scale: float) -> Rows:
        """Candidates at `scale`, in tiles where the picture is large."""
        height, width = pixels.shape[:2]
        found = []
        for region in regions(width, height, scale):
            left, top, right, bottom = region
            tile = _resized(pixels[top:bottom, left:right], scale)
            rows = self._candidates(tile)
            rows = moved(scaled(rows, (right - left) / tile.shape[1], (bottom - top) / tile.shape[0]), left, top)
            found.append(rows[whole(rows, region, width, height)])
        return suppress(np.concatenate(found), OVERLAP)

    def _close_up(self, pixels: Pixels, longest: int) -> Rows:
        """Candidates where the picture is made small and given a border: a face may be larger than the picture."""
        small = _resized(pixels, longest / max(pixels.shape[:2]))
        border = round(longest * BORDER)
        framed = np.asarray(cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_CONSTANT), np.uint8)
        rows = self._candidates(framed)
        other = mirrored(self._candidates(framed[:, ::-1]), framed.shape[1])
        rows = moved(suppress(np.concatenate([rows, other]), OVERLAP), -border, -border)
        return scaled(rows, pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0])

    def _candidates(self, pixels: Pixels) -> Rows:
        """From a network made for this size, where it comes again and again: a change of size costs another pass."""
        height, width = (-(-side // MULTIPLE) * MULTIPLE for side in pixels.shape[:2])
        shape = (1, -1, -1) if self._still else (1, height, width)
        with self._lock:
            if shape not in self._networks:
                if len(self._networks) >= MOST_NETWORKS:
                    self._networks.clear()
                self._networks[shape] = YuNet(self._settings, shape)
            network = self._networks[shape]
        return network.candidates(pixels, self._min_score)


def _turns(width: int, height: int) -> Iterator[tuple[Callable[[Pixels], Pixels], Callable[[Rows], Rows]]]:
    """A quarter turn to each side, and what brings its candidates back."""

    def clockwise(pixels: Pixels) -> Pixels:
        return np.ascontiguousarray(np.rot90(pixels, -1))

    def anticlockwise(pixels: Pixels) -> Pixels:
        return np.ascontiguousarray(np.rot90(pixels, 1))

    yield clockwise, lambda rows: _transformed(rows, lambda x, y: (y, height - x))
    yield anticlockwise, lambda rows: _transformed(rows, lambda x, y: (width - y, x))


def _transformed(rows: Rows, move: Callable[[Rows, Rows], tuple[Rows, Rows]]) -> Rows:
    """Rows whose points and corners go through `move`; boxes stay upright rectangles."""
    back = rows.copy()
    x0, y0 = move(rows[:, 0], rows[:, 1])
    x1, y1 = move(rows[:, 0] + rows[:, 2], rows[:, 1] + rows[:, 3])
    back[:, 0], back[:, 1] = np.minimum(x0, x1), np.minimum(y0, y1)
    back[:, 2], back[:, 3] = np.abs(x1 - x0), np.abs(y1 - y0)
    for at in range(4, 14, 2):
        back[:, at], back[:, at + 1] = move(rows[:, at], rows[:, at + 1])
    return back


def _distinct(rows: Rows) -> Rows:
    """One row a face, the surest first: a weak box within a stronger one is a part of its face."""
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 2] > 1) & (rows[:, 3] > 1)]
    kept: list[Rows] = []
    for row in suppress(rows, OVERLAP):
        inside = shared(np.stack(kept), row[:4]).max() if kept and row[14] < FIRM_SCORE else 0.0
        if inside <= INSIDE * row[2] * row[3]:
            kept.append(row)
    return np.stack(kept) if kept else np.zeros((0, 15), np.float32)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = max(1, math.floor(width * scale + 0.5)), max(1, math.floor(height * scale + 0.5))
    if size == (width, height):
        return pixels
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
