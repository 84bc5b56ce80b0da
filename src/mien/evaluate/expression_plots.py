"""Pictures of an expression run: confusion, reliability, coverage, the worst mistakes, robustness; heads kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from mien.evaluate.expression import HeadReport, Judged
from mien.evaluate.plots import blank_figure
from mien.evaluate.reliability import Bin
from mien.evaluate.robustness import KINDS, Robustness
from mien.face import Pixels
from mien.image import write_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILE_PX: Final = 112
LINE_PX: Final = 16
COLUMNS: Final = 8
WORST_SHOWN: Final = 40
CURVE_POINTS: Final = 200
PANEL_INCHES: Final = 6.0


def draw_confusion(heads: Sequence[HeadReport], file: Path) -> None:
    """Shares of each true class (a row), with the number of faces in each cell. PNG. Raises ExtraMissing."""
    figure, panels = _panels(len(heads))
    for head, axes in zip(heads, panels, strict=True):
        counts = np.array(head.all_faces.confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), n in np.ndenumerate(counts):
            ink = "white" if shares[row, column] > 0.5 else "black"
            text = f"{shares[row, column]:.0%}\n{n}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
        axes.set_xticks(range(len(counts)), head.classes, rotation=45, ha="right")
        axes.set_yticks(range(len(counts)), head.classes)
        axes.set(xlabel="said", ylabel="true", title=_title(head.vocabulary, head.n_kept))
    figure.savefig(file, dpi=120, bbox_inches="tight")


def draw_reliability(heads: Sequence[HeadReport], file: Path) -> None:
    """Accuracy over confidence in 15 bins, raw and at the card's temperature, over the faces a bin. PNG.

    Raises ExtraMissing.
    """
    figure, panels = _panels(len(heads), rows=2)
    for place, head in enumerate(heads):
        curve, counts = panels[place], panels[len(heads) + place]
        curve.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        kinds = (("raw", head.all_faces.raw), (f"temperature {head.temperature:.2f}", head.all_faces.calibrated))
        for name, one in kinds:
            full = [item for item in one.bins if item.n]
            label = f"{name}: ECE {one.ece.value:.1%}"
            curve.plot([item.confidence for item in full], [item.accuracy for item in full], "o-", ms=3, label=label)
            counts.stairs([item.n for item in one.bins], _edges(one.bins), label=name)
        curve.set(xlim=(0, 1), ylim=(0, 1), ylabel="share right", title=_title(head.vocabulary, head.n_kept))
        counts.set(xlim=(0, 1), xlabel="confidence", ylabel="faces")
        curve.legend(fontsize=8)
    figure.savefig(file, dpi=120)


def draw_coverage(judged: Sequence[Judged], file: Path) -> None:
    """Accuracy of what is said over the share of faces of which it is said, the surest first. PNG. Raises ExtraMissing.

    The dots are confidences of 0.3 to 0.9.
    """
    figure, panels = _panels(len(judged))
    for one, axes in zip(judged, panels, strict=True):
        probabilities = one.probabilities()
        confidence = probabilities.max(axis=1)
        order = np.argsort(-confidence, kind="stable")
        hits = np.cumsum((probabilities.argmax(axis=1) == one.labels)[order])
        n_said = np.arange(1, len(order) + 1)
        shown = np.unique(np.linspace(0, len(order) - 1, CURVE_POINTS).astype(int))
        axes.plot(n_said[shown] / len(order), hits[shown] / n_said[shown], color="black", linewidth=1)
        for tenth in range(3, 10):
            if n := int((confidence >= tenth / 10).sum()):
                at = n / len(order), hits[n - 1] / n
                axes.plot(*at, "o", color="tab:red", ms=4)
                axes.annotate(f"{tenth / 10}", at, textcoords="offset points", xytext=(4, 4), fontsize=8)
        axes.set(xlim=(0, 1.02), xlabel="share of faces not unsure", ylabel="accuracy of what is said")
        axes.set_title(_title(one.head.vocabulary, len(order)))
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=120)


def draw_robustness(heads: Sequence[Robustness], file: Path) -> None:
    """Accuracy at each level of each kind of degradation, one line a head; dotted: the faces as they are. PNG.

    Raises ExtraMissing.
    """
    figure = blank_figure(15, 7)
    panels = figure.subplots(2, (len(KINDS) + 1) // 2, sharey=True).ravel()
    for (name, kind), axes in zip(KINDS.items(), panels, strict=False):
        for number, head in enumerate(heads):
            points = [point for point in head.points if point.kind == name]
            values = np.array([(one.accuracy.value, one.accuracy.low, one.accuracy.high) for one in points])
            reach = [values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]]
            levels = [point.level for point in points]
            axes.errorbar(levels, values[:, 0], reach, fmt="o-", ms=3, color=f"C{number}", label=head.vocabulary)
            axes.axhline(head.as_they_are.value, color=f"C{number}", linestyle=":", linewidth=0.8)
        axes.set(title=name, xlabel=kind.unit)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("accuracy")
    panels[0].legend(fontsize=8)
    figure.savefig(file, dpi=120)


def draw_worst(faces: Pixels, judged: Sequence[Judged], file: Path) -> None:
    """A contact sheet of each head's 40 most confident mistakes: what was said, how surely, and the label. PNG.

    faces: (N, S, S) uint8 grey, those that `judged` was made of. Writes nothing where there is no mistake.
    """
    rows = [row for one in judged for row in _rows(faces, one)]
    if rows:
        write_image(file, np.vstack(rows))


def most_confident_mistakes(judged: Judged, most: int = WORST_SHOWN) -> list[tuple[int, int, float, int]]:
    """At most `most` of (place in the set, class said, its probability, true class), the surest mistake first."""
    probabilities = judged.probabilities()
    said, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = order[said[order] != judged.labels[order]][:most]
    return [(int(judged.places[i]), int(said[i]), float(confidence[i]), int(judged.labels[i])) for i in wrong]


def _rows(faces: Pixels, judged: Judged) -> Iterator[Pixels]:
    names, mistakes = judged.head.classes, most_confident_mistakes(judged)
    cells = [
        _cell(faces[place], f"{names[said]} {confidence:.2f}", f"label {names[true]}")
        for place, said, confidence, true in mistakes
    ]
    if not cells:
        return
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS)
    width = COLUMNS * cells[0].shape[1]
    yield _text(f"{judged.head.vocabulary}: said, how surely; {judged.protocol}", width)
    for start in range(0, len(cells), COLUMNS):
        yield np.hstack(cells[start : start + COLUMNS])


def _cell(face: Pixels, *lines: str) -> Pixels:
    tile = cv2.resize(face, (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR)
    picture = np.repeat(tile[..., None], 3, axis=2)
    cell = np.vstack([picture, *(_text(line, TILE_PX) for line in lines)])
    return np.pad(cell, ((4, 4), (4, 4), (0, 0)), constant_values=255)


def _text(line: str, width: int) -> Pixels:
    label = np.full((LINE_PX, width, 3), 255, np.uint8)
    cv2.putText(label, line, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return label


def _edges(bins: Sequence[Bin]) -> list[float]:
    return [bins[0].low, *(one.high for one in bins)]


def _title(vocabulary: str, n_faces: int) -> str:
    return f"{vocabulary}, {n_faces:,} faces"


def _panels(columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Row by row; the second row, where there is one, is low."""
    figure = blank_figure(PANEL_INCHES * columns, PANEL_INCHES * (0.7 + 0.3 * rows))
    ratios = [3, 1][:rows]
    return figure, list(figure.subplots(rows, columns, squeeze=False, height_ratios=ratios).ravel())
