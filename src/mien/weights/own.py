"""The user's own models: any ONNX file, with a card, and no code."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.engine.session import open_session
from mien.errors import WeightsCardInvalid
from mien.face import Floats
from mien.settings import Settings
from mien.weights.card import Card, parse_card
from mien.weights.catalog import Catalog, keep_card, read_card, refuse_taken
from mien.weights.graph import ImageInput, check_onnx, image_input
from mien.weights.progress import LogProgress, Progress
from mien.weights.store import check_file, path_of, place, sha256_of, staging
from mien.weights.trial import try_model


@dataclass(frozen=True)
class OwnEmbedder:
    """What the user says of the model; what the graph itself says (size, layout) may be left out.

    The preprocessing x = (pixel - mean) * scale, pixels 0..255, has the values of InsightFace's ArcFace exports as its
    default. size: side of the crop in pixels. color: `rgb` or `bgr`.
    Words left empty appear on the card as not stated.
    """

    name: str
    license: str
    commercial: str
    training_data: str = ""
    origin: str = ""
    size: int | None = None
    mean: float = 127.5
    scale: float = 1 / 127.5
    color: str = "rgb"


def add_embedder(path: Path, about: OwnEmbedder, settings: Settings, progress: Progress | None = None) -> Card:
    """Copy an ONNX file into the cache and write its card, after one trial run in the engine. Returns the card.

    Raises WeightsCardInvalid where the file is no embedder, or the card's values cannot be; EngineError where the
    engine refuses the model. Either the file and its card are there afterwards, or neither.
    """
    catalog = Catalog.load(settings)
    if not path.is_file():
        raise WeightsCardInvalid(f"There is no file {path}.", "Check the path.")
    with staging(settings, progress or LogProgress()) as folder:
        staged = folder / f"{path.stem}.onnx"
        shutil.copyfile(path, staged)
        takes = image_input(check_onnx(staged), path.name)
        size = _size(takes, about.size, path.name)
        dimensions = _trial(staged, takes, size, settings)
        card = _card(about, path, staged, {"size": size, "layout": takes.layout, "dimensions": dimensions})
        refuse_taken(card, catalog)
        place(staged, path_of(card, settings))
        keep_card(card, settings)
    return card


def add_with_card(
    path: Path, card_path: Path, settings: Settings, name: str = "", progress: Progress | None = None
) -> Card:
    """Copy an ONNX file into the cache with the whole card, of any task, that lies beside it as JSON. Returns the card.

    card_path: what `mien train export` writes. name: in place of the card's own; its sources are dropped. Raises
    WeightsHashMismatch where the file is not the card's, WeightsCardInvalid where the card is incomplete, its name is
    taken, or the model does not give what the card says in one trial run; EngineError where the engine refuses the
    model. Either the file and its card are there afterwards, or neither.
    """
    catalog = Catalog.load(settings)
    if not path.is_file():
        raise WeightsCardInvalid(f"There is no file {path}.", "Check the path.")
    card = _own_named(parse_card(read_card(card_path), str(card_path)), name)
    refuse_taken(card, catalog)
    with staging(settings, progress or LogProgress()) as folder:
        staged = folder / card.file
        shutil.copyfile(path, staged)
        check_file(staged, card, path.name)
        check_onnx(staged)
        try_model(staged, card, settings)
        place(staged, path_of(card, settings))
        keep_card(card, settings)
    return card


def _own_named(card: Card, name: str) -> Card:
    """The card under another name, checked again; one of the user's own names no sources and ends in .onnx."""
    name = name or card.name
    return parse_card(card.to_dict() | {"name": name, "file": f"{name}.onnx", "sources": ()}, "the JSON file")


def _card(about: OwnEmbedder, path: Path, staged: Path, seen: dict[str, Any]) -> Card:
    axes = "NCHW" if seen["layout"] == "nchw" else "NHWC"
    return parse_card(
        {
            "name": about.name,
            "task": "embed",
            "title": f"Own embedder {about.name}",
            "file": f"{about.name}.onnx",
            "bytes": staged.stat().st_size,
            "sha256": sha256_of(staged),
            "license": about.license,
            "commercial": about.commercial,
            "training_data": about.training_data or "not stated",
            "origin": about.origin or f"added by the user from {path.name}",
            "input": f"{axes} float32, {about.color.upper()}, {seen['size']} x {seen['size']}, ArcFace template",
            "reported": "not stated",
            "embed": {"mean": about.mean, "scale": about.scale, "color": about.color, **seen},
        },
        path.name,
    )


def _size(takes: ImageInput, said: int | None, name: str) -> int:
    if takes.size is None and said is None:
        raise WeightsCardInvalid(f"{name} leaves the size of its crop open.", "Say it: --size 112.")
    if takes.size and said and takes.size != said:
        raise WeightsCardInvalid(f"{name} takes crops of {takes.size} px, not {said}.", "Leave --size out.")
    return takes.size or said or 0


def _trial(staged: Path, takes: ImageInput, size: int, settings: Settings) -> int:
    """Run it once on a made-up crop; the length of what comes out."""
    shape = (1, 3, size, size) if takes.layout == "nchw" else (1, size, size, 3)
    session = open_session(staged, settings.engine, shape=shape)
    crop: Floats = np.linspace(0, 1, num=3 * size * size, dtype=np.float32).reshape(shape)
    embedding = session.run(crop)[session.output_names()[0]]
    if embedding.ndim != 2 or embedding.shape[0] != 1 or not np.isfinite(embedding).all() or not embedding.any():
        raise WeightsCardInvalid(
            f"The first output of the model is no embedding: shape {embedding.shape}, or values that are not numbers.",
            "An embedder gives one vector for each crop, of shape (N, dimensions).",
        )
    return int(embedding.shape[1])
