"""What a run needs to go on after an interruption as if there had been none: one file, replaced as a whole."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mien.errors import RecipeError

FILE = "checkpoint.npz"
Values = list[NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """model, optimizer: values of all their variables, random states included. kept: the weights to be kept so far.

    record: plain values: `history`, the epochs done, and `identity`, the recipe and the data.
    """

    model: Values
    optimizer: Values
    kept: Values
    record: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write beside the old one, then replace it: a kill at any moment leaves one of the two."""
        arrays = {
            f"{part}_{number:04}": value
            for part in ("model", "optimizer", "kept")
            for number, value in enumerate(getattr(self, part))
        }
        arrays["record"] = np.frombuffer(json.dumps(self.record).encode(), np.uint8)
        staged = folder / f"{FILE}.part"
        with staged.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, folder / FILE)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The run's last state; None where there is none. Raises RecipeError where the file is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            parts = {
                part: [arrays[name] for name in sorted(arrays.files) if name.startswith(f"{part}_")]
                for part in ("model", "optimizer", "kept")
            }
            record = json.loads(arrays["record"].tobytes())
            return Checkpoint(**parts, record={key: record[key] for key in ("history", "identity")})
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise RecipeError(f"{path} cannot be read: {error}.", "Remove it to train from the start.") from error


def values_of(variables: Sequence[keras.Variable]) -> Values:
    """Copies of variables as NumPy arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[keras.Variable], values: Values) -> None:
    """Put values back. Raises RecipeError where they are those of another model."""
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise RecipeError("The checkpoint is of another model.", "Remove it, or name another --out.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
