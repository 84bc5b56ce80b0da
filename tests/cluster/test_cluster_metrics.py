from __future__ import annotations

import numpy as np
import pytest

from mien.cluster.metrics import cluster_figures


def test_a_worked_example() -> None:
    """Two people of 3 and 2 faces; one face of the first was put to the second."""
    found = cluster_figures(np.array([0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1]))
    assert found.pairs.precision == pytest.approx(2 / 4) and found.pairs.recall == pytest.approx(2 / 4)
    assert found.bcubed.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert found.bcubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert (found.n_faces, found.n_people, found.n_groups) == (5, 2, 2)
    assert found.bcubed.f == pytest.approx(
        2 * found.bcubed.precision * found.bcubed.recall / (found.bcubed.precision + found.bcubed.recall)
    )


def test_all_together_and_all_alone() -> None:
    people = np.array([0, 0, 1, 2])
    together, alone = cluster_figures(np.zeros(4, int), people), cluster_figures(np.arange(4), people)
    assert together.pairs.recall == 1 and together.pairs.precision == pytest.approx(1 / 6)
    assert alone.pairs.recall == 0 and alone.pairs.precision == 1 and alone.pairs.f == 0
    assert alone.bcubed.precision == 1 and alone.bcubed.recall == pytest.approx(0.75)


def test_names_of_groups_do_not_matter() -> None:
    people = np.array([5, 5, 9, 9, 2])
    assert cluster_figures(people * 7 - 3, people).bcubed.f == 1


def test_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="at least one"):
        cluster_figures(np.empty(0, int), np.empty(0, int))
