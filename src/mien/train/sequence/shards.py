"""Sequences of features on the disk: `.npz` files without pickle, and a manifest that says how they came about."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import DataError
from mien.face import Floats

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSequence:
    """One sequence as a sequence model is trained on it.

    times: (T,) float32 seconds. features: (T, D) float32, zeros where no face was seen. seen: (T,) bool. shares: (T, C)
    float32, what is to be seen at each moment; all zero where nobody says. whole: (C,) of the sequence, all zero where
    nobody says. frame: (T, C) float32, the frame model's logits; None where the classes are not its. group: of whom,
    so that no person is on both sides of a split. kinds: of degradation.
    """

    times: Floats
    features: Floats
    seen: NDArray[np.bool_]
    shares: Floats
    whole: Floats
    frame: Floats | None = None
    group: str = ""
    kinds: tuple[str, ...] = ()


def write_shard(file: Path, sequences: Sequence[FeatureSequence]) -> str:
    """Write beside, then move: a kill leaves no torn file. Returns the SHA-256.

    Features and logits are kept as float16.
    """
    joined = {
        name: np.concatenate([getattr(one, name) for one in sequences]) for name in ("times", "seen", "shares")
    } | {
        name: np.concatenate([getattr(one, name) for one in sequences]).astype(np.float16)
        for name in ("features", "frame")
    }
    arrays: dict[str, Any] = {
        **joined,
        "whole": np.stack([one.whole for one in sequences]),
        "lengths": np.array([len(one.times) for one in sequences], np.int64),
        "text": np.frombuffer(json.dumps([[one.group, *one.kinds] for one in sequences]).encode(), np.uint8),
    }
    staged = file.with_name(f"part-{file.name}")
    with staged.open("wb") as stream:
        np.savez(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(staged, file)
    return sha256(file.read_bytes()).hexdigest()


def read_shard(file: Path) -> list[FeatureSequence]:
    """As they were written. Raises DataError where the file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            parts = {name: arrays[name] for name in ("times", "features", "seen", "shares", "frame")}
            whole, lengths = arrays["whole"], arrays["lengths"]
            text = json.loads(arrays["text"].tobytes())
        ends = np.cumsum(lengths)
        rows = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        return [
            FeatureSequence(
                times=parts["times"][row].astype(np.float32),
                features=parts["features"][row].astype(np.float32),
                seen=parts["seen"][row],
                shares=parts["shares"][row].astype(np.float32),
                whole=whole[number].astype(np.float32),
                frame=parts["frame"][row].astype(np.float32),
                group=text[number][0],
                kinds=tuple(text[number][1:]),
            )
            for number, row in enumerate(rows)
        ]
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} cannot be read: {error}.", "Make the sequences again.") from error


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of made sequences; None where there is none. Raises DataError where it is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / MANIFEST} cannot be read: {error}.", "Make the sequences again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{folder / MANIFEST} is of another version of mien.", "Make the sequences again.")
    return manifest


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replaced as a whole."""
    staged = folder / f"part-{MANIFEST}"
    staged.write_text(json.dumps({"format": FORMAT, **manifest}, indent=1) + "\n", encoding="utf-8")
    os.replace(staged, folder / MANIFEST)


def read_made(folder: Path) -> list[FeatureSequence]:
    """All sequences of a finished `mien train make-sequences`.

    Raises DataError where it is not finished, or a file is not the one that was written.
    """
    manifest = read_manifest(folder)
    if manifest is None or "files" not in manifest:
        raise DataError(f"{folder} holds no finished sequences.", "Give `mien train make-sequences` the same command.")
    sequences = []
    for name, digest in manifest["files"].items():
        file = folder / name
        if not file.is_file() or sha256(file.read_bytes()).hexdigest() != digest:
            raise DataError(f"{file} is not the file that was made.", "Make the sequences again.")
        sequences += read_shard(file)
    return sequences
