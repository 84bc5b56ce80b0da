from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.evaluate import scores as module
from mien.evaluate.scores import (
    ScoreCounts,
    bin_edges,
    count_scores,
    genuine_pairs,
    impostor_pairs,
    n_impostor_pairs,
    n_people_pairs,
)
from mien.evaluate.templates import Templates

Made = Callable[..., Templates]


def brute_force(templates: Templates) -> tuple[list[float], list[float]]:
    genuine, impostor = [], []
    for i in range(len(templates.people)):
        for j in range(i + 1, len(templates.people)):
            score = float(templates.vectors[i] @ templates.vectors[j])
            (genuine if templates.people[i] == templates.people[j] else impostor).append(score)
    return sorted(genuine), sorted(impostor)


def test_blocks_see_every_pair_once(made_up: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 7)
    templates = made_up(12, images_each=3)
    genuine, impostor = brute_force(templates)
    assert np.sort(genuine_pairs(templates).scores) == pytest.approx(genuine, abs=1e-6)
    found = impostor_pairs(templates, 0.1)
    assert np.sort(found.scores) == pytest.approx([score for score in impostor if score >= 0.1], abs=1e-6)
    assert (templates.people[found.first] != templates.people[found.second]).all()


def test_histograms_hold_every_pair(made_up: Made) -> None:
    templates = made_up(40, images_each=3)
    counts = count_scores(templates)
    genuine, impostor = brute_force(templates)
    assert (counts.genuine.sum(), counts.impostor.sum()) == (len(genuine), len(impostor))
    middle = int(np.searchsorted(bin_edges(), 0.2))
    assert counts.impostor[middle:].sum() == pytest.approx(sum(score >= 0.2 for score in impostor), abs=2)


def test_numbers_of_pairs(made_up: Made) -> None:
    templates = made_up(5, images_each=3)
    assert n_impostor_pairs(templates) == 10 * 9
    assert n_people_pairs(templates) == 10


def test_threshold_leaves_at_least_the_rate_above(made_up: Made) -> None:
    counts = count_scores(made_up(60))
    rates, _ = counts.rates()
    place = int(np.searchsorted(bin_edges(), counts.threshold(0.01)))
    assert rates[place] >= 0.01 > rates[place + 1]


def test_rates_start_and_end_where_they_must() -> None:
    genuine, impostor = np.zeros(module.BINS, np.int64), np.zeros(module.BINS, np.int64)
    genuine[-1], impostor[0] = 3, 4
    fmr, fnmr = ScoreCounts(genuine, impostor).rates()
    assert (fmr[0], fmr[1], fnmr[0], fnmr[-1]) == (1.0, 0.0, 0.0, 0.0)
