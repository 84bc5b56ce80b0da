"""Fit the distance by which doubtful detections are told from faces (`mien.detect.likeness`).

    python benchmarks/fit_likeness.py FACES OUT [--limit N]

FACES: a folder of photos of faces, as different as people are (FairFace's `train` was used). OUT: the file to write,
`src/mien/detect/likeness.npy`: (129, 128) float32, the mean embedding of sure faces, and below it the matrix that
whitens what is left. Prints how the distance spreads over faces that were left out of the fit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from mien.align.view import FaceView
from mien.detect.policy import DetectPolicy
from mien.detect.search import FaceDetector
from mien.detect.second import SURE
from mien.embed.network import NetworkEmbedder
from mien.face import Embedding
from mien.image import open_photo
from mien.settings import load_settings
from mien.weights.catalog import Catalog

SUFFIXES = {".jpg", ".jpeg", ".png"}
# Added to the covariance's diagonal, as a share of its mean: only keeps the inverse steady.
RIDGE = 1e-4
HELD_OUT = 5


def sure_faces(folder: Path, limit: int) -> NDArray[np.float64]:
    """(N, 128) embeddings of the largest face of each photo, where the detector is sure of it."""
    settings = load_settings()
    detect = FaceDetector(settings, DetectPolicy(min_score=SURE))
    embed = NetworkEmbedder(Catalog.load(settings).card("sface"), settings)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = paths[:: max(1, len(paths) // limit)]
    vectors = []
    for path in track(paths, folder.name, console=Console(stderr=True)):
        photo = open_photo(path)
        for result in embed([FaceView(photo, found) for found in detect(photo)[:1]]):
            if isinstance(result, Embedding):
                vectors.append(result.vector)
    return np.array(vectors, np.float64)


def fit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Mean and whitening matrix, (129, 128)."""
    covariance = np.cov(vectors.T)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whiten = np.linalg.cholesky(np.linalg.inv(covariance)).T
    return np.concatenate([vectors.mean(axis=0)[None], whiten]).astype(np.float32)


def main() -> None:
    """Fit, write, and report on faces left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, default=100_000)
    chosen = parser.parse_args()
    vectors = sure_faces(chosen.faces, chosen.limit)
    out = np.arange(len(vectors)) % HELD_OUT == 0
    fitted = fit(vectors[~out])
    distances = (((vectors[out] - fitted[0]) @ fitted[1:].T) ** 2).sum(axis=1)
    levels = (0.5, 0.9, 0.99, 0.999)
    print(f"{len(vectors)} sure faces; squared distance of those left out, at quantiles {levels}:")
    print(np.quantile(distances, levels).round(0))
    np.save(chosen.out, fit(vectors))


if __name__ == "__main__":
    main()
