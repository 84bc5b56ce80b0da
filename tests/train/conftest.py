"""A made-up set of faces and one run on it, shared by all tests of training."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.dataset.faces import FaceSet
from mien.dataset.read import read_faces
from mien.expression.classes import FER2013
from mien.settings import Settings

SIDE = 24
RECIPE = """
name = "tiny"
about = "for tests"
heads = { label = 1.0, ferplus = 0.5 }
[model]
kind = "seed-cnn"
input_size = 24
width = 4
units = 8
dropout = 0.3
[augment]
flip = 0.5
shift = 0.05
erase = 0.3
[fit]
epochs = 4
batch = 16
learning_rate = 5e-3
mixup = 0.2
label_smoothing = 0.1
ema = 0.8
seed = 3
"""
# Of TensorFlow and tf2onnx, which NumPy 2 warns of; nothing that we call can avoid them.
FOREIGN = (
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
    "ignore:.*:DeprecationWarning:tf2onnx",
)
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors, but for those that are known to be others'."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for text in FOREIGN:
                item.add_marker(pytest.mark.filterwarnings(text))


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras, as training loads it; skips where it is not installed (extra `train`)."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if not all(importlib.util.find_spec(name) for name in ("keras", backend)):
        pytest.skip(f"Keras with {backend} is not installed: pip install 'mien[train]'")
    from mien.train.backend import prepare_keras

    prepare_keras()
    import keras

    return keras


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labels.csv with 64 faces to train on, one of them a twin, and 24 to validate with: a bright bar a class."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(5)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "split", "label", *VOTES, "twin_in_other_split"])
        for number in range(88):
            label, split = number % 7, "train" if number < 64 else "valid"
            face = rng.integers(0, 90, (SIDE, SIDE), np.uint8)
            face[3 * label : 3 * label + 3] += 150
            cv2.imwrite(str(folder / f"{number}.png"), face)
            # Every fifth face is one that nobody voted on.
            votes = [10 * (place == label and number % 5 > 0) for place in range(len(VOTES))]
            table.writerow([f"{number}.png", split, FER2013[label], *votes, number == 7])
    return folder


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that needs a second an epoch, in a file."""
    file = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(RECIPE)
    return file


@pytest.fixture(scope="session")
def splits(made_up: Path) -> tuple[FaceSet, FaceSet]:
    """Its train and valid."""
    return read_faces(made_up, "train", SIDE), read_faces(made_up, "valid", SIDE)


class Silent:
    """Watches training, remembers the epochs."""

    def __init__(self) -> None:
        self.epochs: list[Any] = []

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, record: Any) -> None:
        self.epochs.append(record)


@pytest.fixture
def silent() -> Silent:
    return Silent()


@pytest.fixture(scope="session")
def run(
    keras: Any, splits: tuple[FaceSet, FaceSet], recipe_file: Path, settings: Settings, tmp_path_factory: Any
) -> Path:
    """The folder of a finished run."""
    from mien.train.prior import Prior
    from mien.train.recipe import read_recipe
    from mien.train.run import train_expression

    folder = tmp_path_factory.mktemp("runs") / "run"
    train_expression(*splits, read_recipe(str(recipe_file)), folder, Prior(settings), Silent())
    return folder


@pytest.fixture
def command() -> Any:
    """Starts `mien ...` as a process of its own, its output in pipes."""

    def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        code = "import sys; from mien.cli.main import run; sys.exit(run(sys.argv[1:]))"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    return start
