"""The first pass over a video: where faces are, frame by frame; nothing of the pictures is kept but a checksum."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

import numpy as np

from mien.detect.rows import Rows
from mien.face import Pixels
from mien.image import ImageLimits, open_photo
from mien.redact.bearing import Bearings
from mien.redact.keep import Keeper
from mien.redact.link import Linker, Stretch
from mien.redact.scene import Scenes
from mien.redact.search import CoverSearch, Extras
from mien.video.frame import Frame, VideoSource

# How often close-ups and heads on their side are looked for, and small faces at a finer scale: what lies between two
# such sights is covered anyway.
ASIDE_SECONDS: Final = 0.1
FINE_SECONDS: Final = 0.2
# What clocks round off.
SLIP_SECONDS: Final = 1e-3

Advance = Callable[[float], object]
"""Told the time in seconds that was reached."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """times, in seconds, and checksums of all frames; stretches of faces; cuts: times of the first frames of scenes."""

    times: array[float] = field(default_factory=lambda: array("d"))
    checksums: array[int] = field(default_factory=lambda: array("L"))
    stretches: list[Stretch] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)


class Turns:
    """Which frames get which extras, by their times alone; the first one gets all. Fed with every frame."""

    def __init__(self) -> None:
        self._aside = self._fine = -math.inf

    def __call__(self, time_seconds: float) -> Extras:
        """Of the next frame."""
        aside = time_seconds - self._aside >= ASIDE_SECONDS - SLIP_SECONDS
        fine = time_seconds - self._fine >= FINE_SECONDS - SLIP_SECONDS
        self._aside = time_seconds if aside else self._aside
        self._fine = time_seconds if fine else self._fine
        return Extras(aside, fine)


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """What looks at frames; keeper: None where nobody stays bare. limits: of one picture. threads: frames at once."""

    search: CoverSearch
    bearings: Bearings
    keeper: Keeper | None
    limits: ImageLimits
    threads: int

    def __call__(self, source: VideoSource, advance: Advance) -> Scan:
        """All frames of a source. Raises what reading it raises."""
        scan, linker, scenes = Scan(), Linker(), Scenes()
        for frame, rows in self._searched(source):
            jumped = scenes.add(frame.pixels)
            stretches = linker.update(frame.time_seconds, rows, jumped)
            if self.keeper:
                photo = open_photo(frame.pixels, self.limits)
                for stretch in stretches:
                    self.keeper.look(stretch, photo)
            scan.times.append(frame.time_seconds)
            scan.checksums.append(checksum(frame.pixels))
            advance(frame.time_seconds)
        scan.stretches.extend(linker.stretches)
        scan.cuts.extend(scan.times[index] for index in scenes.cuts())
        return scan

    def _searched(self, source: VideoSource) -> Iterator[tuple[Frame, Rows]]:
        """Frames in order, each with its candidates (N, 20); a few are searched at once."""
        turns = Turns()
        with ThreadPoolExecutor(self.threads, "mien-redact") as pool:
            waiting: deque[tuple[Frame, Future[Rows]]] = deque()
            for frame in source:
                extras = turns(frame.time_seconds)
                waiting.append((frame, pool.submit(self._look, frame.pixels, extras)))
                if len(waiting) > self.threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()

    def _look(self, pixels: Pixels, extras: Extras) -> Rows:
        return self.bearings(open_photo(pixels, self.limits), self.search(pixels, extras))


def checksum(pixels: Pixels) -> int:
    """Of a frame, so that the second pass knows it again."""
    return crc32(memoryview(np.ascontiguousarray(pixels)))  # type: ignore[arg-type]
