"""What a pass over several faces costs a face, against one pass each, and whether its bits are the same.

`mien serve` could put the faces of several requests together. Prints a row for each network; one thread, made-up
input, the shortest of many alternating turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from mien.engine.session import Session, open_session
from mien.face import Floats
from mien.settings import load_settings
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure

SIZES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Network:
    """open: a session for so many faces a pass. side, channels_first: of the input."""

    name: str
    open: Callable[[int], Session]
    shape: tuple[int, ...]


def networks() -> list[Network]:
    """Those that look at one face at a time."""
    settings = load_settings(threads=1)
    catalog = Catalog.load(settings)
    sface, expression = catalog.card("sface"), catalog.card("expression")
    assert sface.embed and expression.expression
    paths = {name: ensure(name, settings) for name in ("sface", "expression", "facemesh", "iris")}
    shapes = {
        "sface": (3, sface.embed.size, sface.embed.size),
        "expression": (expression.expression.size, expression.expression.size, 1),
        "facemesh": (192, 192, 3),
        "iris": (64, 64, 3),
    }

    def opener(name: str, ranges: bool) -> Callable[[int], Session]:
        integers = sface.embed.int8_ranges if ranges and sface.embed else ()
        return lambda size: open_session(paths[name], "openvino", 1, (size, *shapes[name]), integers)

    found = [Network(f"{name}, float32", opener(name, False), shape) for name, shape in shapes.items()]
    return [*found, Network("sface, int8", opener("sface", True), shapes["sface"])]


def rows(network: Network, turns: int) -> list[tuple[int, float, float]]:
    """For each size: ms a face, and the largest difference to one pass each."""
    sessions = {size: network.open(size) for size in SIZES}
    faces = np.random.default_rng(1).random((max(SIZES), *network.shape)).astype(np.float32)
    best = dict.fromkeys(SIZES, float("inf"))
    for _ in range(turns):
        for size, session in sessions.items():
            began = perf_counter()
            outputs(session, faces, size)
            best[size] = min(best[size], (perf_counter() - began) / len(faces) * 1000)
    alone = outputs(sessions[1], faces, 1)
    return [
        (size, best[size], float(np.abs(outputs(session, faces, size) - alone).max()))
        for size, session in sessions.items()
    ]


def outputs(session: Session, faces: Floats, size: int) -> Floats:
    """The first output of every face, in passes over `size` of them."""
    name = session.output_names()[0]
    passes = [session.run(faces[at : at + size])[name] for at in range(0, len(faces), size)]
    return np.concatenate([one.reshape(size, -1) for one in passes])


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    turns = parser.parse_args().turns
    print("| network | faces a pass | ms a face | against one a pass | largest difference |\n|---|---|---|---|---|")
    for network in networks():
        found = rows(network, turns)
        for size, ms, difference in found:
            gain = found[0][1] / ms
            print(f"| {network.name} | {size} | {ms:.2f} | x {gain:.2f} | {difference:.1g} |", flush=True)


if __name__ == "__main__":
    main()
