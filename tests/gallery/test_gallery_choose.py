from __future__ import annotations

import numpy as np
import pytest
from made_up_people import directions, near, template

from mien.gallery.choose import choose_templates

ME, OTHER = directions(2)


def test_few_templates_all_stay() -> None:
    some = [template(near(ME, 0.8, seed), number=seed) for seed in range(3)]
    assert choose_templates(some, 3) == some


def test_the_best_quality_stays_whatever_its_place() -> None:
    some = [template(near(ME, 0.8, seed), quality, seed) for seed, quality in enumerate((60, 70, 95, 50, 65))]
    for limit in range(1, 5):
        assert 2 in [one.id for one in choose_templates(some, limit)]


def test_near_copies_go_first() -> None:
    apart = [template(near(ME, 0.7, seed), 80, seed) for seed in range(3)]
    copies = [template(near(apart[0].vector, 0.999, 10 + seed), 79, 10 + seed) for seed in range(5)]
    assert {one.id for one in choose_templates([*copies, *apart], 3)} == {0, 1, 2}


def test_of_two_that_are_as_different_the_better_one_stays() -> None:
    best = template(ME, 90, 1)
    some = [best, template(near(ME, 0.6, 3), 50, 2), template(near(ME, 0.6, 4), 85, 3)]
    assert [one.id for one in choose_templates(some, 2)] == [1, 3]


def test_being_far_off_does_not_outweigh_quality() -> None:
    """A wrong face, at a right angle to the rest, is no more welcome than a photo that merely differs."""
    some = [template(ME, 90, 1), template(near(ME, 0.45, 3), 80, 2), template(OTHER, 60, 3)]
    assert [one.id for one in choose_templates(some, 2)] == [1, 2]


def test_unknown_quality_is_middling_and_order_does_not_matter() -> None:
    some = [template(near(ME, 0.7, seed), float("nan") if seed == 2 else 40 + seed, seed) for seed in range(8)]
    assert 2 in [one.id for one in choose_templates(some, 1)]
    forward = {one.id for one in choose_templates(some, 4)}
    assert {one.id for one in choose_templates(some[::-1], 4)} == forward


def test_a_person_keeps_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        choose_templates([template(np.asarray(ME))], 0)
