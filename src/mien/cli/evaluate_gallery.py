"""`mien evaluate identification` and `mien evaluate clustering`: a gallery's answers, measured by protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.analyze import Analyzer
from mien.cli.report import plain_table, write_json
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.cluster.people import DEFAULT_FMR
from mien.decide.calibration import Calibration, ErrorRate
from mien.errors import CalibrationError, DataError, SettingsError
from mien.evaluate.clustering import ClusteringReport, evaluate_clustering
from mien.evaluate.identification import AtSize, IdentificationReport, OpenSetProtocol, evaluate_identification
from mien.evaluate.pairs import read_pairs
from mien.evaluate.people import PeoplePhotos, folder_of_people, folder_of_strangers
from mien.evaluate.templates import Templates, embed_photos
from mien.gallery.identify import DEFAULT_FPIR
from mien.settings import load_settings

IDENTIFICATION_SCHEMA = "mien.identification-evaluation/1"
CLUSTERING_SCHEMA = "mien.clustering-evaluation/1"


def identification(
    people: Annotated[Path, typer.Option(metavar="DIR", help="One folder a person: some are enrolled.")],
    strangers: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Photos of people who are never enrolled; may be repeated.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="N,N...", help="How many people are enrolled.")] = "100,1000",
    fpir: Annotated[float, typer.Option(help="The false positive identification rate asked for.")] = DEFAULT_FPIR,
    repeat: Annotated[int, typer.Option(min=1, help="Galleries that are drawn at each size.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws other people.")] = 1,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="As `mien analyze --fast`.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
) -> None:
    """Open-set identification: who of the enrolled is missed, and which stranger is called somebody?

    One photo of each person is enrolled, people with several photos first; their other photos are searched for, and so
    are the people who were not enrolled and --strangers. A photo without a face is a miss; of strangers it is in no
    rate. With several faces, the subject is the one that is large and near the centre.
    """
    protocol = OpenSetProtocol(_sizes(size), fpir, repeat, seed)
    sources = [folder_of_people(people), *map(folder_of_strangers, strangers or [])]
    analyzer, calibration = _opened(embedder, fast, threads)
    known, *others = _embedded(analyzer, sources)
    named = {str(path): some for path, some in zip(strangers or [], others, strict=True)}
    report = evaluate_identification(known, named, calibration, protocol)
    if write_json({"schema": IDENTIFICATION_SCHEMA} | report.to_dict(), json_to):
        _print_identification(report, stdout_console())


def clustering(
    people: Annotated[Path, typer.Option(metavar="DIR", help="One folder a person.")],
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only the people whom this pairs file names.")
    ] = None,
    fmr: Annotated[float, typer.Option(help="The false match rate whose score joins two groups.")] = DEFAULT_FMR,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="As `mien analyze --fast`.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
) -> None:
    """Group the photos of people without their names, and compare the groups with the people.

    A photo without a face counts as a group of its own. With several faces, the subject is the one that is large and
    near the centre.
    """
    photos = folder_of_people(people)
    if pairs:
        photos = _only_named(photos, people, pairs)
    analyzer, calibration = _opened(embedder, fast, threads)
    calibration.threshold(fmr)  # an unsupported rate should be said before the work, not after
    (known,) = _embedded(analyzer, [photos])
    report = evaluate_clustering(known, calibration, fmr)
    if write_json({"schema": CLUSTERING_SCHEMA} | report.to_dict(), json_to):
        _print_clustering(report, stdout_console())


def _sizes(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise SettingsError(f"--size {text} is no list of numbers of people.", "Write --size 100,1000.")
    return tuple(dict.fromkeys(map(int, parts)))


def _only_named(photos: PeoplePhotos, root: Path, pairs: Path) -> PeoplePhotos:
    names = {path.parent.name for pair in read_pairs(pairs, root).pairs for path in (pair.first, pair.second)}
    kept = [(path, person) for path, person in zip(photos.paths, photos.people, strict=True) if person in names]
    if not kept:
        raise DataError(f"{pairs} names nobody in {root}.", "Give the pairs file of these photos.")
    return PeoplePhotos(tuple(path for path, _ in kept), tuple(person for _, person in kept))


def _opened(embedder: str, fast: bool, threads: int | None) -> tuple[Analyzer, Calibration]:
    settings = load_settings(threads=threads)
    analyzer = Analyzer(["embed"], settings, embedder=embedder, fast=fast, progress=reporter())
    assert analyzer.embedding_model is not None
    calibration = Calibration.for_model(analyzer.embedding_model, settings)
    if calibration is None:
        raise CalibrationError(f"No calibration is for {analyzer.embedding_model}.", "Build one with `mien calibrate`.")
    return analyzer, calibration


def _embedded(analyzer: Analyzer, sources: list[PeoplePhotos]) -> Iterator[Templates]:
    with counter(sum(len(one.paths) for one in sources), Console(stderr=True)) as bar:
        for photos in sources:
            templates = embed_photos(analyzer, photos, lambda done, total: bar.step())
            for missing in templates.missing:
                warn(f"not embedded: {missing.path}: {missing.reason}")
            yield templates


def _print_identification(report: IdentificationReport, console: Console) -> None:
    console.print(f"model      {report.model}", markup=False)
    console.print(f"rates      {report.based_on}", markup=False)
    console.print(
        f"photos     {report.n_photos:,} of {report.n_people:,} people, {report.n_no_face:,} of them without a face;"
        f" {report.n_not_enrolled:,} people have no photo to enrol"
    )
    console.print(_missed(report))
    console.print()
    console.print(_strangers(report))


def _missed(report: IdentificationReport) -> Table:
    columns = ("people", "galleries", "threshold", "searches", "FNIR (95 %, people resampled)", "rank-1 errors (95 %)")
    table = plain_table(*columns, "no face", "other closer", "below", "too close")
    for one in report.sizes:
        misses = one.misses
        counts = (misses.no_face, misses.other_closer, misses.below, misses.too_close)
        cells = (str(len(one.galleries)), _thresholds(one), f"{one.n_probes:,}", _percent(one.fnir))
        table.add_row(f"{one.n_people:,}", *cells, _percent(one.rank_1_errors), *(f"{count:,}" for count in counts))
    return table


def _strangers(report: IdentificationReport) -> Table:
    columns = ("people", "strangers", "searches", "FPIR asked", "FPIR (95 %, people resampled)", "holds")
    table = plain_table(*columns)
    for one in report.sizes:
        for some in one.strangers:
            cells = (f"{one.n_people:,}", some.source, f"{some.n_searches:,}", f"{report.asked_fpir:.2%}")
            table.add_row(*cells, _percent(some.fpir), "yes" if some.holds else "no")
    return table


def _thresholds(one: AtSize) -> str:
    values = sorted(gallery.threshold for gallery in one.galleries)
    return f"{values[0]:.3f}" + (f" to {values[-1]:.3f}" if len(values) > 1 else "")


def _percent(rate: ErrorRate) -> str:
    return f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _print_clustering(report: ClusteringReport, console: Console) -> None:
    figures = report.figures
    console.print(f"model   {report.model}, groups joined from a mean cosine of {report.threshold:.3f}", markup=False)
    console.print(
        f"photos  {figures.n_faces:,} with a face of {figures.n_people:,} people, {report.n_no_face:,} without;"
        f" {figures.n_groups:,} groups"
    )
    table = plain_table("", "precision", "recall", "F")
    for name, one, f in (("pairs", figures.pairs, report.pairs_f), ("BCubed", figures.bcubed, report.bcubed_f)):
        table.add_row(name, f"{one.precision:.2%}", f"{one.recall:.2%}", f"{f:.2%}")
    console.print(table)
