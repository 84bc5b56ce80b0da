from __future__ import annotations

import numpy as np
import pytest

from mien.cluster import people as module
from mien.cluster.metrics import cluster_figures
from mien.cluster.people import cluster_people
from mien.decide.calibration import Calibration, ErrorRate, Knot
from mien.errors import CalibrationError

KNOTS = tuple(
    Knot(score, ErrorRate(rate, rate, rate)) for score, rate in ((-1.0, 1.0), (0.2, 1e-2), (0.4, 1e-4), (0.6, 1e-6))
)
CALIBRATION = Calibration("made-up", "net@1", "made-up people", "these", 1000, 1000, 499_500, KNOTS)


def faces(n_people: int, most: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_people), random.integers(1, most + 1, n_people))
    centres = random.normal(size=(n_people, 64))
    vectors = centres[who] + noise * random.normal(size=(len(who), 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who


def average_linkage(vectors: np.ndarray, threshold: float) -> np.ndarray:
    """One pair at a time, by the definition."""
    groups = [[place] for place in range(len(vectors))]
    scores = (vectors @ vectors.T).astype(np.float64)
    while len(groups) > 1:
        means = np.array([[scores[np.ix_(a, b)].mean() if a is not b else -2 for b in groups] for a in groups])
        first, second = np.unravel_index(means.argmax(), means.shape)
        if means[first, second] < threshold:
            break
        groups[min(first, second)] += groups.pop(max(first, second))
    labels = np.empty(len(vectors), int)
    for number, group in enumerate(groups):
        labels[group] = number
    return labels


@pytest.mark.parametrize("seed", range(5))
def test_the_same_groups_as_average_linkage_by_definition(seed: int) -> None:
    vectors, _ = faces(12, 6, 0.9, seed)
    for fmr in (1e-2, 1e-3, 1e-4):
        found = cluster_people(vectors, CALIBRATION, fmr)
        same = cluster_figures(found.labels, average_linkage(vectors, found.threshold))
        assert same.pairs.precision == 1 and same.pairs.recall == 1


def test_people_are_found() -> None:
    vectors, who = faces(100, 8, 0.7)
    found = cluster_people(vectors, CALIBRATION, 1e-4)
    figures = cluster_figures(found.labels, who)
    assert figures.bcubed.f > 0.97 and found.threshold == pytest.approx(0.4)


def test_labels_run_from_the_largest_group_and_do_not_depend_on_order() -> None:
    vectors, _ = faces(30, 6, 0.6)
    found = cluster_people(vectors, CALIBRATION)
    sizes = np.bincount(found.labels)
    assert (np.diff(sizes) <= 0).all() and found.n_people == len(sizes)
    assert len(found.members(0)) == sizes[0]
    order = np.random.default_rng(3).permutation(len(vectors))
    again = cluster_figures(cluster_people(vectors[order], CALIBRATION).labels, found.labels[order])
    assert again.pairs.precision == 1 and again.pairs.recall == 1


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = faces(30, 6, 0.6)
    whole = cluster_people(vectors, CALIBRATION).labels
    monkeypatch.setattr(module, "ROWS", 7)
    assert (cluster_people(vectors, CALIBRATION).labels == whole).all()


def test_copies_none_and_one() -> None:
    vectors, _ = faces(1, 1, 0.5)
    assert list(cluster_people(vectors, CALIBRATION).labels) == [0]
    assert list(cluster_people(np.repeat(vectors, 5, axis=0), CALIBRATION).labels) == [0] * 5
    assert cluster_people(np.empty((0, 64), np.float32), CALIBRATION).n_people == 0


def test_what_cannot_be_is_refused() -> None:
    vectors, _ = faces(3, 2, 0.5)
    with pytest.raises(CalibrationError, match="unit length"):
        cluster_people(vectors * 3, CALIBRATION)
    with pytest.raises(CalibrationError):
        cluster_people(vectors, CALIBRATION, 1e-9)
