"""A label that does not flicker: another class has to lead for long enough, the less clearly the longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mien.errors import SettingsError
from mien.expression.classes import UNSURE

# A frame stands for no longer than this, so that one frame after a pause does not decide alone.
LONGEST_FRAME_SECONDS: Final = 0.1
# A label that is still the likeliest class stays until it has so much less than the least confidence: one that hovers
# about that limit would come and go with it.
HELD: Final = 0.2


@dataclass(frozen=True, slots=True)
class Steadiness:
    """When a label changes.

    lead_seconds: lead over time that a rival needs: at 0.05, a class that is likelier by 0.8 waits 60 ms, one that is
    likelier by 0.1 half a second. Raises SettingsError where it is negative.
    """

    lead_seconds: float = 0.05

    def __post_init__(self) -> None:
        if self.lead_seconds < 0:
            raise SettingsError(f"lead_seconds is {self.lead_seconds:g}.", "Choose 0 or more; 0 changes at once.")


@dataclass(frozen=True, slots=True)
class SteadyLabel:
    """label: what is said, None before the first. rival: what leads now. lead: its lead over time so far."""

    label: str | None = None
    rival: str | None = None
    lead: float = 0.0


def next_label(
    before: SteadyLabel, said: Mapping[str, float], seconds: float, min_confidence: float, steadiness: Steadiness
) -> SteadyLabel:
    """The label after one more frame. said: probabilities by class; seconds: since the frame before.

    The candidate is the likeliest class, or `unsure` where it has less than `min_confidence`; a label whose class is
    still the likeliest stays until it has 0.2 less. Over the class that is said a rival leads by the difference of
    their probabilities, over `unsure` by that to the next likeliest class; `unsure` leads by what the likeliest class
    lacks of `min_confidence`. A rival that falls behind, or another one, begins from nothing.
    """
    best, second = sorted(said, key=lambda name: -said[name])[:2]
    needed = min_confidence - HELD * (best == before.label)
    candidate = best if said[best] >= needed else UNSURE
    if before.label is None or candidate == before.label:
        return SteadyLabel(candidate)
    if candidate == UNSURE:
        lead = min_confidence - said[best]
    else:
        lead = said[best] - said[second if before.label == UNSURE else before.label]
    lead *= min(seconds, LONGEST_FRAME_SECONDS)
    gathered = lead + (before.lead if candidate == before.rival else 0.0)
    if gathered >= steadiness.lead_seconds:
        return SteadyLabel(candidate)
    return replace(before, rival=candidate, lead=gathered)


def steady_labels(
    said: Sequence[Mapping[str, float]], times: Sequence[float], min_confidence: float, steadiness: Steadiness
) -> list[str]:
    """Of a whole sequence: as `next_label` has them, each change put back to where its rival began to lead."""
    labels: list[str] = []
    state, since = SteadyLabel(), 0
    for i, one in enumerate(said):
        seconds = times[i] - times[i - 1] if i else 0.0
        after = next_label(state, one, seconds, min_confidence, steadiness)
        if after.rival is not None and after.rival != state.rival:
            since = i
        assert after.label is not None
        if state.label is not None and after.label != state.label:
            first = since if state.rival == after.label else i
            labels[first:] = [after.label] * (i - first)
        labels.append(after.label)
        state = after
    return labels
