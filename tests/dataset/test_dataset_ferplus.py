"""The rules of FER+ on votes counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mien.dataset.ferplus import distribution, majority
from mien.expression.classes import FERPLUS

# neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF
CASES = [
    ([0, 10, 0, 0, 0, 0, 0, 0, 0, 0], "happiness"),
    ([4, 5, 1, 0, 0, 0, 0, 0, 0, 0], "happiness"),  # 5 of 9, once the outlier is gone
    ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None),  # a half is not more than a half
    ([4, 0, 3, 3, 0, 0, 0, 0, 0, 0], None),
    ([2, 1, 1, 1, 1, 1, 1, 1, 1, 0], "neutral"),  # all others are outliers
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None),
    ([3, 0, 0, 0, 0, 0, 0, 0, 7, 0], None),
    ([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], None),  # votes for unknown count among the remaining
    ([0, 0, 0, 0, 0, 0, 0, 6, 4, 0], "contempt"),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
]


@pytest.mark.parametrize(("votes", "winner"), CASES)
def test_majority(votes: list[int], winner: str | None) -> None:
    found = majority(np.array([votes], np.float32))
    assert found.dtype == np.int64 and found.tolist() == [FERPLUS.index(winner) if winner else -1]


def test_many_at_once_are_as_one_by_one() -> None:
    votes = np.array([votes for votes, _ in CASES], np.float32)
    assert majority(votes).tolist() == [majority(one[None])[0] for one in votes]
    assert (distribution(votes) == np.concatenate([distribution(one[None]) for one in votes])).all()


def test_distribution_is_of_what_remains() -> None:
    votes = np.array([[4, 4, 1, 0, 0, 0, 0, 0, 2, 0], [0, 0, 0, 0, 0, 0, 0, 1, 9, 0], [0, 0, 2, 6, 0, 0, 0, 0, 0, 2]])
    shares = distribution(votes.astype(np.float32))
    assert shares.dtype == np.float32
    assert shares.tolist() == [[0.5, 0.5, 0, 0, 0, 0, 0, 0], [0] * 8, [0, 0, 0.25, 0.75, 0, 0, 0, 0]]


def test_votes_are_left_as_they_are() -> None:
    votes = np.array([[9, 1, 0, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    majority(votes), distribution(votes)
    assert votes.tolist() == [[9, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
