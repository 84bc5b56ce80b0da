"""`mien evaluate sequence`: labelled face sequences, a sequence model against the frame model's baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.cli.report import plain_table, share, write_json
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.dataset.sequences.crops import FaceCutter
from mien.dataset.sequences.read import LAYOUTS, read_sequences
from mien.dataset.sequences.seen import MIRROR, PLAIN, Eye, see_sequences
from mien.dataset.sequences.sequence import SequenceSet
from mien.errors import SettingsError
from mien.evaluate.classification import Estimate
from mien.evaluate.plots import blank_figure
from mien.evaluate.sequence import Fit, SequenceMethod, SequenceReport, SequenceTask, evaluate_sequences
from mien.evaluate.sequence_folds import OFFICIAL, Fold, official_folds, subject_folds
from mien.evaluate.sequence_network import Beginning, NetworkFit
from mien.evaluate.sequence_plots import draw_sequences
from mien.expression.model_file import open_expression
from mien.settings import load_settings
from mien.train.backend import prepare_keras
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.recipe import read_sequence_recipe

SCHEMA = "mien.sequence-evaluation/1"
LayoutChoice = StrEnum("LayoutChoice", {name: name for name in LAYOUTS})  # type: ignore[misc]
MOST_VIEWS = 32


def sequence(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Labelled sequences, in a layout that mien reads.")],
    folds: Annotated[
        str, typer.Option(metavar="N|official", help="Folds of subjects, or the set's own folds or split.")
    ] = "10",
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE|DIR",
            help="Train a sequence model by this recipe in each fold; of a run: from its weights. Can be repeated.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The frame model: a card's name, or FILE.onnx with its card.")
    ] = "expression",
    layout: Annotated[LayoutChoice | None, typer.Option(help="How the set lies there, if not guessed.")] = None,
    views: Annotated[
        int, typer.Option(help="Ways in which a training sequence is seen: as it is, mirrored, turned.", min=1)
    ] = 2,
    seeds: Annotated[int, typer.Option(help="Networks a recipe and fold, whose answers are averaged.", min=1)] = 1,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=1)] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write confusion.png here.")] = None,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep features here, for the next run.")] = None,
) -> None:
    """Accuracy of sequence models on people they have not seen, beside what the frame model alone achieves.

    The frame model says its word by the last frame, the mean of all frames and exponential smoothing: as it is, and
    with a head fitted in the same folds as the sequence model.
    """
    if out:
        blank_figure()  # what is missing should be said before the work, not after
    sequences = read_sequences(data, layout.value if layout else None)
    chosen = _folds(sequences, folds)
    settings = load_settings()
    frame = open_expression(model, settings, progress=reporter())
    training = TrainingChoice(seeds, epochs, frame.card.id, sequences.classes)
    fits = _fits(recipe or [], training)
    reader = FeatureReader(frame, settings)
    eye = Eye(FaceCutter(frame, settings), reader, reader.model, cache)
    with counter(len(sequences.sequences), Console(stderr=True)) as bar:
        seen = see_sequences(sequences.sequences, eye, view_names(views), bar.step)
    task = SequenceTask(sequences, seen, chosen, reader.model, reader.temperature)
    protocol = "the set's own split" if folds == OFFICIAL else "subjects sorted by id, every n-th in the same fold"
    with counter(len(chosen) * len(fits), Console(stderr=True)) as bar:
        report = evaluate_sequences(task, fits, protocol, bar.step)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        draw_sequences(report, out / "confusion.png")
    if write_json({"schema": SCHEMA} | report.to_dict(), json_to):
        _print(report, stdout_console())


@dataclass(frozen=True, slots=True)
class TrainingChoice:
    """What the networks of all recipes share. epochs: instead of the recipes'. classes: of the set."""

    seeds: int
    epochs: int | None
    frame_model: str
    classes: tuple[str, ...]


def view_names(views: int) -> tuple[str, ...]:
    """Plain, mirrored, then as many turned ones as are left. Raises SettingsError where that is too many."""
    if views > MOST_VIEWS:
        raise SettingsError(f"{views} views of a sequence.", f"Ask for {MOST_VIEWS} or fewer.")
    return (PLAIN, MIRROR, *(f"turned-{number}" for number in range(1, views - 1)))[:views]


def _fits(recipes: list[str], choice: TrainingChoice) -> dict[str, Fit]:
    if recipes:
        prepare_keras()
    fits: dict[str, Fit] = {}
    for name in recipes:
        fit = _from_run(Path(name), choice) if Path(name).is_dir() else NetworkFit(read_sequence_recipe(name))
        recipe = fit.recipe
        if choice.epochs:
            recipe = replace(recipe, fit=replace(recipe.fit, epochs=choice.epochs))
        title = f"{recipe.name}, from its weights" if fit.start else recipe.name
        fits[title] = replace(fit, recipe=recipe, seeds=choice.seeds)
    return fits


def _from_run(folder: Path, choice: TrainingChoice) -> NetworkFit:
    from mien.train.sequence.run import read_sequence_run

    recipe = read_sequence_run(folder)[1].trained_by
    return NetworkFit(recipe, start=Beginning.of(folder, choice.frame_model, choice.classes))


def _folds(sequences: SequenceSet, folds: str) -> tuple[Fold, ...]:
    if folds == OFFICIAL:
        return official_folds(sequences)
    if not (folds.isascii() and folds.isdigit()):
        raise SettingsError(f"--folds is {folds!r}.", f"Say a number, or `{OFFICIAL}`.")
    return subject_folds(sequences, int(folds))


def _print(report: SequenceReport, console: Console) -> None:
    people = "nobody named" if report.n_subjects is None else f"{report.n_subjects:,} subjects"
    console.print(f"model  {report.frame_model}", markup=False)
    console.print(
        f"data   {report.data} ({report.layout}): {report.n_sequences:,} sequences, {people}, {report.n_folds} fold"
        f"{'s' * (report.n_folds != 1)}, {report.protocol}; SHA-256 {report.sha256[:12]}",
        markup=False,
    )
    console.print(f"95 % intervals draw {report.interval_over}\n")
    console.print(_methods(report))
    for method in report.methods:
        if not method.baseline or f"{method.kind}: {method.way}" == report.best_baseline:
            console.print(f"\n{method.kind}: {method.way}", style="bold", markup=False)
            console.print(_classes(method))
    if report.n_without_face:
        warn(f"no face was found in {report.n_without_face:,} sequences: they count as wrong")


def _methods(report: SequenceReport) -> Table:
    table = plain_table("weights", "word of a sequence", "accuracy (95 %)", "macro F1 (95 %)", "over the best baseline")
    for one in report.methods:
        table.add_row(one.kind, one.way, share(one.accuracy), share(one.macro_f1), _points(one.gain))
    return table


def _classes(method: SequenceMethod) -> Table:
    table = plain_table("class", "sequences", "said", "recall (95 %)", "precision (95 %)", "most often taken for")
    for one in method.by_class:
        if one.n or one.n_said:
            table.add_row(
                one.name, f"{one.n:,}", f"{one.n_said:,}", share(one.recall), share(one.precision), one.taken_for
            )
    return table


def _points(gain: Estimate | None) -> str:
    return "" if gain is None else f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
