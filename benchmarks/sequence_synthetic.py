"""How well is the expression read through trouble, moment by moment? On made sequences: synthetic motion.

    python benchmarks/sequence_synthetic.py --made DIR [--run DIR ...]

--made: what `mien train make-sequences` made of faces that nothing was trained on. --run: folders of finished runs of
`mien train sequence`; needs the extra `train`. Prints a Markdown table of the share of moments in which a face was seen
whose likeliest class is the one to be seen: of the frame model, of the mean of all frames so far, of exponential
smoothing (the best of five time constants, chosen on these very sequences, to its advantage), and of each run. The
interval is a bootstrap over sequences. The second table has sequences with one kind of trouble alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.expression.temperature import softmax
from mien.train.sequence.shards import FeatureSequence, read_made, read_manifest

SMOOTHING_SECONDS = (0.05, 0.1, 0.2, 0.35, 0.5)
RESAMPLES = 2000
Numbers = NDArray[np.float64]
Method = Callable[[FeatureSequence], Numbers]


def frame(one: FeatureSequence, temperature: float) -> Numbers:
    """(T, 8) probabilities; zeros where no face was seen."""
    assert one.frame is not None
    return softmax(one.frame, temperature) * one.seen[:, None]


def mean_so_far(one: FeatureSequence, temperature: float) -> Numbers:
    """The mean over all frames up to each."""
    return np.cumsum(frame(one, temperature), axis=0)


def smoothed(one: FeatureSequence, temperature: float, seconds: float) -> Numbers:
    """Exponential smoothing by the clock."""
    said, state, rows = frame(one, temperature), None, []
    for row, seen in enumerate(one.seen):
        if seen and state is None:
            state = said[row]
        elif seen and state is not None:
            state = state + (said[row] - state) * (1 - np.exp(-(one.times[row] - one.times[row - 1]) / seconds))
        rows.append(np.zeros(said.shape[1]) if state is None else state)
    return np.array(rows)


def right(said: Sequence[Numbers], sequences: Sequence[FeatureSequence]) -> list[NDArray[np.bool_]]:
    """Of each sequence, whether each seen moment was named rightly."""
    return [(p.argmax(axis=1) == one.shares.argmax(axis=1))[one.seen] for p, one in zip(said, sequences, strict=True)]


def share(found: Sequence[NDArray[np.bool_]]) -> float:
    """Of all moments."""
    return float(np.concatenate(found).mean()) if len(found) else float("nan")


def interval(found: Sequence[NDArray[np.bool_]], base: Sequence[NDArray[np.bool_]]) -> tuple[float, float]:
    """95 % of the difference to the frame model, by a paired bootstrap over sequences."""
    sums, counts = (np.array([f(one) for one in found], float) for f in (np.sum, len))
    differences = sums - np.array([one.sum() for one in base])
    rows = np.random.default_rng(0).integers(0, len(found), (RESAMPLES, len(found)))
    low, high = np.quantile(differences[rows].sum(axis=1) / counts[rows].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def kind_of(one: FeatureSequence) -> str:
    """The single kind of trouble; `none`, or `several`."""
    return one.kinds[0] if len(one.kinds) == 1 else "several" if one.kinds else "none"


def methods(sequences: Sequence[FeatureSequence], temperature: float, runs: Sequence[Path]) -> dict[str, list[Numbers]]:
    """What each says of every sequence."""
    said = {
        "frame model": [frame(one, temperature) for one in sequences],
        "mean of the frames so far": [mean_so_far(one, temperature) for one in sequences],
    }
    tried = {t: [smoothed(one, temperature, t) for one in sequences] for t in SMOOTHING_SECONDS}
    best = max(tried, key=lambda t: share(right(tried[t], sequences)))
    said[f"exponential smoothing, {best:g} s"] = tried[best]
    if runs:
        from mien.train.backend import prepare_keras

        prepare_keras()
        from mien.train.sequence.fit import predict
        from mien.train.sequence.run import read_sequence_run

        for run in runs:
            model, result = read_sequence_run(run)
            said[f"`{result.trained_by.name}`"] = [np.asarray(one, np.float64) for one in predict(model, sequences)[0]]
    return said


def main() -> None:
    """Read, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", type=Path, required=True)
    parser.add_argument("--run", type=Path, action="append", default=[])
    given = parser.parse_args()
    sequences, manifest = read_made(given.made), read_manifest(given.made)
    assert manifest is not None
    found = {
        name: right(said, sequences) for name, said in methods(sequences, manifest["temperature"], given.run).items()
    }
    base = next(iter(found.values()))
    print(f"{len(sequences)} sequences, {sum(map(len, base)):,} moments; stills: {manifest['stills']['name']}\n")
    print("| moments named rightly | share | points against the frame model (95 %) |\n|---|---|---|")
    for name, one in found.items():
        low, high = interval(one, base)
        gain = "" if one is base else f"{100 * (share(one) - share(base)):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        print(f"| {name} | {share(one):.1%} | {gain} |")
    kinds = sorted({kind_of(one) for one in sequences})
    print(f"\n| trouble | sequences | {' | '.join(found)} |\n|{'---|' * (len(found) + 2)}")
    for kind in kinds:
        rows = [number for number, one in enumerate(sequences) if kind_of(one) == kind]
        cells = [f"{share([one[row] for row in rows]):.1%}" for one in found.values()]
        print(f"| {kind} | {len(rows)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
