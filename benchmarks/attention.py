"""What the attention stage makes of eyes and mouths: stills with shut eyes, yawns, faces by group, and clips.

    python benchmarks/attention.py [--eyes DIR] [--yawns DIR] [--fairface DIR] [--clips DIR] [--limit N]

eyes: images/ and labels/ as eye_openness.py wants them. yawns: a folder of photos of yawns. fairface: val.csv with the
columns file, age, gender, race, and the photos that it names; --limit of each group. clips: a folder of videos.

A still has no past to learn a person's open eyes from. Of the labelled eyes, every other one serves to fit: the median
of the open ones is the open level; what shut eyes read is printed beside it, to be held against mien's number. The
others are judged by that level. FairFace's faces are each judged as one moment of a person whose open level is the
median of all of them, which is harsher on narrow eyes than a track, which learns each person's own level.
Rates come with Wilson's 95 % intervals.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from eye_openness import best_within
from rich.console import Console
from rich.progress import track

from mien.align.view import FaceView
from mien.analyze import Analyzer
from mien.attention.lids import SHUT, SHUT_READING, eye_weights
from mien.attention.meter import AttentionMeter
from mien.attention.organs import smiles, wide_open
from mien.attention.policy import AttentionPolicy
from mien.detect.search import FaceDetector
from mien.face import FaceMesh
from mien.image import open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.settings import load_settings

POLICY = AttentionPolicy()


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One face: `openness` of both eyes together as they can be seen, None where they are not judged."""

    openness: float | None
    narrowed: bool
    mouth: float
    yaw: float


def judged(mesh: FaceMesh) -> Judged:
    """As the meter weighs it."""
    weights = np.array(eye_weights(mesh, POLICY))
    both = np.array([mesh.eyes.right_openness, mesh.eyes.left_openness])
    openness = float(both @ weights / weights.sum()) if weights.any() else None
    mouth = mesh.mouth_openness / wide_open(mesh, POLICY)
    return Judged(openness, smiles(mesh, POLICY), mouth, abs(mesh.pose.yaw_degrees))


def rate(hits: int, of: int) -> str:
    """A share with its Wilson interval, in per cent."""
    if not of:
        return "none"
    z, share = 1.96, hits / of
    middle = (share + z * z / 2 / of) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / 4 / of / of)
    low, high = 100 * max(middle - half, 0), 100 * min(middle + half, 1)
    return f"{hits} of {of}: {100 * share:.1f} % ({low:.1f} to {high:.1f})"


class Stills:
    """Looks at photos."""

    def __init__(self) -> None:
        settings = load_settings()
        self._detector, self._landmarker = FaceDetector(settings), MeshLandmarker(settings)

    def largest(self, paths: Iterable[Path], name: str) -> list[Judged | None]:
        """The largest face of each photo, None without one."""
        found: list[Judged | None] = []
        for path in track(list(paths), name, console=Console(stderr=True)):
            photo = open_photo(path)
            meshes = self._landmarker([FaceView(photo, one) for one in self._detector(photo)[:1]])
            found.append(judged(meshes[0]) if meshes and isinstance(meshes[0], FaceMesh) else None)
        return found

    def labelled(self, folder: Path) -> list[tuple[bool, Judged]]:
        """Whether the eyes are open, and the face."""
        found = []
        for path in track(sorted((folder / "images").iterdir()), "eyes", console=Console(stderr=True)):
            photo = open_photo(path)
            detections, size = self._detector(photo), np.array([photo.width, photo.height])
            for line in (folder / "labels" / f"{path.stem}.txt").read_text().splitlines():
                label, x, y, width, height = (float(word) for word in line.split()[:5])
                one = best_within(detections, np.array([x, y]) * size, np.array([width, height]) * size)
                mesh = self._landmarker([FaceView(photo, one)])[0] if one else None
                if isinstance(mesh, FaceMesh):
                    found.append((label == 1, judged(mesh)))
        return found


def threshold(level: float) -> float:
    """The openness at which eyes with this open level are 80 % shut."""
    return level * (1 - SHUT * (1 - SHUT_READING))


def eyes(stills: Stills, folder: Path) -> None:
    """Shut eyes against open ones: fit on one half, rates on the other."""
    faces = stills.labelled(folder)
    fit, test = faces[::2], faces[1::2]
    seen = [(is_open, face.openness) for is_open, face in fit if face.openness is not None]
    level, shut = (float(np.median([one for is_open, one in seen if is_open == kind])) for kind in (True, False))
    print(f"fit on {len(seen)}: open level {level:.3f}, shut reads {shut:.3f}, {shut / level:.2f} of it")
    for name, wanted in (("shut", False), ("open", True)):
        of = [face.openness for is_open, face in test if is_open == wanted]
        known = [one for one in of if one is not None]
        called = sum(one <= threshold(level) for one in known)
        print(f"{name} eyes called shut: {rate(called, len(known))}; {len(of) - len(known)} more not judged")


def groups(stills: Stills, folder: Path, limit: int) -> None:
    """Which faces would be called shut, and which never count as open, by group."""
    chosen: dict[str, list[Path]] = {}
    for row in csv.DictReader((folder / "val.csv").open(encoding="utf-8")):
        if len(chosen.setdefault(row["race"], [])) < limit:
            chosen[row["race"]].append(folder / row["file"])
    found = {race: [one for one in stills.largest(paths, race) if one] for race, paths in sorted(chosen.items())}
    known = {race: [one for one in faces if one.openness is not None] for race, faces in found.items()}
    level = float(np.median([one.openness for faces in known.values() for one in faces if one.openness is not None]))
    print(f"open level {level:.3f}, shut from {threshold(level):.3f} down")
    for race, faces in known.items():
        values = np.array([one.openness for one in faces], dtype=float)
        smile = np.array([one.narrowed for one in faces])
        shut = values <= threshold(level)
        print(f"{race}: median {np.median(values):.3f}, 5 % {np.percentile(values, 5):.3f}")
        print(f"   below the threshold {rate(int(shut.sum()), len(values))}")
        print(f"   called shut (smiles left out) {rate(int((shut & ~smile).sum()), len(values))}")
        wide = sum(one.mouth >= 1 for one in found[race] if one.yaw <= POLICY.yaw_limit_degrees)
        print(f"   mouth wide open {rate(wide, len(found[race]))}")


def yawns(stills: Stills, folder: Path) -> None:
    """How many yawns have a mouth that counts as wide open, by yaw."""
    found = [one for one in stills.largest(sorted(folder.rglob("*.jpg")), "yawns") if one]
    for low, high in ((0, 15), (15, 30), (30, 45), (0, 45)):
        mouths = [one.mouth for one in found if low <= one.yaw < high]
        print(f"yawns, yaw {low} to {high}: wide open {rate(sum(one >= 1 for one in mouths), len(mouths))}")


def clips(folder: Path) -> None:
    """The signs in each clip, every frame looked at, then every second and third."""
    analyzer = Analyzer(stages=("landmark",), fast=True)
    for path in sorted(folder.iterdir()):
        meters = {every: AttentionMeter(POLICY) for every in (1, 2, 3)}
        signs = {every: list[str]() for every in meters}
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                faces = analyzer.analyze(frame.to_ndarray(format="rgb24")).faces
                mesh = faces[0].landmark if faces and isinstance(faces[0].landmark, FaceMesh) else None
                for every, meter in meters.items():
                    if index % every == 0:
                        found = meter.update(frame.time, mesh)
                        signs[every] += [f"{s.kind} {s.time_seconds:.2f}+{s.duration_seconds:.2f}" for s in found]
        for every, told in signs.items():
            print(f"{path.name}, every {every}: {', '.join(told) or 'nothing'}")


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("eyes", "yawns", "fairface", "clips"):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR")
    parser.add_argument("--limit", type=int, default=300, help="faces of each group at most")
    given = parser.parse_args()
    stills = Stills()
    if given.eyes:
        eyes(stills, given.eyes)
    if given.yawns:
        yawns(stills, given.yawns)
    if given.fairface:
        groups(stills, given.fairface, given.limit)
    if given.clips:
        clips(given.clips)


if __name__ == "__main__":
    main()
