"""The script of one made sequence: which faces when, how one becomes the next, and what comes between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.expression.classes import FERPLUS
from mien.face import Floats
from mien.train.sequence.degrade import KINDS
from mien.train.sequence.motion import Course, bursts
from mien.train.sequence.stills import NEUTRAL, Stills

# Besides those of `degrade`: of `pose`, and frames in which no face is found.
ALL_KINDS: Final = (*KINDS, "turn", "speech", "missing")
FRAME_RATES: Final = (8.0, 10.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0)
SHORTEST_HOLD_SECONDS: Final = 0.5
MEAN_HOLD_SECONDS: Final = 2.0
FADE_SECONDS: Final = (0.12, 0.6)
# Of an episode of trouble, where there is one kind of it: about half of the time is troubled.
EVERY_SECONDS: Final = 1.3
UNSEEN_SECONDS: Final = (0.2, 1.2)
# A neutral stretch says little about a sequence's own expression.
NEUTRAL_WEIGHT: Final = 0.15


@dataclass(frozen=True, slots=True)
class MakePolicy:
    """What sequences are made like.

    shortest, longest: frames. strongest: 0..1, the highest level of a degradation. single: share of the sequences with
    one kind of degradation alone; clean: share with none but the tracking's jitter; others have two or three.
    """

    shortest: int = 20
    longest: int = 72
    strongest: float = 1.0
    single: float = 0.5
    clean: float = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """times: (T,) seconds from 0. stills: (T, 2) numbers of the faces before and after, mix: (T,) 0..1 the share of the
    one after. shares: (T, 8) what is to be seen. whole: (8,) of the sequence. seen: (T,) bool. kinds: degradations.
    changes: seconds at which half of a change to another class is done. level, seed: of the degradations.
    """

    times: Course
    stills: NDArray[np.int64]
    mix: Course
    shares: Floats
    whole: Floats
    seen: NDArray[np.bool_]
    kinds: tuple[str, ...]
    changes: tuple[float, ...]
    level: float
    seed: int

    @property
    def every_seconds(self) -> float:
        """About how often an episode of one kind begins: the rarer, the more kinds there are."""
        return EVERY_SECONDS * max(len(self.kinds), 1)


def write_scene(stills: Stills, policy: MakePolicy, rng: np.random.Generator) -> Scene:
    """A random scene. Classes are drawn by the square root of how many faces they have, so that rare ones come up."""
    times = _times(policy, rng)
    kinds = _kinds(policy, rng)
    chosen, joints = _holds(stills, float(times[-1]), rng)
    fades = rng.uniform(*FADE_SECONDS, len(joints))
    power = np.exp(rng.uniform(-0.6, 0.6, len(joints)))
    part = np.searchsorted(np.array(joints), times + 1e-9) if joints else np.zeros(len(times), np.int64)
    pairs, mix = np.stack([np.array(chosen)[part]] * 2, axis=1), np.zeros(len(times))
    for number, middle in enumerate(joints):
        done = np.clip((times - middle) / fades[number] + 0.5, 0, 1)
        inside = (done > 0) & (done < 1)
        pairs[inside] = chosen[number], chosen[number + 1]
        mix[inside] = (done * done * (3 - 2 * done))[inside] ** power[number]
    shares = (1 - mix[:, None]) * stills.shares[pairs[:, 0]] + mix[:, None] * stills.shares[pairs[:, 1]]
    every = EVERY_SECONDS * max(len(kinds), 1)
    seen = bursts(times, every, UNSEEN_SECONDS, rng) < 0.5 if "missing" in kinds else np.ones(len(times), np.bool_)
    seen[int(rng.integers(len(times)))] = True
    return Scene(
        times=times,
        stills=pairs,
        mix=mix,
        shares=np.asarray(shares, np.float32),
        whole=whole_of(shares),
        seen=seen,
        kinds=kinds,
        changes=_changes(times, shares),
        level=float(rng.uniform(0.6, 1) * policy.strongest),
        seed=int(rng.integers(2**31)),
    )


def whole_of(shares: NDArray[np.floating]) -> Floats:
    """(8,): the mean of (T, 8) over time, in which a moment counts less the more neutral it is."""
    weights = NEUTRAL_WEIGHT + (1 - NEUTRAL_WEIGHT) * (1 - shares[:, NEUTRAL])
    return np.asarray((shares * weights[:, None]).sum(axis=0) / weights.sum(), np.float32)


def _times(policy: MakePolicy, rng: np.random.Generator) -> Course:
    """A steady rate, or in a quarter of the sequences one whose frames come early and late."""
    n = round(np.exp(rng.uniform(np.log(policy.shortest), np.log(policy.longest))))
    steps = np.full(n - 1, 1 / rng.choice(FRAME_RATES))
    if rng.random() < 0.25:
        steps *= np.exp(rng.uniform(-0.5, 0.5, n - 1))
    return np.concatenate([[0.0], np.cumsum(steps)])


def _kinds(policy: MakePolicy, rng: np.random.Generator) -> tuple[str, ...]:
    draw = rng.random()
    count = 0 if draw < policy.clean else 1 if draw < policy.clean + policy.single else int(rng.integers(2, 4))
    return tuple(sorted(rng.choice(ALL_KINDS, count, replace=False).tolist()))


def _holds(stills: Stills, seconds: float, rng: np.random.Generator) -> tuple[list[int], list[float]]:
    """Faces in turn, and the times between them; two faces that follow each other show different classes."""
    labels = stills.shares.argmax(axis=1)
    counts = np.bincount(labels, minlength=len(FERPLUS))
    chances = np.sqrt(counts) / max(np.sqrt(counts).sum(), 1)
    joints: list[float] = []
    end = SHORTEST_HOLD_SECONDS + rng.exponential(MEAN_HOLD_SECONDS)
    while end < seconds - SHORTEST_HOLD_SECONDS / 2 and np.count_nonzero(counts) > 1:
        joints.append(end)
        end += SHORTEST_HOLD_SECONDS + rng.exponential(MEAN_HOLD_SECONDS)
    chosen: list[int] = []
    before = -1
    for number in range(len(joints) + 1):
        label = _next_class(chances, before, joints and number == 0 and rng.random() < 0.4, rng)
        chosen.append(int(rng.choice(np.flatnonzero(labels == label))))
        before = label
    return chosen, joints


def _next_class(chances: Course, before: int, neutral: object, rng: np.random.Generator) -> int:
    if neutral and chances[NEUTRAL]:
        return NEUTRAL
    others = chances.copy()
    if before >= 0:
        others[before] = 0
    return int(rng.choice(len(others), p=others / others.sum()))


def _changes(times: Course, shares: NDArray[np.floating]) -> tuple[float, ...]:
    labels = shares.argmax(axis=1)
    return tuple(float(times[i]) for i in np.flatnonzero(labels[1:] != labels[:-1]) + 1)
