"""`mien evaluate`: the field's protocols on the user's own copy of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.analyze import Analyzer, Stage
from mien.cli.evaluate_expression import expression
from mien.cli.evaluate_fairness import fairness
from mien.cli.evaluate_gallery import clustering, identification
from mien.cli.evaluate_sequence import sequence
from mien.cli.report import plain_table, write_json
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.evaluate.pairs import read_pairs
from mien.evaluate.plots import draw_det, draw_histogram, draw_misjudged
from mien.evaluate.scores import count_scores
from mien.evaluate.templates import embed_photos
from mien.evaluate.verification import Verification, photos_to_judge, verify
from mien.settings import load_settings

SCHEMA = "mien.verification/1"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def evaluate() -> None:
    """Measure accuracy by the field's protocols."""


app.command("expression")(expression)
app.command("fairness")(fairness)
app.command("identification")(identification)
app.command("clustering")(clustering)
app.command("sequence")(sequence)


@app.command()
def verification(
    images: Annotated[Path, typer.Option(metavar="DIR", help="One folder a person: NAME/NAME_0001.jpg.")],
    pairs: Annotated[Path, typer.Option(metavar="FILE", help="LFW's pairs file, or lines of `path path 0|1`.")],
    fit: Annotated[Path | None, typer.Option(metavar="FILE", help="Other pairs to fit the threshold on.")] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write det, scores and misjudged .png here.")] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Also without the worst tenth by quality.")] = False,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="As `mien analyze --fast`.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
) -> None:
    """Accuracy on a list of pairs, then the misses at fixed false match rates over all pairs of the photos.

    The threshold is fitted on --fit, else on the other folds of the list, else on the pairs themselves (which flatters,
    and is said). A photo without a face makes its pairs errors. With several faces, the subject is the one that is
    large and near the centre.
    """
    lists = [read_pairs(file, images) for file in (pairs, fit) if file]
    photos = photos_to_judge(images, lists)
    stages: list[Stage] = ["quality", "embed"] if discard else ["embed"]
    settings = load_settings(threads=threads)
    analyzer = Analyzer(stages, settings, embedder=embedder, fast=fast, progress=reporter())
    with counter(len(photos.paths), Console(stderr=True)) as bar:
        templates = embed_photos(analyzer, photos, lambda done, total: bar.step())
    counts = count_scores(templates)
    report = verify(templates, lists[0], lists[1] if fit else None, counts)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        draw_misjudged(report.accuracy.misjudged, out / "misjudged.png")
        draw_det(counts, report.all_pairs, out / "det.png")
        draw_histogram(counts, report.all_pairs, out / "scores.png")
    if write_json({"schema": SCHEMA} | report.to_dict(), json_to):
        _print(report, stdout_console())


def _print(report: Verification, console: Console) -> None:
    accuracy, pairs = report.accuracy, report.all_pairs
    value = accuracy.value
    console.print(f"model      {report.model}")
    console.print(
        f"accuracy   {value.value:.2%} (95 %: {value.low:.2%} to {value.high:.2%}; standard error"
        f" {accuracy.standard_error:.2%}) on {accuracy.n_pairs:,} pairs, threshold"
        f" {sum(accuracy.thresholds) / len(accuracy.thresholds):.3f} fitted on {accuracy.fitted_on}"
    )
    console.print(
        f"errors     {len(accuracy.misjudged)}, of which {accuracy.no_embedding} for want of a face in a photo"
    )
    console.print(
        f"all pairs  {pairs.n_genuine:,} genuine, {pairs.n_impostor:,} impostor, of {pairs.n_images:,} photos of"
        f" {pairs.n_people:,} people; EER {pairs.eer:.2%} at {pairs.eer_threshold:.3f}"
    )
    console.print(_points(report))
    for missing in report.missing:
        warn(f"not embedded: {missing.path}: {missing.reason}")


def _points(report: Verification) -> Table:
    columns = ["FMR", "threshold", "FNMR (95 %, people resampled)", "basis"]
    table = plain_table(*columns + ["FNMR without the worst tenth"] * bool(report.discard))
    for index, point in enumerate(report.all_pairs.points):
        rate = point.fnmr
        cells = [f"{point.fmr:.0e}", f"{point.threshold:.3f}", f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"]
        cells.append("counted" if point.counted else "too few people to know this FMR well")
        if report.discard:
            cells.append(f"{report.discard[index].fnmr_best_nine_tenths:.2%}")
        table.add_row(*cells)
    return table
