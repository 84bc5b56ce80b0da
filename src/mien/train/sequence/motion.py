"""Random courses over time: what wanders smoothly, and what comes and goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Course = NDArray[np.float64]
WAVES = 3


def wander(times: Course, period_seconds: float, rng: np.random.Generator) -> Course:
    """(T,) in -1..1, smooth: three sines whose periods lie around `period_seconds`, at random phases.

    times: (T,) seconds. The course depends on the times alone, not on how many there are.
    """
    periods = period_seconds * np.exp(rng.uniform(-0.7, 0.7, WAVES))
    phases, sizes = rng.uniform(0, 2 * np.pi, WAVES), rng.dirichlet(np.ones(WAVES))
    return np.asarray(np.sin(2 * np.pi * times[:, None] / periods + phases) @ sizes)


def bursts(
    times: Course, every_seconds: float, length_seconds: tuple[float, float], rng: np.random.Generator
) -> Course:
    """(T,) in 0..1: episodes of random length that begin at random, about `every_seconds` apart, and are never absent.

    Each rises and falls as half a cosine over a fifth of its length. times: (T,) seconds.
    """
    span = float(times[-1] - times[0])
    course = np.zeros(len(times))
    for _ in range(1 + int(rng.poisson(span / every_seconds))):
        length = rng.uniform(*length_seconds)
        start = times[0] + rng.uniform(-length / 2, max(span - length / 2, 0.0))
        inside = np.clip(np.minimum(times - start, start + length - times) / (length / 5), 0, 1)
        course = np.maximum(course, 0.5 - 0.5 * np.cos(np.pi * inside))
    return course
