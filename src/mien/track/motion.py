"""Where a face is going: a Kalman filter on centre and size, in seconds, not in frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Box

Numbers = NDArray[np.float64]
Four = tuple[float, float, float, float]

# A speed is kept for about so long: who is not seen has most likely stopped by then.
MEMORY_SECONDS: Final = 1.5
SMALLEST_PX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Spread:
    """What is not known of an axis: the variance of place, its covariance with speed, and the variance of speed."""

    place: float
    cross: float
    speed: float


@dataclass(frozen=True, slots=True)
class Kind:
    """How an axis behaves.

    measured: variance of a detector's boxes. speed: variance of the speed at first sight, per second squared. unrest:
    how strongly speeds change, as the spectral density of a white acceleration, per second cubed.
    """

    measured: float
    speed: float
    unrest: float

    @property
    def first(self) -> Spread:
        """What is not known at first sight."""
        return Spread(self.measured, 0.0, self.speed)

    def ahead(self, spread: Spread, seconds: float, kept: float) -> Spread:
        """So much later, where the share `kept` of the speed is left (an Ornstein and Uhlenbeck process)."""
        way = MEMORY_SECONDS * (1 - kept)
        return Spread(
            spread.place + 2 * way * spread.cross + way * way * (spread.speed + self.unrest * seconds / 3),
            kept * (spread.cross + way * spread.speed) + self.unrest * way * way / 2,
            kept * kept * spread.speed + self.unrest * MEMORY_SECONDS / 2 * (1 - kept * kept),
        )

    def gains(self, spread: Spread) -> tuple[float, float]:
        """What share of a surprise goes into place, and how much of it, per second, into speed."""
        total = spread.place + self.measured
        return spread.place / total, spread.cross / total


# Of the centre, in units of the face's size: a face that walks past goes at nine times its width a second.
CENTRE: Final = Kind(0.06**2, 5.0**2, 9.0)
# Of the logs of width and height.
EXTENT: Final = Kind(0.08**2, 1.0**2, 1.0)


@dataclass(frozen=True, slots=True)
class Motion:
    """place: centre x and y in px, log width, log height. speed: of each, per second.

    centre, extent: what is not known of x and y (in units of the face's size), and of log width and log height; the
    four axes do not depend on each other.
    """

    place: Four
    speed: Four
    centre: Spread
    extent: Spread

    @classmethod
    def start(cls, box: Box) -> Motion:
        """At rest, as far as is known, where a face was found for the first time."""
        return cls(place_of(box), (0.0, 0.0, 0.0, 0.0), CENTRE.first, EXTENT.first)

    @property
    def size(self) -> float:
        """The geometric mean of width and height, px."""
        return exp((self.place[2] + self.place[3]) / 2)

    @property
    def box(self) -> Box:
        """The face's box where it is thought to be."""
        x, y, width, height = self.place[0], self.place[1], exp(self.place[2]), exp(self.place[3])
        return Box(x - width / 2, y - height / 2, width, height)

    def ahead(self, seconds: float) -> Motion:
        """So much later, with speeds that fade."""
        if seconds <= 0:
            return self
        kept = exp(-seconds / MEMORY_SECONDS)
        way = MEMORY_SECONDS * (1 - kept)
        (x, y, w, h), (sx, sy, sw, sh) = self.place, self.speed
        return Motion(
            (x + way * sx, y + way * sy, w + way * sw, h + way * sh),
            (kept * sx, kept * sy, kept * sw, kept * sh),
            CENTRE.ahead(self.centre, seconds, kept),
            EXTENT.ahead(self.extent, seconds, kept),
        )

    def seen(self, box: Box) -> Motion:
        """With a face found at `box` at this moment."""
        (x, y, w, h), (sx, sy, sw, sh) = self.place, self.speed
        new = place_of(box)
        dx, dy, dw, dh = new[0] - x, new[1] - y, new[2] - w, new[3] - h
        place, speed = CENTRE.gains(self.centre)
        place_, speed_ = EXTENT.gains(self.extent)
        return Motion(
            (x + place * dx, y + place * dy, w + place_ * dw, h + place_ * dh),
            (sx + speed * dx, sy + speed * dy, sw + speed_ * dw, sh + speed_ * dh),
            _known(self.centre, place, speed),
            _known(self.extent, place_, speed_),
        )


def misfits(motions: Sequence[Motion], places: Sequence[Four]) -> tuple[Numbers, Numbers]:
    """How badly M places fit N motions: (N, M) squared Mahalanobis distances; (N, 1) log determinants.

    The sum of both is twice the negative log likelihood, up to a constant: a track that does not know where its
    face is claims less than one that does.
    """
    expected = np.array([one.place for one in motions])
    sizes = np.array([[one.size] for one in motions])
    total = np.array([(one.centre.place + CENTRE.measured, one.extent.place + EXTENT.measured) for one in motions])
    squares = (np.array(places)[None] - expected[:, None]) ** 2
    centres = (squares[..., 0] + squares[..., 1]) / (sizes**2 * total[:, :1])
    extents = (squares[..., 2] + squares[..., 3]) / total[:, 1:]
    return centres + extents, 2 * np.log(total).sum(axis=1, keepdims=True)


def place_of(box: Box) -> Four:
    """Centre x and y in px, log width and log height; a box without extent counts as 1 px."""
    width, height = max(box.width, SMALLEST_PX), max(box.height, SMALLEST_PX)
    return box.x + box.width / 2, box.y + box.height / 2, log(width), log(height)


def _known(spread: Spread, gain: float, speed_gain: float) -> Spread:
    return Spread(spread.place * (1 - gain), spread.cross * (1 - gain), spread.speed - speed_gain * spread.cross)
