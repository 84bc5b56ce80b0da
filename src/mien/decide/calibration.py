"""A calibration turns an embedder's score into a false match rate (FMR), with its interval and its domain."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import CalibrationError
from mien.settings import Settings, load_settings

FORMAT: Final = "mien-calibration/1"
SMALLEST: Final = 1e-15


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """A rate in 0..1 with its 95 % interval; `extrapolated` where it comes from a tail model and not from a count."""

    value: float
    low: float
    high: float
    extrapolated: bool = False

    def __str__(self) -> str:
        mark = ", extrapolated" if self.extrapolated else ""
        # What `Calibration.fmr` gives beyond its last knot.
        bound = "at most " if self.extrapolated and self.low == 0 else ""
        return f"{bound}{self.value:.2g} ({self.low:.2g} to {self.high:.2g}{mark})"


@dataclass(frozen=True, slots=True)
class Knot:
    """One point of the curve: the share of impostor pairs that score at least `score`."""

    score: float
    fmr: ErrorRate


@dataclass(frozen=True, slots=True)
class Tail:
    """The generalised Pareto distribution fitted to the impostor scores over `from_score`, and how well it fits.

    P(score > s) = from_fmr * (1 + shape * (s - from_score) / scale) ** (-1 / shape). shape_low and shape_high are the
    95 % interval of the shape. ks_distance: Kolmogorov and Smirnov's distance between the model and the exceedances it
    was fitted to. held_out: at the thresholds where a model fitted to one half of the people says 1e-3, 1e-4 and 1e-5,
    the FMR counted on the other half (as asked, counted). Source: Coles, An Introduction to Statistical Modeling of
    Extreme Values (2001), chapter 4.
    """

    from_score: float
    from_fmr: float
    shape: float
    shape_low: float
    shape_high: float
    scale: float
    n_exceedances: int
    ks_distance: float
    held_out: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class GroupRate:
    """FMR among pairs of one group's people at the threshold for `asked_fmr` of the set that the group is from.

    within: whether the group's people are part of the calibration, or were left out of it on purpose.
    """

    group: str
    asked_fmr: float
    threshold: float
    within: bool
    n_pairs: int
    fmr: ErrorRate


@dataclass(frozen=True, slots=True)
class MissRate:
    """False non-match rate (FNMR): the share of genuine pairs that score below the threshold for `at_fmr`."""

    at_fmr: float
    fnmr: ErrorRate


@dataclass(frozen=True)
class Calibration:
    """The curve from score to FMR for one embedding model on one domain.

    id: names this very curve. model: `Embedding.model` that it is for. source: where its images come from. domain:
    what kind of photos it holds for, in words. knots: scores rising, FMR falling, from FMR 1 down to the smallest rate
    that the data support. indicative: too few people for the rates people ask for; decisions say so.
    """

    id: str
    model: str
    source: str
    domain: str
    n_people: int
    n_images: int
    n_impostor_pairs: int
    knots: tuple[Knot, ...]
    tail: Tail | None = None
    groups: tuple[GroupRate, ...] = ()
    misses: tuple[MissRate, ...] = ()
    indicative: bool = False
    notes: tuple[str, ...] = ()
    format: str = FORMAT

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise CalibrationError(f"Calibration {self.id!r}: {problem}.", "Build it anew with `mien calibrate`.")

    @property
    def smallest_fmr(self) -> float:
        """The smallest FMR that the calibration can answer for, extrapolation included."""
        return self.knots[-1].fmr.value

    @property
    def smallest_counted_fmr(self) -> float:
        """The smallest FMR that rests on counted pairs alone."""
        return min(knot.fmr.value for knot in self.knots if not knot.fmr.extrapolated)

    def worst_group(self, fmr: float) -> GroupRate | None:
        """The group with the most false matches at the threshold for `fmr`; None where that rate was not broken down.

        Pairs within one group (of sex and origin, say) match falsely more often than the pairs of everybody do.
        """
        within = [one for one in self.groups if one.within and math.isclose(one.asked_fmr, fmr, rel_tol=1e-6)]
        return max(within, key=lambda one: one.fmr.value, default=None)

    @property
    def based_on(self) -> str:
        """One sentence for people: what the curve was measured on, and what it does not hold for."""
        outside = dict.fromkeys(group.group for group in self.groups if not group.within)
        return (
            f"{self.source}: {self.n_people:,} people, {self.n_images:,} images, {self.n_impostor_pairs:,} pairs of"
            f" different people; holds for {self.domain}" + (f", not for {', '.join(outside)}" if outside else "")
        )

    @cached_property
    def _curve(self) -> NDArray[np.float64]:
        """(4, knots): score, and log10 of value, low and high."""
        rates = [[knot.fmr.value, knot.fmr.low, knot.fmr.high] for knot in self.knots]
        logs = np.log10(np.maximum(np.array(rates).T, SMALLEST))
        return np.vstack([[knot.score for knot in self.knots], logs])

    def fmr(self, score: float) -> ErrorRate:
        """The FMR of a decision that calls every score from `score` (cosine, -1..1) up a match.

        Beyond the last knot the answer is "at most this": the last knot's rate, with 0 as the interval's lower end.
        """
        if not math.isfinite(score):
            raise CalibrationError(f"A score of {score} has no false match rate.")
        scores, *logs = self._curve
        value, low, high = (min(1.0, 10 ** float(np.interp(score, scores, log))) for log in logs)
        if score > scores[-1]:
            return ErrorRate(value, 0.0, high, extrapolated=True)
        right = min(int(np.searchsorted(scores, score, side="left")), len(scores) - 1)
        return ErrorRate(value, low, high, self.knots[right].fmr.extrapolated)

    def threshold(self, fmr: float) -> float:
        """The score from which pairs are called a match so that `fmr` of the impostor pairs are.

        Raises CalibrationError where `fmr` is not in 0..1, or is smaller than the data support.
        """
        if not 0 < fmr <= 1:
            raise CalibrationError(f"{fmr} is no false match rate.", "Give a number over 0 and up to 1, such as 1e-4.")
        scores, values = self._curve[0], self._curve[1]
        wanted = math.log10(fmr)
        if wanted < values[-1] - 1e-12:
            raise CalibrationError(
                f"A false match rate of {fmr:.1g} is below what calibration {self.id!r} supports, even extrapolated"
                f" ({self.smallest_fmr:.1g}).",
                "Ask for a larger rate, or calibrate on more people.",
            )
        return float(np.interp(-wanted, -values, scores))

    def save(self, path: Path) -> None:
        """Write the calibration as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read a calibration; raises CalibrationError where the file is absent, damaged or of another format."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise CalibrationError(f"{path} cannot be read: {error.strerror}.") from error

    @classmethod
    def parse(cls, text: str, name: str) -> Calibration:
        """Read a calibration from JSON text; `name` is what an error calls it."""
        # pydantic takes 0.1 s to import, and most runs load no calibration.
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise CalibrationError(
                f"{name} is no calibration: {where}: {first['msg']}.", "Build it anew with `mien calibrate`."
            ) from error

    @classmethod
    def for_model(cls, model: str, settings: Settings | None = None) -> Calibration | None:
        """The calibration for an `Embedding.model`: the user's own before the shipped one; None where there is none."""
        own = calibrations_dir(settings or load_settings()) / file_name(model)
        if own.is_file():
            return cls.load(own)
        shipped = resources.files("mien.decide") / "calibrations" / file_name(model)
        return cls.parse(shipped.read_text(encoding="utf-8"), model) if shipped.is_file() else None


def calibrations_dir(settings: Settings) -> Path:
    """Where `mien calibrate` keeps what it builds."""
    return settings.data_dir / "calibrations"


def file_name(model: str) -> str:
    """The name of the file that holds the calibration of an embedding model."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in model)
    return f"{safe}.json"


def _problem(calibration: Calibration) -> str:
    """What makes the curve unusable, or an empty string."""
    if calibration.format != FORMAT:
        return f"its format is {calibration.format!r}, this version reads {FORMAT!r}"
    if len(calibration.knots) < 2:
        return "it has fewer than two knots"
    rows = np.array([[k.score, k.fmr.low, k.fmr.value, k.fmr.high] for k in calibration.knots])
    if not np.isfinite(rows).all() or (rows[:, 1] < 0).any() or (rows[:, 2] <= 0).any() or (rows[:, 3] > 1).any():
        return "a knot is not a number or not a rate"
    if (np.diff(rows[:, 0]) <= 0).any() or (np.diff(rows[:, 2]) > 0).any():
        return "its scores do not rise, or its rates do not fall"
    if (np.diff(rows[:, 1:], axis=1) < 0).any():
        return "a knot's rate lies outside of its interval"
    return ""
