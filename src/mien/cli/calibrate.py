"""`mien calibrate`: what a score is worth, counted on the user's own people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.analyze import Analyzer
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.decide.calibration import Calibration, calibrations_dir, file_name
from mien.errors import DataError
from mien.evaluate.calibrating import REFERENCE_FMRS, calibrate, grouped, with_groups, with_misses, worst_of
from mien.evaluate.people import Labels, PeoplePhotos, folder_of_people, folder_of_strangers
from mien.evaluate.repeats import join_repeats
from mien.evaluate.templates import Templates, embed_photos
from mien.settings import load_settings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(name="calibrate")
def command(
    sources: Annotated[
        list[Path], typer.Argument(metavar="PEOPLE [CALIBRATION]...", help="One folder a person; what it joins.")
    ],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write; else where mien finds it.")] = None,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    about: Annotated[str | None, typer.Option(metavar="TEXT", help="What these photos are; else the folder.")] = None,
    strangers: Annotated[
        bool, typer.Option("--strangers", help="No folders: each photo shows another person.")
    ] = False,
    same_from: Annotated[
        float | None, typer.Option(metavar="SCORE", help="Join people whose photos score so high: they are one.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Columns: file, and those of the next two.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Also report rates by this label.")] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Leave out photos with this label.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="For embeddings made with --fast.")] = False,
) -> None:
    """Build a calibration, score to false match rate, from photos whose people are known.

    `mien compare` then uses it for this embedder. Refused below 50 people; indicative only below 246. With calibrations
    after the folder, the worst of all counts at each score.
    """
    people, *others = sources
    table = Labels.read(labels) if labels else None
    settings = load_settings()
    photos = folder_of_strangers(people) if strangers else folder_of_people(people)
    templates = _embed(Analyzer(["embed"], settings, embedder=embedder, fast=fast, progress=reporter()), photos)
    outside = {what: templates.named(_labels(table, "--leave-out").marked(what)) for what in leave_out or []}
    inside, notes = templates.without(outside.values()), []
    named, source = inside, about or people.resolve().name
    if same_from is not None:
        inside, joined = join_repeats(inside, same_from)
        notes.append(f"{source}: {joined}")
    calibration = calibrate(inside, source, tuple(notes))
    if others:
        calibration = worst_of([*map(Calibration.load, others), calibration])
    # Pairs that were joined for their high score would be misses that cannot be: only people known by name count.
    calibration = with_misses(calibration, named)
    groups = _labels(table, "--group").of(*group) if group else {}
    members = grouped(inside, [groups[path.name] for path in inside.paths]) if groups else {}
    calibration = with_groups(calibration, members, outside)
    target = out or calibrations_dir(settings) / file_name(calibration.model)
    calibration.save(target)
    _print(calibration, target, stdout_console())


def _embed(analyzer: Analyzer, photos: PeoplePhotos) -> Templates:
    with counter(len(photos.paths), Console(stderr=True)) as bar:
        templates = embed_photos(analyzer, photos, lambda done, total: bar.step())
    for missing in templates.missing:
        warn(f"not embedded: {missing.path}: {missing.reason}")
    return templates


def _labels(labels: Labels | None, option: str) -> Labels:
    if labels is None:
        raise DataError(f"{option} needs --labels.", "Give the CSV that holds the labels.")
    return labels


def _print(calibration: Calibration, target: Path, console: Console) -> None:
    console.print(f"{calibration.id} for {calibration.model}. {calibration.based_on}.")
    console.print(_rates(calibration))
    if calibration.tail:
        tail = calibration.tail
        console.print(
            f"tail: generalised Pareto over {tail.from_score:.3f}, shape {tail.shape:.3f} ({tail.shape_low:.3f} to"
            f" {tail.shape_high:.3f}), {tail.n_exceedances:,} pairs, Kolmogorov-Smirnov distance {tail.ks_distance:.3f}"
        )
    if calibration.tail and calibration.tail.held_out:
        ratios = sorted(counted / asked for asked, counted in calibration.tail.held_out)
        console.print(
            f"extrapolated by one decade from a tenth of the people, counted on the others: {ratios[0]:.2f} to"
            f" {ratios[-1]:.2f} times what was asked, median {ratios[len(ratios) // 2]:.2f}"
        )
    for line in _skews(calibration):
        console.print(line)
    for note in calibration.notes:
        console.print(f"note: {note}")
    if calibration.indicative:
        console.print("indicative only: 246 people support a rate of 1e-4 if no error is seen, 776 let it be counted")
    console.print(f"written to {target}")


def _rates(calibration: Calibration) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for column in ("FMR asked", "threshold", "FMR there (95 %, people resampled)", "FNMR there (95 %)"):
        table.add_column(column)
    misses = {miss.at_fmr: miss.fnmr for miss in calibration.misses}
    for fmr in REFERENCE_FMRS:
        if fmr < calibration.smallest_fmr:
            table.add_row(f"{fmr:.0e}", "not supported", "", "")
            continue
        threshold = calibration.threshold(fmr)
        miss = f"{misses[fmr]}" if fmr in misses else "-"
        table.add_row(f"{fmr:.0e}", f"{threshold:.3f}", f"{calibration.fmr(threshold)}", miss)
    return table


def _skews(calibration: Calibration) -> Iterator[str]:
    """Worst over best group at each rate; a group without an error counts at the upper end of its interval."""
    for asked in sorted({rate.asked_fmr for rate in calibration.groups}, reverse=True):
        rates = [one for one in calibration.groups if one.asked_fmr == asked]
        rates.sort(key=lambda one: -one.fmr.value)
        within = [one for one in rates if one.within]
        if len(within) > 1:
            best, worst = within[-1].fmr, within[0].fmr
            ratio = worst.value / (best.value or best.high)
            yield f"groups at {rates[0].threshold:.3f}, where the whole has {asked:.0e}: worst over best {ratio:.1f}"
        yield from (f"  {one.group}{'' if one.within else ' (left out)'}: {one.fmr}" for one in rates)
