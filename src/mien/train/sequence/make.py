"""Sequences from stills: scenes are written, rendered, seen by the frame model, and kept as features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import DataError
from mien.face import Pixels
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.render import render
from mien.train.sequence.scene import MakePolicy, Scene, write_scene
from mien.train.sequence.shards import FeatureSequence, read_manifest, write_manifest, write_shard
from mien.train.sequence.stills import Stills

SHARD: Final = 64


@dataclass(frozen=True, slots=True)
class MakeOrder:
    """count: sequences. seed: of everything random. policy: what they are like."""

    count: int
    seed: int = 0
    policy: MakePolicy = field(default_factory=MakePolicy)


def make_sequences(
    stills: Stills, reader: FeatureReader, order: MakeOrder, folder: Path, step: Callable[[], None]
) -> dict[str, Any]:
    """Make them, in files of 64, and write the manifest; go on where an earlier call stopped. Returns the manifest.

    Sequence n depends on the stills, the seed and n alone. step: called after each sequence. Raises DataError where the
    folder holds sequences made otherwise.
    """
    identity = {
        "stills": {"name": stills.name, "faces": len(stills.faces), "sha256": stills.sha256},
        "labels": "people's" if stills.labelled else "the frame model's word on the clean still",
        "model": reader.model,
        "temperature": reader.temperature,
        "order": asdict(order),
    }
    before = read_manifest(folder)
    if before is not None and {key: before.get(key) for key in identity} != identity:
        raise DataError(f"{folder} holds sequences that were made otherwise.", "Name another --out, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = dict((before or {}).get("written", {}))
    for start in range(0, order.count, SHARD):
        name = f"{start // SHARD:05}.npz"
        numbers = range(start, min(start + SHARD, order.count))
        if name not in files or not (folder / name).is_file():
            files[name] = write_shard(folder / name, [_make(stills, reader, order, n, step) for n in numbers])
            write_manifest(folder, identity | {"written": files})
    write_manifest(folder, identity | {"written": files, "files": files})
    return identity | {"files": files}


def scene_of(stills: Stills, order: MakeOrder, number: int) -> Scene:
    """The script of sequence `number`."""
    return write_scene(stills, order.policy, np.random.default_rng([order.seed, number]))


def seen_as(scene: Scene, frames: Pixels, reader: FeatureReader, group: str = "") -> FeatureSequence:
    """The features of its seen frames; zeros for the others."""
    features, logits = reader(frames[scene.seen])
    n = len(scene.times)
    all_features = np.zeros((n, features.shape[1]), np.float32)
    all_logits = np.zeros((n, logits.shape[1]), np.float32)
    all_features[scene.seen], all_logits[scene.seen] = features, logits
    return FeatureSequence(
        times=scene.times.astype(np.float32),
        features=all_features,
        seen=scene.seen,
        shares=scene.shares,
        whole=scene.whole,
        frame=all_logits,
        group=group,
        kinds=scene.kinds,
    )


def _make(
    stills: Stills, reader: FeatureReader, order: MakeOrder, number: int, step: Callable[[], None]
) -> FeatureSequence:
    scene = scene_of(stills, order, number)
    made = seen_as(scene, render(scene, stills), reader, group=f"made-{number}")
    step()
    return made
