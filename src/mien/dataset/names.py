"""Which of the field's two vocabularies the labels of a set belong to, however they are spelt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mien.expression.classes import FER2013, FERPLUS

# Other spellings of the names in FERPLUS.
SPELLINGS: Final = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
OF_FER2013: Final = {"anger": "angry", "happiness": "happy", "sadness": "sad"}


def number_classes(labels: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the classes in their order, and the number of each spelling in `labels`; an empty label has -1.

    Where all labels are usual names of expressions, the classes are all eight of FERPLUS if contempt is among them,
    all seven of FER2013 otherwise. One name beyond these, and the set has its own classes: all keep their spelling,
    in alphabetical order.
    """
    spelt = sorted(set(labels) - {""})
    meant = {label: SPELLINGS.get(label.strip().lower(), label.strip().lower()) for label in spelt}
    if not set(meant.values()) <= set(FERPLUS):
        return tuple(spelt), {"": -1} | {label: number for number, label in enumerate(spelt)}
    if "contempt" in meant.values():
        return FERPLUS, {"": -1} | {label: FERPLUS.index(name) for label, name in meant.items()}
    return FER2013, {"": -1} | {label: FER2013.index(OF_FER2013.get(name, name)) for label, name in meant.items()}
