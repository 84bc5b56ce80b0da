"""Sequences to train on from folders: made ones, and labelled sets in any layout that mien reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.dataset.sequences.crops import FaceCutter
from mien.dataset.sequences.read import read_sequences
from mien.dataset.sequences.seen import PLAIN, Eye, SeenSequence, see_sequences
from mien.dataset.sequences.sequence import FaceSequence
from mien.errors import DataError
from mien.expression.classes import FERPLUS, VOCABULARIES
from mien.expression.frame import FrameExpression
from mien.settings import Settings
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.fit import SequenceData
from mien.train.sequence.run import SequenceOrigin
from mien.train.sequence.shards import FeatureSequence, read_made, read_manifest

# One group in so many is for validation, where nobody says which.
VALID_ONE_IN: Final = 10


@dataclass(frozen=True, slots=True)
class Gatherer:
    """frame: whose features labelled sets are seen with. cache: where these are kept; None keeps them nowhere."""

    frame: FrameExpression
    settings: Settings
    cache: Path | None = None

    def gather(self, folders: Sequence[Path], valid: Sequence[Path]) -> tuple[SequenceData, SequenceOrigin]:
        """All sequences of `folders` to train on, those of `valid` to validate with.

        Without `valid`, a set's own parts `valid` and `test`, where it has any, else one subject in ten, chosen by the
        hash of the name. A made set is one of `mien train make-sequences`, whose features are taken as they are. A
        labelled set's label is the answer of the sequence, and of each of its moments.
        Raises DataError where sets differ in their classes, or were seen by another frame model than `frame`; and what
        reading them raises.
        """
        sets = {folder: self._read(folder) for folder in (*folders, *valid)}
        classes = {one[1] for one in sets.values()}
        if len(classes) > 1:
            raise DataError("The sets name other classes.", "Train on sets of the same classes.")
        mine = [one for folder in folders for one in sets[folder][0]]
        if valid:
            train, held = mine, [one for folder in valid for one in sets[folder][0]]
        else:
            train = [one for one in mine if not _held(one)]
            held = [one for one in mine if _held(one)]
        told: dict[str, Any] = {folder.resolve().name: sets[folder][2] for folder in sets}
        names = next(iter(classes))
        vocabulary = next((name for name, known in VOCABULARIES.items() if known == names), "sequences")
        return SequenceData.of(train, held, names), SequenceOrigin(vocabulary, self.frame.card.id, told)

    def _read(self, folder: Path) -> tuple[list[FeatureSequence], tuple[str, ...], dict[str, Any]]:
        """Its sequences, their classes, and what is to be remembered of it."""
        manifest = read_manifest(folder)
        if manifest is None:
            return self._see(folder)
        if manifest["model"].removesuffix("-fast") != self.frame.card.id:
            raise DataError(
                f"{folder} was made with the frame model {manifest['model']}, not {self.frame.card.id}.",
                "Make the sequences again.",
            )
        told = {key: manifest[key] for key in ("stills", "labels", "model", "order")}
        return read_made(folder), FERPLUS, {"made": True, **told}

    def _see(self, folder: Path) -> tuple[list[FeatureSequence], tuple[str, ...], dict[str, Any]]:
        listed = read_sequences(folder)
        reader = FeatureReader(self.frame, self.settings)
        eye = Eye(FaceCutter(self.frame, self.settings), reader, reader.model, self.cache)
        seen = see_sequences(listed.sequences, eye)[PLAIN]
        # The vocabulary's own order, so that the frame model's head fits.
        names = FERPLUS if set(listed.classes) <= set(FERPLUS) else listed.classes
        sequences = [
            labelled(
                one, names.index(listed.classes[item.label]), len(names), f"{item.part}/{item.subject or item.name}"
            )
            for one, item in zip(seen, listed.sequences, strict=True)
            if one.seen.any()
        ]
        return sequences, names, {"made": False, "layout": listed.layout, "sha256": listed.sha256}


def labelled(one: SeenSequence, label: int, classes: int, group: str) -> FeatureSequence:
    """A sequence all of whose moments, and the whole, show one class."""
    hot = np.eye(classes, dtype=np.float32)[label]
    return FeatureSequence(
        times=one.times,
        features=one.features,
        seen=one.seen,
        shares=np.repeat(hot[None], len(one.times), axis=0),
        whole=hot,
        frame=one.logits if one.logits.shape[1] == classes else None,
        group=group,
    )


def _group(item: FaceSequence) -> str:
    return f"{item.part}/{item.subject or item.name}"


def _held(one: FeatureSequence) -> bool:
    """Whether it is for validation."""
    part = one.group.split("/")[0]
    if part in ("train", "valid", "test"):
        return part != "train"
    return sha256(one.group.encode()).digest()[0] % VALID_ONE_IN == 0
