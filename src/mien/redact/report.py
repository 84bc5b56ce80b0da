"""What a redaction did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mien.record import Record
from mien.redact.keep import Keeper
from mien.redact.link import Stretch
from mien.redact.plan import Judged, Plan

NO_FACE: Final = "No face was found: NOTHING is covered. Look at the result before you pass it on."


@dataclass(frozen=True, slots=True)
class Counts(Record):
    """covered, bare: faces found in frames and covered, or left bare. covered_tracks, bare_tracks: the same for faces
    followed over time; one of which only a part stays bare counts for both. names: of the people who were left bare, as
    far as they are known.
    """

    covered: int
    bare: int
    covered_tracks: int
    bare_tracks: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redaction(Record):
    """One file done.

    kind: video or photo. frames: of the whole file; covered_frames: those with at least one cover. how, audio: as asked
    for. warnings: what a person should know.
    """

    source: str
    out: str
    kind: str
    width: int
    height: int
    frames: int
    covered_frames: int
    faces: Counts
    how: str
    audio: str
    warnings: tuple[str, ...]


def judge(stretches: Sequence[Stretch], keeper: Keeper | None) -> tuple[list[Judged], tuple[str, ...]]:
    """What stays bare of each stretch, and the names of whom that is."""
    judged, names = [], set()
    for stretch in stretches:
        verdict = keeper.verdict(stretch) if keeper else None
        judged.append(Judged(stretch, verdict.bare if verdict else [False] * len(stretch.sights)))
        if verdict and verdict.name and any(verdict.bare):
            names.add(verdict.name)
    return judged, tuple(sorted(names))


def counted(judged: Sequence[Judged], plan: Plan, names: tuple[str, ...]) -> Counts:
    """The figures of one file."""
    covered = {one.stretch.number: sum(not bare for bare in one.bare) for one in judged}
    bare = {one.stretch.number: sum(one.bare) for one in judged}
    tracks = [[sum(one[number] for number in track) for track in plan.tracks] for one in (covered, bare)]
    n_covered, n_bare = (sum(map(bool, one)) for one in tracks)
    return Counts(sum(covered.values()), sum(bare.values()), n_covered, n_bare, names)
