"""Made-up people whose true error rates are known by construction."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.evaluate.templates import Templates

# Lets this folder's tests import `made_up_faces`.
sys.path.insert(0, str(Path(__file__).parent))


def made_up_people(
    n_people: int, images_each: int = 2, noise: float = 0.6, seed: int = 0, dimensions: int = 64
) -> Templates:
    """People as random directions; a photo of one is that direction with noise."""
    random = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), images_each)
    centres = random.normal(size=(n_people, dimensions))
    vectors = centres[people] + noise * random.normal(size=(len(people), dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    paths = tuple(Path(f"people/{person}/{image}.jpg") for image, person in enumerate(people))
    return Templates(vectors.astype(np.float32), people, paths, np.full(len(people), np.nan, np.float32), "net@1")


@pytest.fixture
def made_up() -> Callable[..., Templates]:
    return made_up_people


@pytest.fixture(scope="module")
def made_up_once() -> Callable[..., Templates]:
    return made_up_people
