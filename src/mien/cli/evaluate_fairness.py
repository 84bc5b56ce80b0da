"""`mien evaluate fairness`: what a model says of groups of people in photos, without ground truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.analyze import Analyzer
from mien.cli.report import or_dash, plain_table, share, write_json
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.dataset.fairface import read_fairface
from mien.evaluate.classification import Estimate
from mien.evaluate.disparity import Distance
from mien.evaluate.fairness import LIMITS, Comparison, FairnessReport, Group, Grouping, Named, evaluate_fairness
from mien.evaluate.fairness_output import draw_fairness, write_groups
from mien.evaluate.fairness_photos import Models, drawn, name_photos, open_models
from mien.evaluate.plots import blank_figure
from mien.settings import load_settings

SCHEMA = "mien.fairness/1"


class FairFaceSplit(StrEnum):
    """The splits that FairFace has."""

    VALID = "valid"
    TRAIN = "train"


def fairness(
    data: Annotated[Path, typer.Option(metavar="DIR", help="FairFace: its tables, with the photos beside them.")],
    split: Annotated[FairFaceSplit, typer.Option(help="Which part of the set.")] = FairFaceSplit.VALID,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="A card's name, or FILE.onnx with its card FILE.json beside it.")
    ] = "expression",
    reference: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="A second model, to see in which group the two disagree.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many photos, drawn at random, always the same.")
    ] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write fairness.png and groups.csv here.")] = None,
) -> None:
    """What an expression model says of FairFace's photos, by race, gender and age as annotators guessed them.

    There is no ground truth: reported are faces not found, what is said, how surely, how far each group is from the
    others and how far chance alone would put it, and how often a face is named otherwise by a second model, in the
    mirror, and shrunk to 24 px.
    """
    if out:
        blank_figure()  # what is missing should be said before the work, not after
    settings = load_settings()
    rows = drawn(read_fairface(data, split.value), limit)
    models = open_models(model, reference, settings, reporter())
    analyzer = Analyzer((), settings, progress=reporter())
    with counter(len(rows), Console(stderr=True)) as bar:
        named, unreadable = name_photos(rows, models, analyzer, bar.step)
    for one in unreadable:
        warn(f"not read: {one.path}: {one.reason}")
    report = _report(named, models, split, settings.min_confidence, len(unreadable))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        draw_fairness(report, out / "fairness.png")
        write_groups(report, out / "groups.csv")
    if write_json({"schema": SCHEMA} | report.to_dict(), json_to):
        _print(report, stdout_console())


def _report(
    named: Named, models: Models, split: FairFaceSplit, min_confidence: float, n_unreadable: int
) -> FairnessReport:
    whole, groupings = evaluate_fairness(named, min_confidence)
    return FairnessReport(
        model=models.model.model,
        split=split.value,
        vocabulary=models.vocabulary,
        classes=named.classes,
        min_confidence=min_confidence,
        n_photos=len(named.rows),
        n_faces=len(named.said),
        n_unreadable=n_unreadable,
        comparisons=tuple(Comparison(one.name, one.about, one.models) for one in named.twice),
        all_photos=whole,
        groupings=groupings,
        limits=LIMITS,
    )


def _print(report: FairnessReport, console: Console) -> None:
    console.print(f"model  {report.model}, {report.vocabulary}", markup=False)
    console.print(f"data   FairFace, {report.split}: {report.n_photos:,} photos, {report.n_faces:,} faces found")
    for one in report.comparisons:
        who = " and ".join(dict.fromkeys(one.models))
        console.print(f"twice  {one.name}: {one.about}, by {who}", markup=False)
    for grouping in report.groupings:
        console.print(f"\nby {grouping.name}", style="bold")
        for table in (
            _figures(grouping, report),
            _distribution(grouping, report),
            _named_otherwise(grouping, report),
            _spreads(grouping),
        ):
            console.print(table)
            console.print()
    console.print("What these figures can and cannot show", style="bold")
    for limit in report.limits:
        console.print(f"- {limit}", markup=False)


def _figures(grouping: Grouping, report: FairnessReport) -> Table:
    unsure = f"unsure, below {report.min_confidence:g}"
    columns = ("photos", "not found (95 %)", "confidence", unsure, "distance (95 %)", "by chance", "p")
    table = plain_table(grouping.name, *columns)
    for group in (report.all_photos, *grouping.groups):
        shares = (share(one) for one in (group.not_found, group.confidence, group.unsure))
        table.add_row(group.name, f"{group.n_photos:,}", *shares, *_distance(group.distance))
    return table


def _distance(one: Distance | None) -> tuple[str, ...]:
    return (share(one.distance), f"up to {one.chance.high:.1%}", f"{one.p_value:.3f}") if one else ()


def _distribution(grouping: Grouping, report: FairnessReport) -> Table:
    table = plain_table("faces named, %", "faces", *report.classes)
    for group in (report.all_photos, *grouping.groups):
        table.add_row(group.name, f"{group.n_faces:,}", *map(_percent, group.distribution))
    return table


def _named_otherwise(grouping: Grouping, report: FairnessReport) -> Table:
    table = plain_table("named otherwise, %")
    for one in report.comparisons:
        table.add_column(one.name)
        table.add_column("kappa (95 %)")
    for group in (report.all_photos, *grouping.groups):
        table.add_row(group.name, *_agreements(group))
    return table


def _agreements(group: Group) -> list[str]:
    cells = []
    for one in group.agreements:
        rest, kappa = one.agreement, one.kappa
        cells.append(_percent(Estimate(1 - rest.value, 1 - rest.high, 1 - rest.low)))
        cells.append(or_dash(f"{kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})"))
    return cells


def _spreads(grouping: Grouping) -> Table:
    table = plain_table("rate", "highest in", "lowest in", "highest / lowest (95 %)", "by chance", "p")
    for one in grouping.spreads:
        ratio, chance = one.ratio, one.chance
        where = (one.highest, one.lowest) if one.highest != one.lowest else ("-", "-")
        within = f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
        table.add_row(one.rate, *where, within, f"up to {chance.high:.2f}", f"{one.p_value:.3f}")
    return table


def _percent(one: Estimate) -> str:
    """Short, for tables of many columns."""
    return or_dash(f"{100 * one.value:.1f} ({100 * one.low:.0f}-{100 * one.high:.0f})")
