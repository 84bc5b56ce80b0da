"""A gallery's secret rotation: what is stored of a vector means nothing beside the vectors of another gallery.

Cosines within a gallery stay as they are. It hides nothing from who holds the rotation, and who knows D vectors both
before and after it can compute it: it is a second wall behind the encryption, and what makes a leaked set renewable.
"""

from __future__ import annotations

import secrets

import numpy as np

from mien.face import Floats


def make_rotation(dim: int) -> Floats:
    """A (D, D) float32 orthogonal matrix, uniform among all of them, from the system's random source.

    QR of a Gaussian matrix with the signs of R's diagonal made positive: Mezzadri, How to generate random matrices from
    the classical compact groups (2007).
    """
    q, r = np.linalg.qr(_gaussian(dim * dim).reshape(dim, dim))
    return np.ascontiguousarray(q * np.sign(np.diag(r)), dtype=np.float32)


def rotate(vectors: Floats, rotation: Floats) -> Floats:
    """(N, D) float32 as stored."""
    return np.ascontiguousarray(vectors @ rotation, dtype=np.float32)


def rotate_back(stored: Floats, rotation: Floats) -> Floats:
    """(N, D) float32 as the embedder made them, to about 1e-7 a component."""
    return np.ascontiguousarray(stored @ rotation.T, dtype=np.float32)


def _gaussian(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Standard normal numbers from the system's random source (Box and Muller's transform)."""
    words = np.frombuffer(secrets.token_bytes(16 * count), dtype="<u8").reshape(2, count)
    radius, angle = ((words >> np.uint64(11)) + 0.5) * 2.0**-53
    result: np.ndarray[tuple[int], np.dtype[np.float64]] = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)
    return result
