"""Covers for when a face was not seen: between two sights, before the first and after the last.

steady: of the size that they reach all along, at the sights themselves too, so that what flickers is not covered by
something that pulses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from mien.face import Floats
from mien.redact.cover import Span
from mien.redact.gaps import Scenes, centre
from mien.redact.link import Sight

# By how much of its side a cover grows on each side, for each second without a sight.
GROWTH: Final = 0.35
# Speed is measured over so long, and believed up to so many sides a second.
SPEED_SECONDS: Final = 0.2
TOP_SPEED: Final = 3.0


def lingering(sights: Sequence[Sight], seconds: float, scenes: Scenes, steady: bool) -> Iterator[Span]:
    """From the first of `sights` on for `seconds`, negative ones back in time."""
    start = sights[0]
    earliest, latest = scenes.of(start.time_seconds)
    end = start.time_seconds + seconds
    end = max(end, earliest) if seconds < 0 else min(end, np.nextafter(latest, -np.inf))
    length = end - start.time_seconds
    if not length:
        return
    box = start.row[:4]
    way = np.clip(_speed(sights) * length, -TOP_SPEED * box[2:] * abs(length), TOP_SPEED * box[2:] * abs(length))
    low, high = np.minimum(box[:2], box[:2] + way), np.maximum(box[:2] + box[2:], box[:2] + box[2:] + way)
    grow = GROWTH * abs(length) * box[2:]
    far = start.row.copy()
    far[:4] = np.concatenate([low - grow, high - low + 2 * grow])
    near = (sights[-1].time_seconds, far) if steady else (np.nextafter(start.time_seconds, end), start.row)
    times, keys = np.array([near[0], end]), np.stack([near[1], far])
    order = np.argsort(times)
    yield Span(times[order], keys[order])


def _speed(sights: Sequence[Sight]) -> Floats:
    """(2,) px a second at the first of `sights`, which may run backwards in time; 0 where there is but one."""
    near = [one for one in sights[:30] if abs(one.time_seconds - sights[0].time_seconds) <= SPEED_SECONDS]
    passed = near[-1].time_seconds - near[0].time_seconds
    if not passed:
        return np.zeros(2, np.float32)
    way = centre(near[-1].row) - centre(near[0].row)
    return np.asarray(way / np.float32(passed), np.float32)


def bridge(end: Sight, start: Sight, steady: bool) -> Span:
    """Between two sights, without them; widest in the middle, where least is known."""
    passed = start.time_seconds - end.time_seconds
    rows = np.stack([end.row, (end.row + start.row) / 2, start.row])
    grow = GROWTH * passed / 2 * rows[1, 2:4]
    times = np.array([end.time_seconds, end.time_seconds + passed / 2, start.time_seconds])
    wide = slice(None) if steady else slice(1, 2)
    rows[wide, :2] -= grow
    rows[wide, 2:4] += 2 * grow
    if not steady:
        times[[0, 2]] = np.nextafter(times[0], np.inf), np.nextafter(times[2], -np.inf)
    return Span(times, rows)
