"""People who walk about in a made-up scene, as a detector and an embedder would see them: with noise and mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mien.face import Box, Detection, Floats
from mien.track.tracker import Tracker, Update

Path = Callable[[float], Box | None]
# The five points of a face that looks into the lens, as shares of its box.
FRONTAL = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
DIMENSIONS = 128
# The cosine of two looks at one face is 1 / (1 + noise ** 2) on average: 0.64 here, as SFace's of two photos.
NOISE = 0.75


@dataclass(frozen=True)
class Walker:
    """Somebody on a path: a function of seconds to a box, None where the person is not in the picture."""

    identity: Floats
    path: Path
    depth: float = 0.0


@dataclass
class Scene:
    """Walkers before each other; the nearer one (of less depth) covers the one behind."""

    walkers: list[Walker]
    rng: np.random.Generator
    jitter: float = 0.02
    missed: float = 0.03
    doubled: float = 0.02
    flicker: float = 0.02
    looks: int = 0

    def at(self, time: float) -> tuple[list[Detection], list[int | None], list[float]]:
        """Detections, which walker each is of (None: nobody), and how much of its face is covered."""
        boxes = {number: box for number, one in enumerate(self.walkers) if (box := one.path(time)) is not None}
        found: list[tuple[Box, float, int | None, float]] = []
        for number, box in boxes.items():
            hidden = max(
                (share(box, other) for k, other in boxes.items() if self._before(k, number)),
                default=0.0,
            )
            if self.rng.random() < max(self.missed, 4 * (hidden - 0.25)):
                continue
            found.append((self._shaken(box), self.rng.uniform(0.7, 0.95), number, hidden))
            if self.rng.random() < self.doubled:
                found.append((self._double(box), self.rng.uniform(0.6, 0.9), None, 0.0))
        if self.rng.random() < self.flicker:
            x, y, side = self.rng.uniform(0, 1200), self.rng.uniform(0, 600), self.rng.uniform(30, 90)
            found.append((Box(x, y, side, side * 1.2), 0.65, None, 0.0))
        self.rng.shuffle(found)  # type: ignore[arg-type]
        detections = [detection(box, score) for box, score, _, _ in found]
        return detections, [who for _, _, who, _ in found], [hidden for _, _, _, hidden in found]

    def embedding(self, who: int | None, hidden: float) -> Floats:
        """One look: the covered part of a face tells nothing."""
        self.looks += 1
        noise = self.rng.normal(size=DIMENSIONS) / np.sqrt(DIMENSIONS)
        if who is None:
            return unit(noise)
        return unit(self.walkers[who].identity * (1 - hidden) + NOISE * noise)

    def _before(self, number: int, other: int) -> bool:
        return self.walkers[number].depth < self.walkers[other].depth

    def _shaken(self, box: Box) -> Box:
        dx, dy, dw, dh = self.rng.normal(0, self.jitter, 4)
        return Box(
            box.x + dx * box.width,
            box.y + dy * box.height,
            box.width * float(np.exp(dw)),
            box.height * float(np.exp(dh)),
        )

    def _double(self, box: Box) -> Box:
        scale = self.rng.uniform(0.5, 0.8)
        return Box(box.x + 0.1 * box.width, box.y + 0.3 * box.height, box.width * scale, box.height * scale)


def person(rng: np.random.Generator) -> Floats:
    """A face's direction; two strangers' cosine is 0 on average, with a spread of 0.09."""
    return unit(rng.normal(size=DIMENSIONS))


def unit(vector: np.ndarray) -> Floats:
    """The vector at length 1."""
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def detection(box: Box, score: float = 0.9, points: np.ndarray = FRONTAL) -> Detection:
    """A face that looks into the lens."""
    landmarks = (points * [box.width, box.height] + [box.x, box.y]).astype(np.float32)
    return Detection(box, score, landmarks)


def share(box: Box, other: Box) -> float:
    """The share of `box` that `other` covers."""
    width = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    height = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(0.0, width) * max(0.0, height) / (box.width * box.height)


@dataclass
class Run:
    """What came of a scene.

    of: by walker the tracks it was reported as, with the number of frames of each. nobody: frames in which a track was
    put on something else. tracks: all that started.
    """

    of: dict[int, dict[int, int]]
    nobody: int
    tracks: set[int]
    updates: list[Update]

    last: dict[int, int]

    @property
    def main(self) -> list[int]:
        """By walker, the track of most frames."""
        return [max(tracks, key=lambda one: tracks[one]) for tracks in self.of.values()]

    @property
    def kept(self) -> bool:
        """Whether everybody has a track of his own, in nearly all frames, and in the last."""
        astray = sum(sum(tracks.values()) - max(tracks.values()) for tracks in self.of.values())
        frames = sum(sum(tracks.values()) for tracks in self.of.values())
        return len({*self.main}) == len(self.of) and self.main == [*self.last.values()] and astray <= 0.05 * frames


def run(scene: Scene, times: np.ndarray, cuts: frozenset[float] = frozenset(), embeds: bool = True) -> Run:
    """Follow a scene from beginning to end."""
    tracker, result = Tracker(), Run({number: {} for number in range(len(scene.walkers))}, 0, set(), [], {})
    for time in times.tolist():
        detections, who, hidden = scene.at(time)

        def look(index: int, who: list[int | None] = who, hidden: list[float] = hidden) -> Floats | None:
            return scene.embedding(who[index], hidden[index]) if embeds else None

        update = tracker.update(time, detections, look, cut=time in cuts)
        result.updates.append(update)
        result.tracks.update(update.started)
        for seen in update.seen:
            if seen.index is None:
                continue
            number = who[seen.index]
            if number is None:
                result.nobody += 1
            else:
                result.of[number][seen.track] = result.of[number].get(seen.track, 0) + 1
                result.last[number] = seen.track
    result.last = dict(sorted(result.last.items()))
    return result


def stands(x: float, y: float = 200.0, side: float = 100.0, away: tuple[float, float] = (1e9, 1e9)) -> Path:
    """Stays at a place, but for the seconds between `away`."""
    return lambda time: None if away[0] <= time < away[1] else Box(x, y, side, side * 1.2)


def walks(x: tuple[float, float], y: float, side: float, seconds: float) -> Path:
    """From the left edge x[0] to x[1], at one pace, with a bob in the step."""
    return lambda time: Box(
        x[0] + (x[1] - x[0]) * time / seconds, y + 0.05 * side * float(np.sin(9 * time)), side, side * 1.2
    )


def pauses(x: float, y: float, side: float, seconds: float, hold: float) -> Path:
    """Comes from the left to x, stays there for `hold` seconds in the middle, and goes on to the right."""
    come, go = (seconds - hold) / 2, (seconds + hold) / 2

    def path(time: float) -> Box:
        place = 100 + (x - 100) * min(time / come, 1) + (1100 - x) * max(time - go, 0) / (seconds - go)
        return Box(place, y, side, side * 1.2)

    return path


def crossing(seed: int) -> tuple[Scene, np.ndarray]:
    """Two people of whom one passes in front of the other: who, where, how fast, how long is drawn by lot.

    The times of its frames too: 5 to 30 a second, up to a tenth of them missing.
    """
    rng = np.random.default_rng(seed)
    seconds, side, y = rng.uniform(3, 5), rng.uniform(50, 140), rng.uniform(100, 400)
    other_y, other_side = y + rng.uniform(-0.3, 0.3) * side, side * rng.uniform(0.8, 1.25)
    left, right, x = rng.uniform(0, 300), rng.uniform(800, 1100), rng.uniform(450, 650)
    first, second = [
        (walks((left, right), y, side, seconds), walks((right, left), other_y, other_side, seconds)),
        (stands(x, y, side), walks((right, left), other_y, other_side, seconds)),
        (stands(x, y, side), pauses(x, other_y, other_side, seconds, rng.uniform(0.3, 1.5))),
    ][rng.integers(3)]
    walkers = [Walker(person(rng), first, rng.random()), Walker(person(rng), second, rng.random())]
    times = np.arange(0, seconds, 1 / rng.choice([5, 10, 15, 25, 30]))
    return Scene(walkers, rng), times[rng.random(len(times)) >= rng.uniform(0, 0.1)]
