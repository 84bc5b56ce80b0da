from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from mien.evaluate.repeats import join_repeats
from mien.evaluate.templates import Templates


def test_the_same_people_under_other_names_are_found_again(made_up: Callable[..., Templates]) -> None:
    truth = made_up(60, images_each=3, noise=0.3)
    strangers = dataclasses.replace(truth, people=np.arange(180))
    joined, report = join_repeats(strangers, 0.75)
    assert np.array_equal(joined.people, truth.people)
    assert (report.people_before, report.people_after, report.pairs) == (180, 60, 180)
    assert report.fmr_bound == pytest.approx(180 / (180 * 179 / 2))


def test_a_chain_joins_its_ends() -> None:
    """Each next vector is 20 degrees on: neighbours score 0.94, the ends of the chain far less."""
    angles = np.radians(np.arange(0, 100, 20))[[3, 0, 4, 2, 1]]
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    chain = Templates(vectors, np.arange(5), (), np.full(5, np.nan, np.float32), "net@1")
    assert join_repeats(chain, 0.9)[0].n_people == 1
    assert join_repeats(chain, 0.95)[0].n_people == 5


def test_different_people_stay_apart(made_up: Callable[..., Templates]) -> None:
    templates = made_up(60)
    joined, report = join_repeats(templates, 0.8)
    assert joined.n_people == 60
    assert report.pairs == 0
