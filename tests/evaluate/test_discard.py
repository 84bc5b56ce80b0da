from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.discard import error_versus_discard


def test_the_worse_of_a_pair_decides() -> None:
    scores = np.array([0.1, 0.9, 0.9, 0.9])
    quality = np.array([[90, 5], [50, 50], [60, 60], [70, 70]])
    assert error_versus_discard(scores, quality, 0.5, (0.0, 0.25)) == (0.25, 0.0)


def test_useless_quality_leaves_the_rate() -> None:
    random = np.random.default_rng(0)
    scores, quality = random.random(20_000), random.random((20_000, 2))
    rates = error_versus_discard(scores, quality, 0.1, (0.0, 0.1, 0.5))
    assert rates == pytest.approx([0.1] * 3, abs=0.01)


def test_unknown_quality_goes_first() -> None:
    quality = np.array([[90, np.nan], [1, 1]])
    assert error_versus_discard(np.array([0.1, 0.9]), quality, 0.5, (0.5,)) == (0.0,)


@pytest.mark.parametrize("fraction", [1.0, -0.1, 2.0])
def test_discarding_everything_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="leaves none"):
        error_versus_discard(np.array([0.1, 0.9]), np.ones((2, 2)), 0.5, (fraction,))
