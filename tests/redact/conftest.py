"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mien.redact.policy import RedactPolicy
from mien.redact.search import CoverSearch
from mien.settings import Settings

# Lets this folder's tests import what the gallery's tests are made of, and `made_up_sights`.
sys.path.insert(0, str(Path(__file__).parents[1] / "gallery"))
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def search(weights: Settings) -> CoverSearch:
    """The search for photos."""
    return CoverSearch(weights, RedactPolicy(), still=True)


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """(240, 320, 3) uint8 RGB, one face of about 90 px in its middle."""
    return np.ascontiguousarray(astronaut[:240, 64:384])


@pytest.fixture(scope="session")
def face_row(portrait: np.ndarray, search: CoverSearch) -> np.ndarray:
    """(15,) where the portrait's face is."""
    return search(portrait)[0]
