"""People who appear under several names, or again in a set of supposed strangers: joined, and never silently."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mien.evaluate.scores import Indices, Pairs, impostor_pairs, n_impostor_pairs
from mien.evaluate.templates import Templates


@dataclass(frozen=True, slots=True)
class Joined:
    """What was joined: people before and after, and how many pairs of `from_score` or more no longer count."""

    from_score: float
    people_before: int
    people_after: int
    pairs: int
    fmr_bound: float

    def __str__(self) -> str:
        return (
            f"{self.people_before - self.people_after:,} of {self.people_before:,} people were joined with others,"
            f" since photos of theirs score {self.from_score:.2f} or more by the very embedder that is calibrated."
            f" Had all {self.pairs:,} such pairs shown different people, every rate would be {self.fmr_bound:.1e}"
            " higher."
        )


def join_repeats(templates: Templates, from_score: float) -> tuple[Templates, Joined]:
    """Take as one person all whose photos are linked by a chain of scores of at least `from_score`.

    The embedder judges itself here: nothing is left of the impostors' tail from `from_score` on. Hence choose it high,
    where a look at the pairs shows the same people, and read `Joined.fmr_bound` as what this may hide.
    """
    linked = impostor_pairs(templates, from_score)
    people = np.unique(_chains(templates, linked)[templates.people], return_inverse=True)[1]
    joined = replace(templates, people=people)
    bound = len(linked.scores) / n_impostor_pairs(templates)
    return joined, Joined(from_score, templates.n_people, joined.n_people, len(linked.scores), bound)


def _chains(templates: Templates, linked: Pairs) -> Indices:
    """(n_people,): the smallest person number that each person is linked with."""
    first, second = templates.people[linked.first], templates.people[linked.second]
    smallest = np.arange(templates.n_people)
    while True:
        before = smallest.copy()
        low = np.minimum(smallest[first], smallest[second])
        np.minimum.at(smallest, first, low)
        np.minimum.at(smallest, second, low)
        smallest = smallest[smallest]
        if (smallest == before).all():
            return smallest
