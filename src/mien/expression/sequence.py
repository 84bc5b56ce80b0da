"""The expression of a tracked face over time: a recurrent network on what the frame model sees, one state a track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.engine.session import Session, open_session
from mien.errors import ImageArrayRefused, SettingsError, WeightsCardInvalid
from mien.expression.classes import UNSURE
from mien.expression.policy import ExpressionPolicy
from mien.expression.steady import Steadiness, SteadyLabel, next_label, steady_labels
from mien.expression.temperature import softmax
from mien.face import Expression, Failed, Floats
from mien.settings import Settings
from mien.weights.card import Card, ExpressionHead, SequenceSpec
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure
from mien.weights.trial import sequence_outputs, sequence_shape

# Seconds between frames that a clock of 0 stands for, and the span in which it tells times apart.
USUAL_SECONDS: Final = 0.04
SPAN_SECONDS: Final = (0.005, 2.0)
NOT_SEEN: Final = Failed("expression", "The face has not been seen lately.")


@dataclass(frozen=True, slots=True, eq=False)
class SequenceState:
    """What a track carries from frame to frame; made by `start` and `step` alone.

    values: (S,) float32 of the network, read-only. time_seconds: of the last frame, seen_seconds: of the last one in
    which the face was seen; None before. steady: the label so far.
    """

    values: Floats
    time_seconds: float | None = None
    seen_seconds: float | None = None
    steady: SteadyLabel = field(default_factory=SteadyLabel)


class SequenceExpression:
    """Names the apparent expression at each moment from all moments up to it; never a claim about what is felt.

    card: of the task sequence, of a model that reads one frame a call; its `files` names the one that reads whole
    sequences, without which `whole` goes through the frames one by one. Features are those of the card's `frame_model`,
    which the caller makes sure of. Safe to call from many threads; the same answer from each. Raises WeightsCardInvalid
    for a card of another task or one that the model contradicts, SettingsError for a vocabulary that the model has not,
    and what `ensure` raises.
    """

    def __init__(
        self,
        card: Card,
        settings: Settings,
        policy: ExpressionPolicy | None = None,
        steadiness: Steadiness | None = None,
    ) -> None:
        self.card, self.model = card, card.id
        self.policy, self.steadiness = policy or ExpressionPolicy(), steadiness or Steadiness()
        self.spec = _spec_of(card, self.policy.classes)
        if not self.spec.state:
            raise WeightsCardInvalid(
                f"{card.name} reads whole sequences alone.", "Name the card of a model that reads frames."
            )
        self._session = _open(card, settings)
        self._files: tuple[Card, SequenceSpec, Session] | None = None
        if self.spec.files:
            files = Catalog.load(settings).card(self.spec.files)
            spec = _spec_of(files, self.policy.classes)
            if (spec.dimensions, spec.frame_model) != (self.spec.dimensions, self.spec.frame_model):
                raise WeightsCardInvalid(f"{files.name} is of another frame model than {card.name}.", "Mend the card.")
            self._files = files, spec, _open(files, settings)

    @property
    def frame_model(self) -> str:
        """The id of the card whose features these are, without the suffix of its fast mode."""
        return self.spec.frame_model

    def start(self) -> SequenceState:
        """The state of a track that nothing is known of."""
        return SequenceState(_frozen(np.zeros(self.spec.state, np.float32)))

    def step(
        self, state: SequenceState, time_seconds: float, features: Floats | None
    ) -> tuple[SequenceState, Expression | Failed]:
        """One frame of one track; about 0.2 ms.

        features: (D,) float32 of `FrameExpression.features`; None, or any that is not finite: the face was not seen at
        this moment. The label stays until another class has led for long enough (`Steadiness`); `confidence` is
        the label's own calibrated probability, of `unsure` the likeliest class's. `Failed` with the code `expression`
        where the face was not seen for longer than the card's `forget_seconds`, or never. After a pause as long as
        that, or where time runs backwards, the state begins anew. Raises ImageArrayRefused for features of another
        shape.
        """
        seen = _seen(features, self.spec.dimensions)
        state = self._after_pause(state, time_seconds)
        since = None if state.time_seconds is None else time_seconds - state.time_seconds
        row = np.zeros((1, self.spec.dimensions + 2 + self.spec.state), np.float32)
        if seen is not None:
            row[0, : self.spec.dimensions], row[0, self.spec.dimensions] = seen, 1
        row[0, self.spec.dimensions + 1] = 0 if since is None else clock_of(since)
        row[0, self.spec.dimensions + 2 :] = state.values
        outputs = self._session.run(row)
        seen_at = time_seconds if seen is not None else state.seen_seconds
        if not np.isfinite(outputs["state"]).all():
            return self.start(), Failed("expression", f"{self.card.name} gave values that are not finite.")
        values = _frozen(outputs["state"][0])
        if seen_at is None or time_seconds - seen_at > self.spec.forget_seconds:
            return SequenceState(values, time_seconds, seen_at), NOT_SEEN
        said = _said(outputs[self.spec.moment.output], self.spec.moment)
        steady = next_label(state.steady, said, since or 0.0, self.policy.min_confidence, self.steadiness)
        assert steady.label is not None
        return SequenceState(values, time_seconds, seen_at, steady), self._named(said, steady.label, self.model)

    def whole(self, times: Floats, features: Floats) -> tuple[list[Expression], Expression]:
        """Every moment of a finished sequence, by all of it, and the sequence as a whole.

        times: (T,) seconds, not falling. features: (T, D) float32, rows that are not finite where the face was not
        seen. Labels are steady, each change where it begins. Of the whole, a neutral stretch counts less than an
        expression. Raises ImageArrayRefused for other shapes, no frame at all, or none in which the face was seen.
        """
        rows = features if features.ndim == 2 else np.zeros((0, 1), np.float32)
        known = np.asarray(np.isfinite(rows).all(axis=1), np.bool_)
        if features.shape != (len(times), self.spec.dimensions) or not known.any():
            raise ImageArrayRefused(
                f"Features of shape {features.shape} for {len(times)} times, {int(known.sum())} of them seen.",
                f"Give (T, {self.spec.dimensions}) with at least one row of numbers.",
            )
        model, moments, whole = self._read(times, features, known)
        labels = steady_labels(moments, times.tolist(), self.policy.min_confidence, self.steadiness)
        best = max(whole, key=lambda name: whole[name])
        label = best if whole[best] >= self.policy.min_confidence else UNSURE
        named = [self._named(said, one, model) for said, one in zip(moments, labels, strict=True)]
        return named, self._named(whole, label, model)

    def _read(
        self, times: Floats, features: Floats, known: NDArray[np.bool_]
    ) -> tuple[str, list[Mapping[str, float]], Mapping[str, float]]:
        """The model's id, what it says of each moment, and of the whole."""
        if self._files is None:
            state = self.start()
            said: list[Mapping[str, float]] = []
            for time, row in zip(times.tolist(), features, strict=True):
                state, one = self.step(state, time, row)
                said.append(one.probabilities if isinstance(one, Expression) else self._nothing())
            mean = {name: float(np.mean([one[name] for one in said])) for name in self.spec.moment.classes}
            return self.model, said, mean
        card, spec, session = self._files
        clock = np.concatenate([[0.0], [clock_of(step) for step in np.diff(times)]])
        shown = np.where(known[:, None], features, 0)
        outputs = session.run(np.concatenate([shown, known[:, None], clock[:, None]], axis=1)[None].astype(np.float32))
        assert spec.whole is not None
        moments: list[Mapping[str, float]] = [_said(row[None], spec.moment) for row in outputs[spec.moment.output][0]]
        return card.id, moments, _said(outputs[spec.whole.output], spec.whole)

    def _nothing(self) -> Mapping[str, float]:
        classes = self.spec.moment.classes
        return dict.fromkeys(classes, 1 / len(classes))

    def _after_pause(self, state: SequenceState, time_seconds: float) -> SequenceState:
        if state.time_seconds is None or 0 <= time_seconds - state.time_seconds <= self.spec.forget_seconds:
            return state
        return self.start()

    def _named(self, said: Mapping[str, float], label: str, model: str) -> Expression:
        return Expression(
            label=label,
            confidence=max(said.values()) if label == UNSURE else said[label],
            probabilities=MappingProxyType(said),
            classes=self.spec.moment.vocabulary,
            model=model,
        )


def clock_of(seconds: float) -> float:
    """The network's input that says how long ago the frame before was."""
    return float(0.5 * np.log(np.clip(seconds, *SPAN_SECONDS) / USUAL_SECONDS))


def _seen(features: Floats | None, dimensions: int) -> Floats | None:
    if features is None:
        return None
    if features.shape != (dimensions,):
        raise ImageArrayRefused(f"Features of shape {features.shape}.", f"Give ({dimensions},) float32.")
    return features if np.isfinite(features).all() else None


def _said(logits: Floats, head: ExpressionHead) -> dict[str, float]:
    """(1, C) logits to calibrated probabilities by class."""
    return dict(zip(head.classes, softmax(logits, head.temperature)[0].tolist(), strict=True))


def _spec_of(card: Card, vocabulary: str) -> SequenceSpec:
    if card.sequence is None:
        raise WeightsCardInvalid(f"{card.name} is no sequence model: its card has no [sequence] table.")
    if card.sequence.moment.vocabulary != vocabulary:
        raise SettingsError(
            f"{card.name} does not know the classes {vocabulary!r}.", f"Choose {card.sequence.moment.vocabulary}."
        )
    return card.sequence


def _open(card: Card, settings: Settings) -> Session:
    assert card.sequence is not None
    path: Path = ensure(card, settings)
    session = open_session(path, settings.engine, settings.threads, sequence_shape(card.sequence, -1))
    frames = 1 if card.sequence.state else 3
    sequence_outputs(card, session.run(np.zeros(sequence_shape(card.sequence, frames), np.float32)))
    return session


def _frozen(values: Floats) -> Floats:
    values.flags.writeable = False
    return values
