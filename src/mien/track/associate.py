"""Which detection goes on which body, by motion; and which of these pairs are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.track.assignment import Assign
from mien.track.body import Body
from mien.track.motion import Motion, misfits, place_of
from mien.track.sight import Sight, corners_of, overlaps

Numbers = NDArray[np.float64]

# The squared Mahalanobis distance in four dimensions that one face in a thousand exceeds.
GATE: Final = 18.5
# Jerks of the head break the gate, yet the box is nearly where it was.
SAME_PLACE: Final = 0.3
# Twice the log of how much likelier one pair must be than another, so that there is no doubt.
SURE: Final = 9.0
# What is allowed, but bad.
LEAST: Final = -0.01


@dataclass(frozen=True, slots=True)
class Pairing:
    """pairs: places in the lists of bodies and detections.

    doubtful: confirmed bodies that may have been mixed up; urgent: those of them that most likely have been.
    """

    pairs: tuple[tuple[int, int], ...] = ()
    doubtful: frozenset[int] = frozenset()
    urgent: frozenset[int] = frozenset()


def pair(bodies: Sequence[Body], sight: Sight, assign: Assign, lost: Sequence[Motion] = ()) -> Pairing:
    """Bodies, whose motion is that of this moment, with the detections of the frame.

    lost: motion of tracks that have no body any more; they get none, but may put a pair in doubt.
    """
    if not bodies or not sight.detections:
        return Pairing()
    costs, jumped = _costs([*(body.motion for body in bodies), *lost], sight)
    found = assign(costs[: len(bodies)])
    held = {column: bodies[row] for row, column in found}
    pairs = tuple(one for one in found if not _second_box(bodies[one[0]], one[1], sight, held))
    confirmed = np.array([*(body.person is not None for body in bodies), *([True] * len(lost))])
    sure = [(row, column) for row, column in pairs if confirmed[row]]
    claims = (confirmed[:, None] & (costs < 0)).sum(axis=0)
    odd = {row for row, column in sure if jumped[row, column]}
    missed = {row for row, _ in sure if not bodies[row].seen_now}
    urgent = {row for row, column in sure if row in odd | missed and claims[column] > 1}
    doubtful = odd | urgent | {row for row in _rivals(costs, sure, confirmed) if row < len(bodies)}
    return Pairing(pairs, frozenset(doubtful), frozenset(urgent))


def in_gate(motion: Motion, body: Body) -> bool:
    """Whether the body's face may be the one of which `motion`, at this moment, is known."""
    return bool(misfits([motion], [place_of(body.detection.box)])[0][0, 0] <= GATE)


def _costs(motions: Sequence[Motion], sight: Sight) -> tuple[Numbers, NDArray[np.bool_]]:
    """(N, M): below 0 where a pair can be, the less the likelier, else infinity; and which pairs are a jump.

    That is twice the negative log likelihood, against that of the widest misfit of the motion that is known best.
    """
    boxes = [one.box for one in sight.detections]
    near = overlaps(corners_of([motion.box for motion in motions]), corners_of(boxes)) >= SAME_PLACE
    distances, spreads = misfits(motions, [place_of(box) for box in boxes])
    allowed = near | (distances <= GATE)
    # Who has been away and may be anywhere claims less, though never nothing.
    vague = np.minimum(spreads - spreads.min(), GATE / 2)
    return np.where(allowed, np.minimum(distances + vague - GATE, LEAST), np.inf), distances > GATE / 2


def _second_box(body: Body, column: int, sight: Sight, held: dict[int, Body]) -> bool:
    """Whether a body that was missed just before would come back on the second box of a face that was not missed."""
    if body.seen_now:
        return False
    return any(other in held and held[other].seen_now for other in sight.doubles(column))


def _rivals(costs: Numbers, pairs: Sequence[tuple[int, int]], confirmed: NDArray[np.bool_]) -> set[int]:
    """Confirmed bodies that another detection, or whose detection another confirmed body, fits nearly as well."""
    found = set[int]()
    for row, column in pairs:
        limit = costs[row, column] + SURE
        rivals = np.flatnonzero((costs[:, column] < limit) & confirmed)
        if len(rivals) > 1:
            found.update(rivals.tolist())
        if int((costs[row] < limit).sum()) > 1:
            found.add(row)
    return found
