"""The tutorials' questions, one run each: 3 x 3 or 5 x 5? Why dropout? More units? Needs the extra `train`.

    python benchmarks/ablation.py --data ../shared/data/fer2013 --out runs/ablation --epochs 30

Changes the recipe `seed-cnn` in one place at a time, trains on the split train, and prints a Markdown table of the
split valid: accuracy with Wilson's 95 % interval, and the difference from the recipe as it is, on the same faces, with
its 95 % interval (Agresti and Min, 2005, for matched pairs). Accuracy on as many training faces beside it shows what is
learned by heart. Faces are looked at once, without their mirror image.

The intervals say what other faces would change, not what another seed would: run again with --seed to see that. Stop it
whenever you like; the same command goes on.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.dataset.faces import FaceSet
from mien.dataset.read import read_faces
from mien.evaluate.metrics import wilson
from mien.settings import load_settings
from mien.train.backend import prepare_keras
from mien.train.recipe import Recipe, read_recipe

prepare_keras()
from mien.train.fit import EpochRecord, predict  # noqa: E402
from mien.train.prior import Prior  # noqa: E402
from mien.train.run import read_run, train_expression  # noqa: E402

Flags = NDArray[np.bool_]
Z95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """right: of the validation faces. by_heart: share of the training faces named rightly."""

    name: str
    parameters: int
    epochs: int
    right: Flags
    by_heart: float


class Lines:
    """Says on stderr how far a run is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, record: EpochRecord) -> None:
        """One line."""
        print(
            f"{self._name}: epoch {record.epoch}, loss {record.loss:.4f}, {record.valid}", file=sys.stderr, flush=True
        )


def variants(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """The recipe itself first."""
    yield "as it is (3 x 3, dropout 0.5, 128 units)", recipe
    for name, change in {
        "kernel 5 x 5": {"kernel": 5},
        "no dropout": {"dropout": 0.0},
        "64 units": {"units": 64},
        "256 units": {"units": 256},
    }.items():
        yield name, replace(recipe, model=replace(recipe.model, **change))


def outcome(name: str, recipe: Recipe, train: FaceSet, valid: FaceSet, out: Path) -> Outcome:
    """Train, or take what an earlier call has trained."""
    sizes = recipe.model
    folder = out / f"kernel-{sizes.kernel}-dropout-{sizes.dropout}-units-{sizes.units}-seed-{recipe.fit.seed}"
    result = train_expression(train, valid, recipe, folder, Prior(load_settings()), Lines(name))
    model, _ = read_run(folder)
    seen = train.take(np.flatnonzero(~train.twins & (train.labels >= 0))[: len(valid.faces)])
    right = [predict(model, one.faces, sizes.input_size)["label"].argmax(axis=1) == one.labels for one in (valid, seen)]
    return Outcome(name, model.count_params(), len(result.history), right[0], float(right[1].mean()))


def difference(base: Flags, other: Flags) -> str:
    """In points, of matched pairs."""
    count, gained, lost = len(base), int((other & ~base).sum()), int((base & ~other).sum())
    # Half a pair more in each of the four cells keeps the interval honest where few pairs differ.
    mean = (gained - lost) / (count + 2)
    spread = Z95 * math.sqrt(gained + lost + 1 - (gained - lost) ** 2 / (count + 2)) / (count + 2)
    return f"{100 * mean:+.1f} ({100 * (mean - spread):+.1f} to {100 * (mean + spread):+.1f})"


def row(one: Outcome, base: Outcome) -> str:
    """Of the table."""
    rate = wilson(int(one.right.sum()), len(one.right))
    against = "" if one is base else difference(base.right, one.right)
    accuracy = f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
    return f"| {one.name} | {one.parameters:,} | {one.epochs} | {one.by_heart:.1%} | {accuracy} | {against} |"


def main() -> None:
    """Run the variants one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled faces, as docs/train.md says")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")
    given = parser.parse_args()
    recipe = read_recipe("seed-cnn")
    fit = replace(recipe.fit, epochs=given.epochs or recipe.fit.epochs)
    recipe = replace(recipe, fit=fit if given.seed is None else replace(fit, seed=given.seed))
    train, valid = read_faces(given.data, "train"), read_faces(given.data, "valid")
    known = valid.take(np.flatnonzero(valid.labels >= 0))
    found = [outcome(name, variant, train, known, given.out) for name, variant in variants(recipe)]
    print("| network | parameters | epochs | training faces | validation faces (95 %) | points against the first |")
    print("|---|---|---|---|---|---|")
    for one in found:
        print(row(one, found[0]))


if __name__ == "__main__":
    main()
