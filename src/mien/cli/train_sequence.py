"""`mien train sequence` and what belongs to it: sequences from stills, training, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mien.cli.epoch_table import EpochTable
from mien.cli.report import plain_table
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import CommercialChoice
from mien.errors import SettingsError
from mien.expression.model_file import open_expression
from mien.settings import Settings, load_settings
from mien.train.backend import prepare_keras
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.make import MakeOrder, make_sequences
from mien.train.sequence.recipe import SequenceRecipe, read_sequence_recipe, shipped_sequence_recipes
from mien.train.sequence.scene import MakePolicy
from mien.train.sequence.sheet import write_sheets
from mien.train.sequence.stills import Stills, name_stills, read_stills

if TYPE_CHECKING:
    from mien.expression.frame import FrameExpression

ModelOption = Annotated[str, typer.Option(metavar="NAME|FILE", help="The frame model whose features are taken.")]
Folders = Annotated[
    list[Path], typer.Option(metavar="DIR", help="Made or labelled sequences, see docs/sequence.md; can be repeated.")
]


def sequence_recipes() -> None:
    """List the recipes of sequence models that come with mien."""
    table = plain_table("recipe", "cells", "reads", "epochs", "about")
    for name in shipped_sequence_recipes():
        item = read_sequence_recipe(name)
        cells = f"{item.model.layers} x {item.model.units} {item.model.cell}"
        table.add_row(name, cells, item.model.direction, str(item.fit.epochs), item.about)
    stdout_console().print(table)


def make(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to; a call that was stopped goes on in it.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Labelled faces, as for `mien train expression`.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of --data: train, valid or test.")] = "train",
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead: photos whose largest faces the frame model names.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many sequences.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")] = 0,
    strongest: Annotated[float, typer.Option(min=0, max=1, help="How bad it gets, 0 to 1.")] = 1.0,
    sure: Annotated[bool, typer.Option("--sure", help="Only faces on which most taggers agree.")] = False,
    model: ModelOption = "expression",
    fast: Annotated[bool, typer.Option("--fast", help="8-bit integers, where the frame model has them.")] = False,
    show: Annotated[int, typer.Option(metavar="N", help="Write the first N as pictures to look at.", min=0)] = 0,
) -> None:
    """Make sequences of faces out of stills: synthetic motion, light and trouble over people's labels.

    What is kept are the frame model's features, not the pictures.
    """
    if (data is None) == (photos is None):
        raise SettingsError("Sequences are made from faces.", "Give either --data or --photos.")
    if split not in ("train", "valid", "test"):
        raise SettingsError(f"There is no split {split!r}.", "Choose train, valid or test.")
    settings = load_settings()
    frame = open_expression(model, settings)
    if data is not None:
        stills = read_stills(data, split, frame.spec.size, sure)  # type: ignore[arg-type]
    else:
        assert photos is not None
        stills = _named(photos, frame, settings)
    order = MakeOrder(count, seed, MakePolicy(strongest=strongest))
    for file in write_sheets(stills, order, out / "show", show) if show else []:
        print(file)
    with counter(count, Console(stderr=True)) as bar:
        manifest = make_sequences(stills, FeatureReader(frame, settings, fast), order, out, bar.step)
    print(f"{out}: {count:,} sequences of {len(stills.faces):,} faces, seen by {manifest['model']}")


def sequence(
    data: Folders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run's folder; a run that was stopped goes on in it.")],
    valid: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="To validate with; else a tenth of the subjects.")
    ] = None,
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="As listed by `sequence-recipes`.")] = "live",
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on from the weights of this finished run.")
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Learn from what this finished run says, too; of several, from their mean."),
    ] = None,
    model: ModelOption = "expression",
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the features of labelled sets here.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=0, max=2**32 - 1)] = None,
) -> None:
    """Train a sequence model on what the frame model sees.

    Stop it at any time and give the same command again: it goes on from the last whole epoch, on the same curve.
    """
    chosen = _changed(read_sequence_recipe(recipe), epochs, seed)
    prepare_keras()
    from mien.train.sequence.gather import Gatherer
    from mien.train.sequence.run import read_sequence_run, train_sequence
    from mien.train.sequence.teach import taught

    settings = load_settings()
    given, origin = Gatherer(open_expression(model, settings), settings, cache or out / "seen").gather(
        data, valid or []
    )
    if start:
        origin = replace(origin, start=read_sequence_run(start)[0])
    if teacher:
        given = taught(given, [read_sequence_run(folder)[0] for folder in teacher], chosen.teacher)
    warn(f"{len(given.train):,} sequences to train on, {len(given.valid):,} to validate with.")
    try:
        with EpochTable(chosen.fit.epochs) as watch:
            result = train_sequence(given, origin, chosen, out, watch)
    except KeyboardInterrupt:
        warn(f"Stopped. The same command goes on after the last whole epoch, which is in {out}.")
        raise
    for head, share in result.accuracy.items():
        error = f", calibration error {result.ece[head]:.3f}" if head in result.ece else ""
        print(f"{head}: {share:.2%} of the validation sequences' {'moments' if head == 'moment' else 'wholes'}{error}")
    print(f"`mien train export-sequence {out} --data DIR --to FILE.onnx` makes it a model that mien serves.")


def export(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    to: Annotated[Path, typer.Option(metavar="FILE.onnx", help="The card is written beside it, as FILE.json.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Made sequences: the export is checked on fifty of them.")],
    whole: Annotated[bool, typer.Option("--whole", help="Read whole sequences, not frame by frame.")] = False,
    files: Annotated[
        str | None, typer.Option(metavar="NAME", help="The card that reads whole sequences, beside this one.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The card's name; the file's where left out.")] = None,
    license_: Annotated[str, typer.Option("--license", help="Of the weights, for the card.")] = "not stated",
    commercial: Annotated[CommercialChoice, typer.Option(help="May they be used commercially?")] = (
        CommercialChoice.UNCLEAR
    ),
    training_data: Annotated[str, typer.Option(help="What they were trained on, for the card.")] = "not stated",
) -> None:
    """Write a sequence model as ONNX with its card, after Keras and the engine agreed on it to 1e-4."""
    if to.suffix != ".onnx":
        raise SettingsError(f"{to} does not end in .onnx.", "Name it so: the card takes its name.")
    prepare_keras()
    from mien.train.export import About
    from mien.train.sequence.export import SequenceForm, export_sequence
    from mien.train.sequence.shards import read_made

    about = About(name or to.stem, license_, commercial.value, training_data)
    card = export_sequence(run, to, about, SequenceForm(whole, files), read_made(data), load_settings())
    print(f"{to}: {card.bytes:,} bytes, sha256 {card.sha256}")
    print(f"Use it: mien weights add {to} --card {to.with_suffix('.json')}")


def _named(photos: Path, frame: FrameExpression, settings: Settings) -> Stills:
    from mien.train.unlabelled import photos_below

    with counter(len(photos_below(photos)), Console(stderr=True)) as bar:
        return name_stills(photos, frame, settings, bar.step)


def _changed(recipe: SequenceRecipe, epochs: int | None, seed: int | None) -> SequenceRecipe:
    fit = recipe.fit
    return replace(recipe, fit=replace(fit, epochs=epochs or fit.epochs, seed=fit.seed if seed is None else seed))
