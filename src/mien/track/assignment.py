"""The cheapest way to pair rows with columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.errors import ExtraMissing

Numbers = NDArray[np.float64]
Assign = Callable[[Numbers], list[tuple[int, int]]]


def load_assign() -> Assign:
    """scipy's solver of the assignment problem, for costs (N, M) in which a pair that is worth making is below 0.

    What is not below 0 is never made; to make no pair costs nothing. Raises ExtraMissing without scipy.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise ExtraMissing("Tracking needs scipy.", "Install it with: pip install 'mien[video]'") from error

    def assign(costs: Numbers) -> list[tuple[int, int]]:
        if not costs.size:
            return []
        rows, columns = linear_sum_assignment(np.minimum(costs, 0))
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(row, column) for row, column in pairs if costs[row, column] < 0]

    return assign
