"""The expression of one track over time: what it is now, how its time divides, and what it comes to."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.expression.sequence import SequenceExpression
from mien.face import NOT_ASKED, Expression, Failed, NotAsked
from mien.video.face_work import FaceResult

# Without a look at the face for so long, its expression is not known any more.
STALE_SECONDS: Final = 1.0
# Looks that are kept for the word on the whole; where there are more, every second one is let go.
MOST_LOOKS: Final = 512


class ExpressionLog:
    """By the sequence model, or by the frame model alone where there is no sequence model for it. For one thread."""

    def __init__(self, sequence: SequenceExpression | None) -> None:
        self._sequence = sequence
        self._state = sequence.start() if sequence else None
        self.now: Expression | NotAsked | Failed = NOT_ASKED
        self._time = self._looked = -np.inf
        self._seconds: dict[str, float] = {}
        self._looks: list[tuple[float, np.ndarray]] = []
        self._spacing = 0.0

    @property
    def label(self) -> str | None:
        """What it is now, None where that is not known."""
        return self.now.label if isinstance(self.now, Expression) else None

    def update(self, time_seconds: float, found: bool, result: FaceResult) -> tuple[str, str | None] | None:
        """Take in one frame; the new label and the one before, where it changed to another one.

        found: the face was found in this frame, whether or not the expression network looked at it.
        """
        was = self.label
        if was is not None:
            past = min(time_seconds - self._time, STALE_SECONDS)
            self._seconds[was] = self._seconds.get(was, 0.0) + past
        self._time = time_seconds
        if self._sequence and self._state and (result.features is not None or not found):
            self._state, self.now = self._sequence.step(self._state, time_seconds, result.features)
            self._keep(time_seconds, result.features)
        elif self._sequence is None:
            self._by_frame(time_seconds, result.face.expression)
        return (self.label, was) if self.label is not None and self.label != was else None

    def shares(self) -> dict[str, float]:
        """By label, the share of the time in which it was known, the largest first; sums to 1, or is empty."""
        total = sum(self._seconds.values())
        ranked = sorted(self._seconds.items(), key=lambda item: -item[1])
        return {label: seconds / total for label, seconds in ranked} if total else {}

    def forget(self) -> None:
        """Let go of what was kept for `overall`."""
        self._looks = []

    def overall(self) -> Expression | NotAsked:
        """Of the whole track, by the model that reads both ways; `NotAsked` without a sequence model or a look."""
        if self._sequence is None or not self._looks:
            return NOT_ASKED
        times, features = zip(*self._looks, strict=True)
        rows = np.array(features, np.float32)
        return self._sequence.whole((np.array(times) - times[0]).astype(np.float32), rows)[1]

    def _by_frame(self, time_seconds: float, shown: Expression | NotAsked | Failed) -> None:
        if not isinstance(shown, NotAsked):
            self.now, self._looked = shown, time_seconds
        elif time_seconds - self._looked > STALE_SECONDS:
            self.now = NOT_ASKED

    def _keep(self, time_seconds: float, features: np.ndarray | None) -> None:
        if features is None or (self._looks and time_seconds - self._looks[-1][0] < self._spacing):
            return
        self._looks.append((time_seconds, features.astype(np.float16)))
        if len(self._looks) > MOST_LOOKS:
            self._looks = self._looks[::2]
            self._spacing = 0.75 * (self._looks[-1][0] - self._looks[0][0]) / (len(self._looks) - 1)
