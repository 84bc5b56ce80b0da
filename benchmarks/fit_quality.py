"""Fit the unified quality score, and show what discarding by it does to verification. Needs the `evaluate` extra.

    python benchmarks/fit_quality.py ../shared/data/lfw

The folder is LFW's development view: images/<Name>/<Name>_0001.jpg, pairsDevTrain.txt, pairsDevTest.txt. Fitted on the
people of DevTrain (their photos, and one spoilt copy of each second photo) to the mean similarity to the person's other
photos; reported on the people of DevTest. Prints the weights for src/mien/quality/score.py, and the curve of
false non-match rate against the share discarded, a pair's quality being that of its worse photo.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from mien.align.view import FaceView
from mien.detect.search import FaceDetector
from mien.embed.network import NetworkEmbedder
from mien.face import Embedding, Pixels
from mien.image import open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.quality.components import COMPONENTS
from mien.quality.sample import Sample
from mien.quality.score import HINGES, SCORED, excess, unified_score
from mien.settings import load_settings
from mien.weights.catalog import Catalog

DISCARDED = (0.0, 0.02, 0.05, 0.10, 0.20, 0.30)
FMRS = (1e-3, 1e-4)
RESAMPLES = 1000
# No measure may stop to matter for want of examples: the least weight, as the fall in % over the whole excess.
LEAST_FALL = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One photo or spoilt copy: of which photo, the measures by name, the unit vector."""

    photo: str
    spoilt: bool
    values: dict[str, float]
    vector: NDArray[np.float32]

    @property
    def person(self) -> str:
        """The photo's name is the person's, an underscore and a number."""
        return self.photo.rpartition("_")[0]


class Shooter:
    """From an image to a Shot, with the networks loaded once."""

    def __init__(self) -> None:
        settings = load_settings()
        self._detect = FaceDetector(settings)
        self._landmark = MeshLandmarker(settings)
        self._embed = NetworkEmbedder(Catalog.load(settings).card("sface"), settings, flip=False)

    def __call__(self, source: Path | Pixels, photo_name: str) -> Shot | None:
        """None where no face is found: the score is no remedy for that. Of several faces the most central one."""
        photo = open_photo(source)
        middle = np.array([photo.width, photo.height]) / 2
        found = self._detect(photo)
        if not found:
            return None
        detection = min(found, key=lambda one: float(np.linalg.norm(one.landmarks.mean(axis=0) - middle)))
        view = FaceView(photo, detection)
        sample = Sample(view, self._landmark([view])[0])
        embedding = self._embed([view])[0]
        if not isinstance(embedding, Embedding):
            return None
        values = {name: COMPONENTS[name].measure(sample) for name in SCORED}
        return Shot(photo_name, not isinstance(source, Path), values, embedding.vector)


def spoil(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """A copy with one of nine faults, of random strength."""
    strength = float(random.random())
    height, width = pixels.shape[:2]
    light = pixels.astype(np.float32)
    kind = int(random.integers(9))
    if kind == 0:
        light = cv2.GaussianBlur(light, (0, 0), 0.5 + 4 * strength)
    elif kind == 1:
        light = light * (0.5 * (1 - strength) + 0.03)
    elif kind == 2:
        light = light * (1.3 + 3 * strength)
    elif kind == 3:
        factor = 0.6 * (1 - strength) + 0.1
        light = cv2.resize(light, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    elif kind == 4:
        coded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(40 * (1 - strength) + 3)])[1]
        light = cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32)
    elif kind == 5:
        side = int(width * (0.08 + 0.2 * strength))
        x, y = (int(size / 2 - side / 2 + random.uniform(-0.15, 0.15) * size) for size in (width, height))
        light[y : y + side, x : x + side] = random.integers(0, 256, 3)
    elif kind == 6:
        light = light + random.normal(0, 5 + 45 * strength, light.shape)
    elif kind == 7:
        light = light[:, int(width * (0.3 + 0.2 * strength)) :]
    else:
        grey = 0.7 * (1 - strength) + 0.05
        light = light * grey + (1 - grey) * 128
    return np.ascontiguousarray(light.clip(0, 255).astype(np.uint8))


def shoot(images: Path) -> list[Shot]:
    """Shots of everyone with two photos or more, and a spoilt copy of every second photo."""
    shooter, random = Shooter(), np.random.default_rng(0)
    shots: list[Shot | None] = []
    for folder in sorted(images.iterdir()):
        paths = sorted(folder.glob("*.jpg"))
        if len(paths) < 2:
            continue
        for path in paths:
            shots.append(shooter(path, path.stem))
            if random.random() < 0.5:
                shots.append(shooter(spoil(open_photo(path).pixels().pixels, random), path.stem))
    return [shot for shot in shots if shot is not None]


def recognisability(shots: list[Shot]) -> NDArray[np.float64]:
    """Mean similarity of each shot to the person's other, unspoilt photos; nan where there are none."""
    whole = defaultdict(list)
    for shot in shots:
        if not shot.spoilt:
            whole[shot.person].append(shot)
    means = [
        np.mean([shot.vector @ other.vector for other in whole[shot.person] if other.photo != shot.photo] or np.nan)
        for shot in shots
    ]
    return np.array(means)


def excesses(shots: list[Shot]) -> NDArray[np.float64]:
    """(N, hinges): how far beyond each knee."""
    return np.array([[excess(hinge, shot.values[hinge.measure]) for hinge in HINGES] for shot in shots])


def fit(shots: list[Shot]) -> tuple[NDArray[np.float64], float]:
    """Weights, none below its least, and the best similarity: target = best * exp(-excess @ weights)."""
    beyond, target = excesses(shots), recognisability(shots)
    known = np.isfinite(target)
    beyond, target = beyond[known], target[known]
    span = np.array([hinge.worst for hinge in HINGES])
    least = LEAST_FALL / span
    start = np.append(least * 2, np.quantile(target, 0.7))
    lower = np.append(least, 0.0)

    def residual(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(parameters[-1] * np.exp(-beyond @ parameters[:-1]) - target)

    solved = least_squares(residual, start, bounds=(lower, np.inf), loss="soft_l1", f_scale=0.1)
    return solved.x[:-1], float(solved.x[-1])


def curve(shots: list[Shot], fmr: float) -> list[tuple[float, int, float, float, float]]:
    """(share discarded, pairs left, FNMR, and the 95 % interval of its difference to no discarding), persons resampled.

    The threshold is that of all pairs of different people at `fmr`, and stays.
    """
    vectors = np.stack([shot.vector for shot in shots])
    people = np.unique([shot.person for shot in shots], return_inverse=True)[1]
    scores = vectors @ vectors.T
    different = people[:, None] < people[None, :]
    threshold = float(np.quantile(scores[different], 1 - fmr))
    quality = np.array([unified_score(shot.values) for shot in shots])
    by_person = [np.flatnonzero(people == person) for person in range(int(people.max()) + 1)]
    pairs = np.array([(person, a, b) for person, own in enumerate(by_person) for a, b in combinations(own, 2)])
    worse = np.minimum(quality[pairs[:, 1]], quality[pairs[:, 2]])
    missed = scores[pairs[:, 1], pairs[:, 2]] < threshold
    draws = np.random.default_rng(0).multinomial(len(by_person), np.full(len(by_person), 1 / len(by_person)), RESAMPLES)
    rows = []
    for share in DISCARDED:
        kept = worse >= np.quantile(worse, share) if share else np.ones(len(worse), np.bool_)
        weight = draws[:, pairs[:, 0]]
        change = (weight @ (missed & kept)) / (weight @ kept) - (weight @ missed) / weight.sum(axis=1)
        low, high = np.quantile(change, [0.025, 0.975])
        rows.append((share, int(kept.sum()), float(missed[kept].mean()), float(low), float(high)))
    return rows


def people_of(pairs: Path) -> set[str]:
    """Everyone named in an LFW pairs file."""
    rows = [line.split("\t") for line in pairs.read_text(encoding="utf-8").splitlines()[1:]]
    return {name for row in rows for name in row if not name.strip().isdigit()}


def main() -> None:
    """Shoot, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lfw", type=Path, help="folder with images/ and the pairs files")
    lfw = parser.parse_args().lfw
    report(shoot(lfw / "images"), people_of(lfw / "pairsDevTrain.txt"), people_of(lfw / "pairsDevTest.txt"))


def report(shots: list[Shot], train: set[str], test: set[str]) -> None:
    """Weights fitted on `train`, and curves of the weights in the code on both."""
    weights, best = fit([shot for shot in shots if shot.person in train])
    print(f"similarity of a faultless photo: {best:.3f}")
    for hinge, weight in zip(HINGES, weights, strict=True):
        print(f"  {hinge.measure:24} side {hinge.side:+d} knee {hinge.knee:6.1f}: {weight:.4f} (now {hinge.weight})")
    for title, group in (("DevTrain people", train), ("DevTest people", test), ("everyone", train | test)):
        whole = [shot for shot in shots if not shot.spoilt and shot.person in group]
        for fmr in FMRS:
            print(f"{title}: {len(whole)} photos, FNMR at FMR {fmr:g} (change, 95 % by resampling people)")
            for share, pairs, fnmr, low, high in curve(whole, fmr):
                print(f"  {share:4.0%} discarded, n = {pairs}: {fnmr:6.2%} ({low:+.2%} to {high:+.2%})")


if __name__ == "__main__":
    main()
