"""Pictures of a sequence evaluation: the confusion of the best baseline beside that of each sequence model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.evaluate.plots import blank_figure
from mien.evaluate.sequence import OTHER, SequenceReport

PANEL_INCHES = 5.0


def draw_sequences(report: SequenceReport, file: Path) -> None:
    """Shares of each true class (a row), with the number of sequences in each cell. PNG. Raises ExtraMissing."""
    shown = [one for one in report.methods if not one.baseline or f"{one.kind}: {one.way}" == report.best_baseline]
    figure = blank_figure(PANEL_INCHES * len(shown), PANEL_INCHES + 0.5)
    said = [*report.classes, OTHER]
    for place, method in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        counts = np.array(method.confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), n in np.ndenumerate(counts):
            if n:
                ink = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(n), ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(len(said)), said, rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(len(report.classes)), report.classes, fontsize=8)
        title = f"{method.kind}\n{method.way}: {method.accuracy.value:.1%} of {report.n_sequences:,}"
        axes.set(xlabel="said", ylabel="true")
        axes.set_title(title, fontsize=9)
    figure.savefig(file, dpi=120)
