"""The FMR curve of one set of people: counted where the data suffice, extrapolated one decade further.

The FMR at a score is counted down to the rate at which the rule of 30 holds for pairs of people: 30 over their number.
Below it, a generalised Pareto tail is fitted to the highest scores and followed for one decade, no further. Whether
that is fair is tested on the data: each tenth of the people is fitted alone, and its own extrapolation by one decade
is held against what the other nine tenths count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.decide.calibration import ErrorRate, Knot, Tail
from mien.decide.tail import Pareto, fit_pareto, ks_distance
from mien.evaluate.resample import COVERAGE, RULE_OF_30, ImpostorTail, Numbers, draws_of_people
from mien.evaluate.scores import ScoreCounts, bin_edges, count_scores, impostor_pairs, n_people_pairs
from mien.evaluate.templates import Templates

RESAMPLED_FMR: Final = 0.02
TAIL_FMR: Final = 1e-3
TAIL_PAIRS: Final = 1000
FEWEST_TAIL_PAIRS: Final = 100
EXTRAPOLATED: Final = 0.1
KNOTS_A_DECADE: Final = 10
HELD_OUT_PARTS: Final = 10


@dataclass(frozen=True, slots=True)
class TailFit:
    """A Pareto tail over `start`, which a share `rate` of all impostor pairs exceeds."""

    start: float
    rate: float
    model: Pareto
    n_pairs: int

    def fmr(self, scores: Numbers) -> Numbers:
        """FMR at scores over `start`."""
        return self.rate * self.model.survival(scores - self.start)

    def scores(self, fmr: Numbers) -> Numbers:
        """The scores at rates below `rate`."""
        return self.start + self.model.excess(fmr / self.rate)


class FmrCurve:
    """Counts, tail and fit of one set of people; `knots` and `tail` are what a calibration stores."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._counts: ScoreCounts = count_scores(templates)
        self._start = self._counts.threshold(RESAMPLED_FMR)
        self._tail = ImpostorTail(templates, impostor_pairs(templates, self._start))
        self._even = np.ones(templates.n_people)
        self.fit = self._fit()

    @property
    def smallest_counted(self) -> float:
        """The rate down to which pairs are counted: the rule of 30 over pairs of people."""
        return min(RULE_OF_30 / n_people_pairs(self._templates), RESAMPLED_FMR)

    @property
    def smallest(self) -> float:
        """The smallest rate that the curve answers for."""
        return self.smallest_counted * (EXTRAPOLATED if self.fit else 1.0)

    def knots(self) -> tuple[Knot, ...]:
        """The whole curve, from FMR 1 to the smallest rate, each knot with its interval."""
        counted = self._counted_scores()
        beyond = self._beyond_scores(float(counted[-1]))
        rows = [self._rates(counted, beyond, draw, fit) for draw, fit in self._replicates()]
        low, high = np.percentile(rows, COVERAGE, axis=0)
        value = self._rates(counted, beyond, self._even, self.fit)
        scores = np.concatenate([counted, beyond])
        tail = [
            Knot(float(s), ErrorRate(float(v), float(min(a, v)), float(max(b, v)), extrapolated=i >= len(counted)))
            for i, (s, v, a, b) in enumerate(zip(scores, value, low, high, strict=True))
        ]
        return (*self._body(tail[0]), *tail)

    def tail(self) -> Tail | None:
        """The fitted model with its goodness, or None where too few pairs lie in the tail."""
        if self.fit is None:
            return None
        excess = self._tail.scores[: self.fit.n_pairs] - self.fit.start
        shapes = [fit.model.shape for _, fit in self._replicates() if fit]
        low, high = np.percentile(shapes, COVERAGE)
        return Tail(
            from_score=self.fit.start,
            from_fmr=self.fit.rate,
            shape=self.fit.model.shape,
            shape_low=float(low),
            shape_high=float(high),
            scale=self.fit.model.scale,
            n_exceedances=self.fit.n_pairs,
            ks_distance=ks_distance(self.fit.model, excess),
            held_out=tuple(held_out(self._templates)),
        )

    def fmr(self, score: float) -> float:
        """The share of impostor pairs at or over a score within the resampled tail, counted."""
        return float(self._tail.rates(np.array([score]), self._even)[0])

    def _fit(self, draw: Numbers | None = None) -> TailFit | None:
        draw = self._even if draw is None else draw
        total = self._tail.total(self._even)
        n_pairs = min(len(self._tail.scores), max(TAIL_PAIRS, round(TAIL_FMR * total)))
        if n_pairs < FEWEST_TAIL_PAIRS:
            return None
        start = float(self._tail.scores[n_pairs - 1]) - 1e-9
        weights = self._tail.weights(draw)[:n_pairs]
        model = fit_pareto(self._tail.scores[:n_pairs] - start, weights)
        return TailFit(start, float(weights.sum()) / self._tail.total(draw), model, n_pairs)

    def _replicates(self) -> Iterator[tuple[Numbers, TailFit | None]]:
        for draw in draws_of_people(self._templates.n_people):
            yield draw, self._fit(draw) if self.fit else None

    def _rates(self, counted: Numbers, beyond: Numbers, draw: Numbers, fit: TailFit | None) -> Numbers:
        """FMR at the counted scores, then, led on from the last of them by the model, at those beyond."""
        rates = self._tail.rates(counted, draw)
        if fit is None or not len(beyond):
            return rates
        return np.concatenate([rates, rates[-1] * fit.fmr(beyond) / fit.fmr(counted[-1:])])

    def _counted_scores(self) -> Numbers:
        """Thresholds at even steps of log FMR from the start of the tail to the smallest counted rate."""
        decades = np.log10(self.fmr(self._start)) - np.log10(self.smallest_counted)
        steps = max(2, round(decades * KNOTS_A_DECADE) + 1)
        rates = np.geomspace(self.fmr(self._start), self.smallest_counted, steps)
        places = np.clip(np.ceil(rates * self._tail.total(self._even)).astype(int) - 1, 0, len(self._tail.scores) - 1)
        return np.unique(self._tail.scores[places])

    def _beyond_scores(self, last: float) -> Numbers:
        """Scores over the last counted one, where the model says 10 ** -0.1, 10 ** -0.2 ... of the rate there."""
        if self.fit is None:
            return np.empty(0)
        steps = np.geomspace(1, EXTRAPOLATED, round(-np.log10(EXTRAPOLATED) * KNOTS_A_DECADE) + 1)[1:]
        return self.fit.scores(self.fit.fmr(np.array([last])) * steps)

    def _body(self, first: Knot) -> Iterator[Knot]:
        """Knots before the resampled tail, from the histogram.

        Their relative interval is that of the tail's first knot: a larger rate is never known less well.
        """
        yield Knot(-1.0, ErrorRate(1.0, 1.0, 1.0))
        rates, edges = self._counts.rates()[0], bin_edges()
        steps = max(1, round(-np.log10(first.fmr.value) * KNOTS_A_DECADE))
        for wanted in np.geomspace(1, first.fmr.value, steps + 1)[1:-1]:
            place = int(np.searchsorted(-rates, -wanted, side="right")) - 1
            if -1 < edges[place] < first.score:
                value = float(rates[place])
                low, high = (value * bound / first.fmr.value for bound in (first.fmr.low, first.fmr.high))
                yield Knot(float(edges[place]), ErrorRate(value, low, min(1.0, high)))


def held_out(templates: Templates, parts: int = HELD_OUT_PARTS, seed: int = 2) -> Iterator[tuple[float, float]]:
    """For each part of the people: the rate it extrapolates to, and what all the others count at that threshold."""
    part_of = np.random.default_rng(seed).permutation(templates.n_people) % parts
    for part in range(parts):
        few, others = templates.of_people(part_of == part), templates.of_people(part_of != part)
        if few.n_people < 2:
            continue
        curve = FmrCurve(few)
        if curve.fit is None or curve.smallest >= curve.fit.rate:
            continue
        threshold = float(curve.fit.scores(np.array([curve.smallest]))[0])
        above = impostor_pairs(others, threshold)
        yield curve.smallest, len(above.scores) / ImpostorTail(others, above).total(np.ones(others.n_people))
