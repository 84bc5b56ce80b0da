"""A fairness report as a picture and as a table for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.evaluate.classification import Estimate
from mien.evaluate.fairness import Agreement, FairnessReport, Group, Grouping
from mien.evaluate.plots import blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR_INCHES: Final = 0.28
PANELS: Final = ("class", "unsure", "distance to the mean of the groups", "named otherwise")
WIDTHS: Final = (3, 1, 1, 1.4)


def draw_fairness(report: FairnessReport, file: Path) -> None:
    """Bars with 95 % intervals, a row of panels for each grouping. PNG. Raises ExtraMissing.

    From the left: the share of each class, by group; unsure; the distance, above a grey line for the 95 % range of
    chance; the share named otherwise in each comparison.
    """
    heights = [2.2 + BAR_INCHES * len(one.groups) for one in report.groupings]
    figure = blank_figure(22, sum(heights))
    rows = figure.subplots(len(heights), len(PANELS), squeeze=False, height_ratios=heights, width_ratios=WIDTHS)
    for grouping, (classes, unsure, distance, otherwise) in zip(report.groupings, rows, strict=True):
        names = [group.name for group in grouping.groups]
        shares = [[group.distribution[place] for group in grouping.groups] for place in range(len(report.classes))]
        _upright_bars(classes, report.classes, list(zip(*shares, strict=True)), names)
        _bars(unsure, names, [[group.unsure for group in grouping.groups]], [""])
        _distances(distance, grouping)
        flips = [[_rest(one.agreement) for one in column] for column in _columns(grouping)]
        _bars(otherwise, names, flips, [one.name for one in report.comparisons])
        for title, axes in zip(PANELS, (classes, unsure, distance, otherwise), strict=True):
            axes.set_title(f"{title}, by {grouping.name}", fontsize=10)
    figure.savefig(file, dpi=100)


def write_groups(report: FairnessReport, file: Path) -> None:
    """CSV, UTF-8: one row a group, the first all photos; each figure with its interval in three columns.

    Empty cells: there was nothing to count.
    """
    rows = [dict(_cells(report, "", report.all_photos))]
    rows += [dict(_cells(report, one.name, group)) for one in report.groupings for group in one.groups]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, columns)
        table.writeheader()
        table.writerows(rows)


def _cells(report: FairnessReport, grouping: str, group: Group) -> Iterator[tuple[str, str]]:
    yield "grouping", grouping
    yield "group", group.name
    yield "n_photos", str(group.n_photos)
    yield "n_faces", str(group.n_faces)
    yield from _three("not_found", group.not_found)
    for name, one in zip(report.classes, group.distribution, strict=True):
        yield from _three(name, one)
    yield from _three("confidence", group.confidence)
    yield from _three("unsure", group.unsure)
    for agreement in group.agreements:
        name = agreement.comparison.replace(" ", "_")
        yield from _three(f"{name}_agreement", agreement.agreement)
        yield from _three(f"{name}_kappa", agreement.kappa)
    if group.distance:
        yield from _three("distance", group.distance.distance)
        yield from _three("distance_by_chance", group.distance.chance)
        yield "distance_p_value", _number(group.distance.p_value)


def _three(name: str, one: Estimate) -> Iterator[tuple[str, str]]:
    for suffix, value in (("", one.value), ("_low", one.low), ("_high", one.high)):
        yield f"{name}{suffix}", _number(value)


def _number(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def _columns(grouping: Grouping) -> list[list[Agreement]]:
    """By comparison, then by group."""
    return [list(column) for column in zip(*(group.agreements for group in grouping.groups), strict=True)]


def _rest(one: Estimate) -> Estimate:
    return Estimate(1 - one.value, 1 - one.high, 1 - one.low)


def _distances(axes: Axes, grouping: Grouping) -> None:
    held = [(group.name, group.distance) for group in grouping.groups if group.distance]
    _bars(axes, [name for name, _ in held], [[one.distance for _, one in held]], [""])
    for place, (_, one) in enumerate(held):
        axes.plot(
            [one.chance.low, one.chance.high], [place + 0.45] * 2, color="0.6", linewidth=3, solid_capstyle="butt"
        )
    axes.autoscale(axis="x")
    axes.set_xlim(left=0)


def _bars(axes: Axes, names: Sequence[str], series: Sequence[Sequence[Estimate]], labels: Sequence[str]) -> None:
    """Lying bars, the first group on top."""
    thick = 0.8 / len(series)
    for number, (values, label) in enumerate(zip(series, labels, strict=True)):
        places = np.arange(len(names)) - 0.4 + thick * (number + 0.5)
        axes.barh(places, _values(values), thick, xerr=_reach(values), color=f"C{number}", label=label, ecolor="black")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    if any(labels):
        axes.legend(fontsize=8)


def _upright_bars(
    axes: Axes, names: Sequence[str], series: Sequence[Sequence[Estimate]], labels: Sequence[str]
) -> None:
    """Standing bars in bundles, one bundle a name, one colour a label."""
    from matplotlib import colormaps

    thick = 0.85 / len(series)
    for number, (values, label) in enumerate(zip(series, labels, strict=True)):
        places = np.arange(len(names)) - 0.425 + thick * (number + 0.5)
        colour = colormaps["viridis"](number / max(1, len(series) - 1))
        lines = {"ecolor": "black", "elinewidth": 0.6}
        axes.bar(places, _values(values), thick, yerr=_reach(values), color=colour, label=label, error_kw=lines)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, ncols=2)


def _values(values: Sequence[Estimate]) -> list[float]:
    return [one.value for one in values]


def _reach(values: Sequence[Estimate]) -> list[list[float]]:
    """How far each interval reaches below and above."""
    return [[max(0.0, one.value - one.low) for one in values], [max(0.0, one.high - one.value) for one in values]]
