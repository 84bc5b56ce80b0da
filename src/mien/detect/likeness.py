"""How much a doubtful candidate is like a face to the embedding network, which has seen little else in training.

The squared Mahalanobis distance of its embedding to those of sure faces (P. C. Mahalanobis, 1936; as a detector of
foreign inputs: Lee et al., NeurIPS 2018). `benchmarks/fit_likeness.py` made the numbers; docs/detect.md shows what
they catch, and whom they lose.
"""

from __future__ import annotations

import threading
from importlib import resources

import numpy as np

from mien.align.view import FaceView
from mien.detect.rows import Rows, detection
from mien.embed.network import NetworkEmbedder
from mien.face import Embedding, Floats
from mien.image import Photo
from mien.settings import Settings
from mien.weights.catalog import Catalog

EMBEDDER = "sface"
FITTED = "likeness.npy"
# How far a frontal face of `USUAL_SCORE` may lie from the kinds of faces that were fitted: people whom the network
# does not know, and famous people, whom it may have learned and sets apart from all others. In units of the fit: 1 is
# where 99 of 100 sure faces lie nearer.
NEAR = (1.10, 0.95)
USUAL_SCORE = 0.88
# What each unit of score, and of turning away, allows beyond that.
PER_SCORE = 0.55
PER_TURN = 1.6
# The same for a candidate which is too weak to be a face by its score alone.
WEAK_ALLOWANCE = -0.12
# Up to this `turn` a face counts as frontal. Profiles are foreign to the network and doubtful to the detector.
FRONTAL = 0.25


class FaceLikeness:
    """Loads its network when first asked, since most photos hold nothing doubtful. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._embedder: NetworkEmbedder | None = None
        with resources.files("mien.detect").joinpath(FITTED).open("rb") as file:
            fitted = np.load(file, allow_pickle=False)
        self._means, self._whiten = fitted[:, 0], fitted[:, 1:]

    def __call__(self, photo: Photo, row: Rows, weak: bool = False) -> bool:
        """Whether the candidate `row` (15,), in px of `photo`, is like a face: in doubt it is, unless it is `weak`."""
        (embedding,) = self._network()([FaceView(photo, detection(row))])
        if not isinstance(embedding, Embedding):
            return False
        return self.foreignness(embedding.vector) <= (WEAK_ALLOWANCE if weak else allowance(row))

    def foreignness(self, vector: Floats) -> float:
        """How much farther than `NEAR` an embedding (128,) of unit length lies from the nearer kind of faces."""
        white = np.einsum("kij,kj->ki", self._whiten, vector - self._means)
        return float(((white * white).sum(axis=1) - NEAR).min())

    def _network(self) -> NetworkEmbedder:
        with self._lock:
            if self._embedder is None:
                card = Catalog.load(self._settings).card(EMBEDDER)
                self._embedder = NetworkEmbedder(card, self._settings)
            return self._embedder


def allowance(row: Rows) -> float:
    """How foreign the candidate `row` (15,) may be and still count as a face: the more, the surer and more turned."""
    turned = max(0.0, turn(row[4:14].reshape(5, 2)) - FRONTAL)
    return PER_SCORE * (float(row[14]) - USUAL_SCORE) + PER_TURN * turned


def turn(points: Floats) -> float:
    """How far the nose of five points (5, 2) lies off the middle of eyes and mouth, along the eyes.

    In halves of the distance between the eyes and mouth corners, on average: 0 seen from the front, 1 about in profile.
    """
    eyes, mouth = points[1] - points[0], points[4] - points[3]
    length = float(np.linalg.norm(eyes))
    along = eyes / length if length > 0 else np.array([1.0, 0.0])
    half = (length + float(np.linalg.norm(mouth))) / 2
    off = float((points[2] - points[[0, 1, 3, 4]].mean(axis=0)) @ along)
    return abs(off) / half if half > 0 else 0.0
