"""What is asked of the expression stage."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import SettingsError
from mien.settings import Settings


@dataclass(frozen=True, slots=True)
class ExpressionPolicy:
    """In which words an apparent expression is named, and from which confidence on.

    classes: a vocabulary of the model, `ferplus` (eight classes) or `fer2013` (seven) with the model that mien ships.
    min_confidence: 0..1; a face whose likeliest class has a lower calibrated probability is `unsure`. model: name of a
    card of the task expression. Raises SettingsError where min_confidence lies outside of 0..1.
    """

    classes: str = "ferplus"
    min_confidence: float = 0.5
    model: str = "expression"

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 1:
            raise SettingsError(f"min_confidence is {self.min_confidence:g}.", "Choose a probability from 0 to 1.")

    @classmethod
    def of(cls, settings: Settings) -> ExpressionPolicy:
        """What the settings `expression_classes`, `min_confidence` and `expression_model` say."""
        return cls(settings.expression_classes, settings.min_confidence, settings.expression_model)
