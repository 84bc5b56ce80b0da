"""Fit the distance by which doubtful detections are told from faces (`mien.detect.likeness`).

    python benchmarks/fit_likeness.py OUT FACES... [--limit N]

OUT: the file to write, `src/mien/detect/likeness.npy`: (K, 129, 128) float32, for each of the K folders FACES the mean
embedding of its sure faces, and below it the matrix that whitens what is left, so that the squared length of a whitened
embedding is 1 where 99 of 100 sure faces lie nearer. The shipped file: FairFace's `train`, whose people the network
does not know, and LFW, whose famous people it may have learned. Only the pictures are used, no labels.
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
PARTS = 5


def sure_faces(folder: Path, limit: int) -> NDArray[np.float64]:
    """(N, 128) embeddings of the largest face of each photo, where the detector is sure of it."""
    settings = load_settings()
    detect = FaceDetector(settings, DetectPolicy())
    embed = NetworkEmbedder(Catalog.load(settings).card("sface"), settings)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = paths[:: max(1, len(paths) // limit)]
    vectors = []
    for path in track(paths, folder.name, console=Console(stderr=True)):
        photo = open_photo(path)
        for result in embed([FaceView(photo, found) for found in detect(photo)[:1] if found.score >= SURE]):
            if isinstance(result, Embedding):
                vectors.append(result.vector)
    return np.array(vectors, np.float64)


def fit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and whitening matrix, (129, 128)."""
    covariance = np.cov(vectors.T)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whiten = np.linalg.cholesky(np.linalg.inv(covariance)).T
    return np.concatenate([vectors.mean(axis=0)[None], whiten])


def scaled(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fit to all, its unit from faces that were left out of a fit to the others, in `PARTS` turns."""
    part = np.arange(len(vectors)) * PARTS // len(vectors)
    distances = []
    for index in range(PARTS):
        fitted = fit(vectors[part != index])
        distances.append((((vectors[part == index] - fitted[0]) @ fitted[1:].T) ** 2).sum(axis=1))
    left_out = np.concatenate(distances)
    unit = np.quantile(left_out, 0.99)
    shares = (0.5, 0.9, 0.99, 0.999)
    print(
        f"{len(vectors)} sure faces; distance of those left out, at {shares}:",
        np.quantile(left_out / unit, shares).round(2),
    )
    whole = fit(vectors)
    whole[1:] /= np.sqrt(unit)
    return whole


def main() -> None:
    """Fit, write, and report on faces left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("faces", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=100_000)
    chosen = parser.parse_args()
    fits = [scaled(sure_faces(folder, chosen.limit)) for folder in chosen.faces]
    np.save(chosen.out, np.array(fits, np.float32))


if __name__ == "__main__":
    main()
