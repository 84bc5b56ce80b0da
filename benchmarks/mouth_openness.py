"""How far mouth openness sets yawns apart from other faces: AUC between two folders of photos.

    python benchmarks/mouth_openness.py YAWNS OTHERS

YAWNS and OTHERS are folders of photos (searched deeply); the largest face of each photo counts. Where OTHERS comes from
another data set, part of the AUC is the difference between the sets: say so wherever the figure is quoted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from auc import auc_interval
from rich.console import Console
from rich.progress import track

from mien.align.view import FaceView
from mien.detect.search import FaceDetector
from mien.face import FaceMesh
from mien.image import open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.settings import load_settings

SUFFIXES = {".jpg", ".jpeg", ".png"}


def mouths(folder: Path, limit: int) -> tuple[list[float], int]:
    """Mouth openness of the largest face of up to `limit` photos, evenly chosen, and the number without a face."""
    settings = load_settings()
    detector, landmarker = FaceDetector(settings), MeshLandmarker(settings)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = paths[:: max(1, len(paths) // limit)][:limit]
    scores, lost = [], 0
    for path in track(paths, folder.name, console=Console(stderr=True)):
        photo = open_photo(path)
        meshes = landmarker([FaceView(photo, found) for found in detector(photo)[:1]])
        if meshes and isinstance(meshes[0], FaceMesh):
            scores.append(meshes[0].mouth_openness)
        else:
            lost += 1
    return scores, lost


def main() -> None:
    """Print AUC with its interval, and how the scores spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yawns", type=Path)
    parser.add_argument("others", type=Path)
    parser.add_argument("--limit", type=int, default=500, help="photos of each folder at most")
    given = parser.parse_args()
    results = {name: mouths(folder, given.limit) for name, folder in (("yawns", given.yawns), ("others", given.others))}
    value, low, high = auc_interval(results["yawns"][0], results["others"][0])
    print(f"AUC {value:.4f} (95 % interval {low:.4f} to {high:.4f})")
    for name, (scores, lost) in results.items():
        spread = " ".join(f"{value:.3f}" for value in np.percentile(scores, [5, 50, 95]))
        print(f"{name}: {len(scores)} faces, {lost} not found, openness at 5, 50, 95 %: {spread}")


if __name__ == "__main__":
    main()
