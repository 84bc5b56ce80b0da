"""What a layout tells about its sequences before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mien.dataset.names import SPELLINGS
from mien.expression.classes import FERPLUS


@dataclass(frozen=True, slots=True)
class Listed:
    """One sequence as its set names it; fields as in `FaceSequence`, the label as spelt there.

    numbers: of the frames, where the pictures' names say them.
    """

    name: str
    label: str
    files: tuple[Path, ...]
    subject: str | None = None
    part: str = ""
    numbers: tuple[int, ...] | None = None


def number_labels(spelt: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the classes in their order, and the number of each spelling.

    Usual names of expressions become FER+'s, in FER+'s order; names that it has not come after them, in alphabetical
    order. Only classes that occur are counted: a set without contempt is not asked about it.
    """
    labels = sorted(set(spelt))
    meant = {label: expression_name(label) for label in labels}
    have = set(meant.values())
    classes = tuple(name for name in FERPLUS if name in have) + tuple(sorted(have - set(FERPLUS)))
    return classes, {label: classes.index(name) for label, name in meant.items()}


def expression_name(label: str) -> str:
    """The name that FER+ has for it, or the label itself in lower case."""
    name = label.strip().lower()
    return SPELLINGS.get(name, name)
