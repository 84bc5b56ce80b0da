"""QualityMeter: what a profile asks, measured, judged and said in plain English."""

from __future__ import annotations

import math

import numpy as np

from mien.align.view import FaceView
from mien.errors import SettingsError
from mien.face import FaceMesh, Failed, Measure, Quality
from mien.quality.components import COMPONENTS, Component
from mien.quality.profiles import DOOR, Limit, Profile
from mien.quality.sample import Sample
from mien.quality.score import SCORED, unified_score


class QualityMeter:
    """Measures what `profile` names, and one unified score that does not depend on the profile. Thread-safe.

    Raises SettingsError where the profile names a measure that does not exist.
    """

    def __init__(self, profile: Profile = DOOR) -> None:
        if unknown := sorted({limit.measure for limit in profile.limits} - set(COMPONENTS)):
            raise SettingsError(
                f"Profile {profile.name!r} names unknown measures: {', '.join(unknown)}.",
                f"Choose of: {', '.join(COMPONENTS)}.",
            )
        self.profile = profile

    def __call__(self, view: FaceView, mesh: FaceMesh | Failed) -> Quality | Failed:
        """Quality of one face; `measures` come in the profile's order.

        A measure that needs the mesh where there is none (`mesh` failed, or its presence is below 0.5) does not pass:
        its value is nan (null in JSON) and its reason says why. `Failed` only where the five landmarks coincide.
        """
        if not (np.isfinite(view.alignment).all() and view.alignment[:, :2].any()):
            return Failed("align", "The five landmarks coincide: there is no face to measure.")
        sample = Sample(view, mesh)
        asked = {limit.measure for limit in self.profile.limits} | set(SCORED)
        values = {name: COMPONENTS[name].measure(sample) for name in COMPONENTS if name in asked}
        measures = tuple(judge(limit, values[limit.measure], sample.trouble) for limit in self.profile.limits)
        return Quality(unified_score(values), measures)


def judge(limit: Limit, value: float, trouble: str) -> Measure:
    """The verdict on one `value`; `trouble` says why it is nan, where it is."""
    component = COMPONENTS[limit.measure]
    passed = not (
        math.isnan(value)
        or (limit.low is not None and value < limit.low)
        or (limit.high is not None and value > limit.high)
    )
    reason = _reason(component, limit, value, passed, trouble)
    return Measure(limit.measure, value, component.unit, limit.low, limit.high, passed, reason)


def _reason(component: Component, limit: Limit, value: float, passed: bool, trouble: str) -> str:
    if math.isnan(value):
        return f"{component.title} cannot be measured: {trouble}"
    low, high = limit.low, limit.high
    if passed:
        return f"{component.say(value)} ({_range(component, low, high)})"
    bound = low if low is not None and value < low else high
    assert bound is not None
    said = component.say(value, bound)
    if bound == low and not component.ways:
        return f"{_after(component.too_low)}{said}, {component.number(low, value)} needed"
    return f"{_after(component.too_high)}{said}, at most {component.number(abs(bound), abs(value))} allowed"


def _after(fault: str) -> str:
    return f"{fault}: " if fault else ""


def _range(component: Component, low: float | None, high: float | None) -> str:
    """The limits as words."""
    if low is None or high is None:
        bound, words = (high, "at most") if low is None else (low, "at least")
        return "any will do" if bound is None else f"{words} {component.number(bound)}"
    if component.ways and low == -high:
        return f"at most {component.number(high)}"
    return f"{component.number(low)} to {component.number(high)}"
