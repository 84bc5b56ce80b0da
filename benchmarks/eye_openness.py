"""How well eye openness tells open eyes from shut ones: AUC on photos with YOLO boxes of both eyes.

    python benchmarks/eye_openness.py DIR

DIR holds images/ and labels/ as YOLO lays them out, one line a face: class (0 closed, 1 open), centre x, y, width and
height over those of the image; a box spans both eyes of one face. A face counts as found where a detection's eyes lie
within the box. Its score is the mean openness of both eyes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from auc import auc_interval
from numpy.typing import ArrayLike
from rich.console import Console
from rich.progress import track

from mien.align.view import FaceView
from mien.detect.search import FaceDetector
from mien.face import Detection, FaceMesh
from mien.image import open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.settings import load_settings


def openness_by_label(folder: Path) -> tuple[list[float], list[float], int]:
    """Mean openness of every found face with open eyes, of every one with shut eyes, and the number not found."""
    settings = load_settings()
    detector, landmarker = FaceDetector(settings), MeshLandmarker(settings)
    scores: tuple[list[float], list[float]] = ([], [])
    lost = 0
    for path in track(sorted((folder / "images").iterdir()), "eyes", console=Console(stderr=True)):
        photo = open_photo(path)
        detections, size = detector(photo), (photo.width, photo.height)
        for line in (folder / "labels" / f"{path.stem}.txt").read_text().splitlines():
            label, x, y, width, height = (float(word) for word in line.split()[:5])
            found = best_within(detections, np.array([x, y]) * size, np.array([width, height]) * size)
            mesh = landmarker([FaceView(photo, found)])[0] if found else None
            if isinstance(mesh, FaceMesh):
                scores[int(label)].append((mesh.eyes.right_openness + mesh.eyes.left_openness) / 2)
            else:
                lost += 1
    return scores[1], scores[0], lost


def best_within(detections: list[Detection], centre: ArrayLike, size: ArrayLike) -> Detection | None:
    """The surest detection whose point between the eyes lies in the box, a fifth of slack allowed."""
    half = np.asarray(size) * 0.6
    inside = [one for one in detections if (abs(one.landmarks[:2].mean(axis=0) - centre) <= half).all()]
    return max(inside, key=lambda one: one.score, default=None)


def main() -> None:
    """Print AUC with its interval, and how the scores spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    opened, shut, lost = openness_by_label(parser.parse_args().folder)
    value, low, high = auc_interval(opened, shut)
    print(f"AUC {value:.4f} (95 % interval {low:.4f} to {high:.4f})")
    print(f"{len(opened)} open, {len(shut)} shut, {lost} not found")
    for name, scores in (("open", opened), ("shut", shut)):
        print(name, "openness at 5, 50, 95 %:", *(f"{value:.3f}" for value in np.percentile(scores, [5, 50, 95])))


if __name__ == "__main__":
    main()
