"""The two vocabularies of the field, in the order of our models' outputs. Their scores are never mixed."""

from __future__ import annotations

from typing import Final

# FER2013 (Goodfellow et al., 2013), in the order of the numbers 0 to 6 in its `emotion` column.
FER2013: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# FER+ (Barsoum et al., 2016), in the order of its columns; each face was named by ten people.
FERPLUS: Final = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
# The two columns of FER+ that name no expression: nobody could tell, and no face.
FERPLUS_NOT_AN_EXPRESSION: Final = ("unknown", "NF")
VOCABULARIES: Final[dict[str, tuple[str, ...]]] = {"fer2013": FER2013, "ferplus": FERPLUS}
# What is said where no class reaches the confidence asked for.
UNSURE: Final = "unsure"
