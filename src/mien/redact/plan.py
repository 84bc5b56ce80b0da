"""From sights to covers: gaps are covered too, and a while before the first and after the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.redact.cover import Span
from mien.redact.gaps import End, Scenes, firm, gaps_of, handovers, joined
from mien.redact.link import Sight, Stretch
from mien.redact.policy import RedactPolicy
from mien.redact.unseen import bridge, lingering

# Of the time before and after, what a face gets that may be none.
FLEETING: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Sights of one stretch that follow each other and are covered.

    before, after: its neighbours that stay bare; None where the piece begins, or ends, its stretch.
    """

    stretch: Stretch
    sights: Sequence[Sight]
    before: Sight | None
    after: Sight | None


def pieces(stretch: Stretch, bare: Sequence[bool]) -> list[Piece]:
    """The covered pieces of a stretch; bare: for each of its sights."""
    found, start = [], None
    for index in range(len(bare) + 1):
        covered = index < len(bare) and not bare[index]
        if covered and start is None:
            start = index
        elif not covered and start is not None:
            sights = stretch.sights
            before, after = sights[start - 1] if start else None, sights[index] if index < len(bare) else None
            found.append(Piece(stretch, sights[start:index], before, after))
            start = None
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A stretch, and for each of its sights whether it stays bare."""

    stretch: Stretch
    bare: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """spans: all that is covered, sorted by their beginnings. tracks: sets of stretches that are one face, it seems."""

    spans: list[Span]
    tracks: list[frozenset[int]]


def plan_of(judged: Sequence[Judged], cuts: Sequence[float], policy: RedactPolicy) -> Plan:
    """What is covered, and when. cuts: times of the first frames of scenes, over which nothing reaches."""
    scenes = Scenes(cuts)
    covered = [piece for one in judged for piece in pieces(one.stretch, one.bare)]
    spans = [_seen(piece) for piece in covered]
    ends = [End(one.stretch.sights[-1], one.stretch, not one.bare[-1]) for one in judged]
    starts = [End(one.stretch.sights[0], one.stretch, not one.bare[0]) for one in judged]
    going_on = handovers(ends, starts, scenes)
    gone, came = {end.stretch.number for end, _ in going_on}, {start.stretch.number for _, start in going_on}
    for piece in covered:
        spans += _lingering(piece, scenes, policy, (piece.stretch.number in came, piece.stretch.number in gone))
    gaps = going_on + gaps_of(ends, starts, scenes, policy.bridge_seconds)
    spans += [_bridge(end, start) for end, start in gaps if end.covered or start.covered]
    return Plan(sorted(spans, key=lambda span: float(span.times[0])), joined((one.stretch for one in judged), gaps))


def _bridge(end: End, start: End) -> Span:
    return bridge(end.sight, start.sight, not firm(end.stretch) and not firm(start.stretch))


def _seen(piece: Piece) -> Span:
    """With the frames up to its bare neighbours, in which the face was missed."""
    keys = [(one.time_seconds, one.row) for one in piece.sights]
    if piece.before:
        keys.insert(0, (float(np.nextafter(piece.before.time_seconds, np.inf)), piece.before.row))
    if piece.after:
        keys.append((float(np.nextafter(piece.after.time_seconds, -np.inf)), piece.after.row))
    return Span(np.array([time for time, _ in keys]), np.stack([row for _, row in keys]), True)


def _lingering(piece: Piece, scenes: Scenes, policy: RedactPolicy, goes_on: tuple[bool, bool]) -> Iterator[Span]:
    """After its last sight and before its first, growing towards where it may have gone to and come from.

    goes_on: before it and after it, in other stretches: then there is nothing to wait for.
    """
    sure = firm(piece.stretch)
    seconds = policy.linger_seconds * (1.0 if sure else FLEETING)
    if piece.after is None and not goes_on[1]:
        yield from lingering(piece.sights[::-1], seconds, scenes, not sure)
    if piece.before is None and not goes_on[0]:
        yield from lingering(piece.sights, -seconds, scenes, not sure)
