"""From a score to the false positive identification rate (FPIR): how often a stranger is called one of the people.

Two things are asked. The calibration of single comparisons, at this gallery's size: with N people and independent
comparisons, FPIR = 1 - (1 - FMR) ** N. That is too pessimistic where the people differ more than those of the
calibration, and far too optimistic where all are of one sex and origin. So the gallery's own people are asked too: each
is left out in turn and searched for among the others, and what the closest of those score is counted. Where the two
agree within the interval of what was counted, the worse counts; where they do not, the calibration is not about such
people, and the upper end of that interval counts. FPIR: ISO/IEC 19795-1:2021, 3.24; leaving one out: Grother and Ngan,
NIST IR 8009 (2014).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import Calibration, ErrorRate
from mien.decide.tail import fit_pareto
from mien.errors import CalibrationError

# A person with m templates, of which the closest counts, draws m ** 0.8 times the false matches of one with a single
# template: m ** 0.72 to m ** 0.86 on LFW with m of 2 to 4 at FMR 5e-3 to 1e-4, m ** 1 where photos have nothing in
# common.
TRIALS_EXPONENT: Final = 0.8
TRIALS_EXPONENT_LOW: Final = 0.7
# Doddington's rule: 30 events tell a rate to 30 %.
EVENTS: Final = 30.0
FEWEST_PEOPLE: Final = 50
# Fewer are never taken to need less than the calibration says: a rate of 1 % would be followed over more than a decade.
FEWEST_TO_LOWER: Final = 300
ANCHOR_SHARE: Final = 0.05
TAIL_SHARE: Final = 0.1
FEWEST_IN_TAIL: Final = 100
# How far below the last counted rate the tail is followed.
EXTRAPOLATED: Final = 0.1
REPLICATES: Final = 400
COVERAGE: Final = (2.5, 97.5)
NORMAL: Final = 1.96
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One photo searched for among the people without its own: the closest other person and that person's score."""

    owner: str
    other: str
    score: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class OwnPeople:
    """What the gallery's own people say about it, each left out in turn.

    n_owners: people that were left out. n_people: people that each was searched among. scores: (P,) float64, falling:
    the score of the closest other person. shares: (P,) the share of owners that reach it. spread: low and high of the
    rate at the anchor, relative to it (95 %). tails: (R, 3) float64, resampled fits of the tail over
    `tail_from`: share over it, shape and scale of the generalised Pareto distribution; the first row is the fit itself;
    none where fewer than 100 people lie over it.
    """

    n_owners: int
    n_people: int
    scores: Numbers
    shares: Numbers
    spread: tuple[float, float]
    tails: Numbers
    tail_from: float

    @property
    def anchor(self) -> float:
        """The highest score that 30 people, and a twentieth of all, reach: where the rate is still counted."""
        share = max(EVENTS / self.n_owners, ANCHOR_SHARE)
        return float(self.scores[min(int(np.searchsorted(self.shares, share)), len(self.scores) - 1)])

    @property
    def smallest_fpir(self) -> float:
        """The smallest rate that these people support by themselves, at their own number."""
        return EXTRAPOLATED * EVENTS / self.n_owners if len(self.tails) else EVENTS / self.n_owners

    def share(self, score: float) -> float:
        """The share of the people whom another one resembles by at least `score`, counted."""
        place = int(np.searchsorted(-self.scores, -score, side="right"))
        return float(self.shares[place - 1]) if place else 0.0

    def tail(self, score: float) -> ErrorRate:
        """The same by the fitted tail, for scores over `tail_from`."""
        share, shape, scale = self.tails.T
        inside = np.maximum(1 + shape * (score - self.tail_from) / scale, 0)
        rates = share * inside ** (-1 / shape)
        low, high = np.percentile(rates, COVERAGE)
        value = float(rates[0])
        return ErrorRate(value, float(min(low, value)), float(max(high, value)), value * self.n_owners < EVENTS)

    def counted_score(self, fpir: float) -> float:
        """The lowest score that no larger a share of the people reaches."""
        over = int(np.searchsorted(self.shares, fpir, side="right"))
        return float(np.nextafter(self.scores[min(over, len(self.scores) - 1)], 2))

    def tail_score(self, fpir: float) -> float:
        """The score that the fitted tail reaches at the rate `fpir`."""
        share, shape, scale = self.tails[0]
        return self.tail_from + float(scale / shape * ((fpir / share) ** -shape - 1))


def own_people(found: Sequence[LeftOut], n_people: int) -> OwnPeople | None:
    """Sum up who was found for whom; `n_people` is how many people each was searched among.

    weight: of a photo; those of one owner sum to 1. None for fewer than 50 owners, who say next to nothing.
    """
    owners = {one.owner for one in found}
    if len(owners) < FEWEST_PEOPLE:
        return None
    ranked = sorted(found, key=lambda one: (-one.score, one.owner, one.other))
    names = {name: place for place, name in enumerate(sorted(owners | {one.other for one in found}))}
    scores = np.array([one.score for one in ranked])
    weights = np.array([one.weight for one in ranked])
    pairs = np.array([(names[one.owner], names[one.other]) for one in ranked])
    shares = np.cumsum(weights) / len(owners)
    top = int(np.searchsorted(shares, max(EVENTS / len(owners), ANCHOR_SHARE))) + 1
    n_tail = int(np.searchsorted(shares, TAIL_SHARE)) + 1
    start = float(scores[min(n_tail, len(scores) - 1)]) - 1e-9
    # Resampling both people of a pair: one look-alike of many is one event, not many.
    draws = np.random.default_rng(1).poisson(1.0, (REPLICATES, len(names))).astype(np.float64)
    drawn = weights[:n_tail] * draws[:, pairs[:n_tail, 0]] * draws[:, pairs[:n_tail, 1]]
    tails = _tails(scores[:n_tail] - start, np.vstack([weights[:n_tail], drawn]) / len(owners), len(owners))
    return OwnPeople(len(owners), n_people, scores, shares, _spread_of(pairs[:top], weights[:top]), tails, start)


def _spread_of(pairs: NDArray[np.intp], weights: Numbers) -> tuple[float, float]:
    """Low and high of a sum of weights over (P, 2) pairs of people, relative to it, 95 %.

    Pairs that share a person vary together: the variance is the sum of squares over people less that over pairs.
    Resampling people would claim up to three times as much where few share one. Source: Aronow, Samii and Assenova,
    Cluster-robust variance estimation for dyadic data, Political Analysis 23 (2015).
    """
    people = np.bincount(pairs.ravel(), weights=np.repeat(weights, 2))
    same = np.unique(pairs.min(axis=1) * len(people) + pairs.max(axis=1), return_inverse=True)[1]
    variance = (people**2).sum() - (np.bincount(same, weights=weights) ** 2).sum()
    half = NORMAL * math.sqrt(variance) / float(weights.sum())
    return math.exp(-half), math.exp(half)


def _tails(excess: Numbers, masses: Numbers, n_owners: int) -> Numbers:
    """(R, 3), one fit a row of weights; none where too few people lie in the tail."""
    if masses[0].sum() * n_owners < FEWEST_IN_TAIL:
        return np.empty((0, 3))
    fits = [(float(row.sum()), fit_pareto(excess, row)) for row in masses]
    return np.array([(share, fit.shape, fit.scale) for share, fit in fits])


@dataclass(frozen=True)
class OpenSet:
    """The road from a score to the FPIR and back, for one gallery at its present size.

    n_people: who can be found. templates_each: the mean number of templates of a person, of which the closest counts.
    own: None where the gallery has not been asked, or is too small to say anything. part: these are not all people of
    the gallery; how many there are besides is then told to nobody.
    """

    calibration: Calibration
    n_people: int
    templates_each: float = 1.0
    own: OwnPeople | None = None
    part: bool = False

    def at(self, n_people: int) -> OpenSet:
        """The same among fewer or more people, as behind a filter."""
        return self if n_people == self.n_people else replace(self, n_people=n_people, part=True)

    def fpir(self, score: float) -> ErrorRate:
        """The share of strangers that would be called one of the people, were this score and more enough."""
        if self.own is None:
            return self._by_calibration(score)
        own = self._by_own(score, self.own)
        if self._beyond(score):
            return own
        calibrated = self._by_calibration(score)
        high = max(calibrated.high, own.high)
        if self._own_speaks:
            value = _rate(_hazard(own.value) * self.own.spread[1])
            return ErrorRate(value, own.low, max(high, value), own.extrapolated)
        worse = max(calibrated, own, key=lambda rate: rate.value)
        return ErrorRate(worse.value, worse.low, high, worse.extrapolated)

    def threshold(self, fpir: float) -> float:
        """The lowest score that keeps the FPIR at `fpir`.

        Raises CalibrationError where `fpir` is not in 0..1, or is smaller than calibration and gallery support.
        """
        if not 0 < fpir < 1:
            raise CalibrationError(f"{fpir} is no false positive identification rate.", "Give a number such as 0.01.")
        fmr = _rate(_hazard(fpir) / self._trials(TRIALS_EXPONENT))
        own_share = _rate(_hazard(fpir) / self._growth)
        if self.own is not None:
            counted = _rate(_hazard(own_share) / self._lift)
            if counted >= self.own.share(self.own.anchor):
                score = self.own.counted_score(counted)
                return score if self._own_speaks else max(self._calibrated(fmr), score)
        needed = fmr / self._factor
        if needed >= self.calibration.smallest_fmr:
            return self.calibration.threshold(needed)
        if self.own is not None and len(self.own.tails) and own_share >= self.own.smallest_fpir:
            return max(self.own.tail_score(own_share), self._calibrated(needed))
        raise CalibrationError(
            f"A false positive identification rate of {fpir:.2g} among {self.n_people:,} people needs a false match"
            f" rate of {needed:.1g}, below what calibration {self.calibration.id!r} supports, even extrapolated"
            f" ({self.calibration.smallest_fmr:.1g}).",
            f"Ask for {self.smallest_fpir:.2g} or more, search fewer people with a filter, or calibrate on more.",
        )

    @property
    def smallest_fpir(self) -> float:
        """The smallest FPIR that calibration and gallery support at this size, to two digits."""
        trials = self._trials(TRIALS_EXPONENT) * self._factor
        rates = [_rate(trials * _hazard(self.calibration.smallest_fmr))]
        if self.own is not None and len(self.own.tails):
            rates.append(_rate(_hazard(self.own.smallest_fpir) * self._growth))
        digits = 10.0 ** (1 - math.floor(math.log10(min(rates))))
        return math.ceil(min(rates) * digits + 1e-6) / digits

    @cached_property
    def own_factor(self) -> float:
        """The false matches among the gallery's own people over those that the calibration expects; 1 where unasked."""
        if self.own is None:
            return 1.0
        at = replace(self, n_people=self.own.n_people, own=None)
        return _hazard(self.own.share(self.own.anchor)) / _hazard(at.fpir(self.own.anchor).value)

    @cached_property
    def based_on(self) -> str:
        """One sentence for people: what the rates rest on."""
        each = f"{self.templates_each:.1f} templates each" if self.templates_each > 1 else "one template each"
        text = f"{self.calibration.based_on}; at {self.n_people:,} people with {each}"
        if self.own is None:
            return f"{text}; too few of them to see whether they look alike more than those do"
        low, high = (self.own_factor * end for end in self.own.spread)
        counts = "the larger one counts" if self.own_factor > 1 else "the calibration's rate counts"
        if self._own_speaks:
            counts = "that is another rate, and the upper end of it counts"
        asked = "the gallery's people" if self.part else f"{self.own.n_owners:,} of them"
        return (
            f"{text}; {asked}, each left out in turn, have {self.own_factor:.2g} ({low:.2g} to {high:.2g}) times the"
            f" false matches that the calibration expects: {counts}"
        )

    @property
    def _own_speaks(self) -> bool:
        """Whether what the own people say differs from the calibration by more than chance, and they are enough."""
        if self.own is None:
            return False
        low, high = (self.own_factor * end for end in self.own.spread)
        return low > 1 or (high < 1 and self.own.n_owners >= FEWEST_TO_LOWER)

    @property
    def _lift(self) -> float:
        """What the counted rates are multiplied by."""
        return self.own.spread[1] if self.own is not None and self._own_speaks else 1.0

    @property
    def _factor(self) -> float:
        """What the calibration's rates are multiplied by, where nothing is counted any more."""
        return self.own_factor * self._lift if self._own_speaks else max(1.0, self.own_factor)

    def _calibrated(self, fmr: float) -> float:
        """The calibration's threshold, its end where the rate lies beyond."""
        if fmr >= self.calibration.smallest_fmr:
            return self.calibration.threshold(fmr)
        return float(np.nextafter(self.calibration.knots[-1].score, 2))

    @property
    def _growth(self) -> float:
        return self.n_people / self.own.n_people if self.own else 1.0

    def _beyond(self, score: float) -> bool:
        """Whether the calibration has ended and the gallery's own tail speaks alone."""
        return self.own is not None and len(self.own.tails) > 0 and score > self.calibration.knots[-1].score

    def _trials(self, exponent: float) -> float:
        return float(self.n_people * max(1.0, self.templates_each) ** exponent)

    def _by_calibration(self, score: float) -> ErrorRate:
        fmr = self.calibration.fmr(score)
        value, low, high = (
            _rate(self._trials(exponent) * _hazard(rate))
            for exponent, rate in ((TRIALS_EXPONENT, fmr.value), (TRIALS_EXPONENT_LOW, fmr.low), (1.0, fmr.high))
        )
        return ErrorRate(value, low, high, fmr.extrapolated)

    def _by_own(self, score: float, own: OwnPeople) -> ErrorRate:
        """Counted up to the anchor; on from there as the calibration falls, and beyond its end by the own tail."""
        if self._beyond(score):
            tail = own.tail(score)
            value, low, high = (_rate(_hazard(rate) * self._growth) for rate in (tail.value, tail.low, tail.high))
            return ErrorRate(value, low, high, tail.extrapolated)
        if score <= own.anchor:
            counted = _hazard(own.share(score)) * self._growth
            return _spread(counted, counted, counted, own.spread)
        far = self._by_calibration(score)
        hazards = [_hazard(rate) * self.own_factor for rate in (far.value, far.low, far.high)]
        rate = _spread(hazards[0], hazards[1], hazards[2], own.spread)
        return replace(rate, extrapolated=far.extrapolated or rate.value * own.n_owners < EVENTS)


def _spread(value: float, low: float, high: float, spread: tuple[float, float]) -> ErrorRate:
    """Hazards as rates, their interval widened by a relative one."""
    return ErrorRate(_rate(value), _rate(min(value, low * spread[0])), _rate(max(value, high * spread[1])))


def _hazard(rate: float) -> float:
    """The expected number of independent false matches that gives this rate of at least one."""
    return -math.log1p(-min(rate, 1 - 1e-12))


def _rate(hazard: float) -> float:
    return -math.expm1(-hazard)
