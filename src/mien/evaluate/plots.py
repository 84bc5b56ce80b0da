"""Pictures of a verification run: DET curve, score histogram, and the misjudged pairs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from mien.errors import ExtraMissing, ImageError
from mien.evaluate.scores import ScoreCounts, bin_edges
from mien.evaluate.verification import AllPairs, Misjudged
from mien.face import Pixels
from mien.image import open_photo, write_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILE_PX: Final = 112
LABEL_PX: Final = 18
COLUMNS: Final = 4
MOST_PAIRS: Final = 200
HISTOGRAM_BINS: Final = 200


def draw_det(counts: ScoreCounts, points: AllPairs, file: Path) -> None:
    """Detection error trade-off, both axes logarithmic, with the reported points and their intervals. PNG."""
    fmr, fnmr = counts.rates()
    figure, axes = _figure()
    shown = (fmr > 0) & (fnmr > 0)
    axes.step(fmr[shown], fnmr[shown], where="post", color="black", linewidth=1)
    for point in points.points:
        reach = [[max(0.0, point.fnmr.value - point.fnmr.low)], [max(0.0, point.fnmr.high - point.fnmr.value)]]
        axes.errorbar(point.fmr, point.fnmr.value, yerr=reach, fmt="o", capsize=3, color="tab:red")
    axes.set(xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate")
    axes.set_title(f"DET, {points.n_genuine:,} genuine and {points.n_impostor:,} impostor pairs")
    axes.grid(which="both", alpha=0.3)
    figure.savefig(file, dpi=120)


def draw_histogram(counts: ScoreCounts, points: AllPairs, file: Path) -> None:
    """Densities of genuine and impostor scores, with the threshold of each reported rate. PNG."""
    figure, axes = _figure()
    edges = bin_edges().reshape(HISTOGRAM_BINS, -1)[:, 0]
    for name, values in (("different people", counts.impostor), ("same person", counts.genuine)):
        density = values.reshape(HISTOGRAM_BINS, -1).sum(axis=1) / max(1, values.sum()) / (2 / HISTOGRAM_BINS)
        axes.stairs(density, np.append(edges, 1.0), fill=True, alpha=0.5, label=name)
    for point in points.points:
        axes.axvline(point.threshold, color="black", linewidth=0.8)
        axes.annotate(
            f"FMR {point.fmr:.0e}",
            (point.threshold, 0.98),
            xycoords=("data", "axes fraction"),
            rotation=90,
            va="top",
            ha="right",
            fontsize=8,
        )
    axes.set(xlabel="score (cosine)", ylabel="density")
    axes.legend()
    figure.savefig(file, dpi=120)


def draw_misjudged(misjudged: Sequence[Misjudged], file: Path) -> None:
    """A contact sheet of at most 200 pairs: score, threshold, and what they are. Writes nothing where there is none."""
    cells = [_cell(one) for one in misjudged[:MOST_PAIRS]]
    if not cells:
        return
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    write_image(file, np.vstack(rows))


def _cell(one: Misjudged) -> Pixels:
    pictures = np.hstack([_tile(path) for path in (one.pair.first, one.pair.second)])
    label = np.full((LABEL_PX, pictures.shape[1], 3), 255, np.uint8)
    truth = "same" if one.pair.same else "different"
    score = "no face" if np.isnan(one.score) else f"{one.score:.2f} / {one.threshold:.2f}"
    cv2.putText(label, f"{truth} {score}", (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.pad(np.vstack([pictures, label]), ((4, 4), (4, 4), (0, 0)), constant_values=255)


def _tile(path: Path) -> Pixels:
    """The photo, whole, fitted into a square; grey where it cannot be read."""
    square = np.full((TILE_PX, TILE_PX, 3), 128, np.uint8)
    try:
        photo = open_photo(path)
        pixels = photo.pixels(min(1.0, TILE_PX / max(photo.width, photo.height))).pixels
    except ImageError:
        return square
    scale = TILE_PX / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    square[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return square


def blank_figure(width_inches: float = 7, height_inches: float = 5) -> Figure:
    """A figure without a window: no state of pyplot, so that threads do not disturb one another.

    Raises ExtraMissing where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ExtraMissing("Plots need matplotlib.", "Install it with: pip install 'mien[evaluate]'") from error
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def _figure() -> tuple[Figure, Axes]:
    figure = blank_figure()
    return figure, figure.add_subplot()
