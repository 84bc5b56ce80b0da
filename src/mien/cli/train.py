"""`mien train`: build models again, or others, on the user's own copy of the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mien.cli.epoch_table import EpochTable
from mien.cli.report import plain_table
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.train_sequence import export as export_sequence
from mien.cli.train_sequence import make, sequence, sequence_recipes
from mien.cli.weights import CommercialChoice
from mien.dataset.read import read_faces
from mien.errors import SettingsError
from mien.settings import load_settings
from mien.train.backend import prepare_keras
from mien.train.recipe import Recipe, read_recipe, shipped_recipes

if TYPE_CHECKING:
    from mien.dataset.faces import FaceSet
    from mien.train.prior import Prior

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
FACE_SIZE = 48


@app.callback()
def train() -> None:
    """Train models with Keras, on TensorFlow, JAX or PyTorch, and export them. Needs the extra `train`."""


app.command("make-sequences")(make)
app.command("sequence")(sequence)
app.command("export-sequence")(export_sequence)
app.command("sequence-recipes")(sequence_recipes)


@app.command()
def recipes() -> None:
    """List the recipes that come with mien."""
    table = plain_table("recipe", "model", "px", "epochs", "about")
    for name in shipped_recipes():
        item = read_recipe(name)
        table.add_row(name, item.model.kind, str(item.model.input_size), str(item.fit.epochs), item.about)
    stdout_console().print(table)


@app.command()
def expression(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Labelled faces: FER2013 and others, see docs/train.md.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run's folder; a run that was stopped goes on in it.")],
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="As listed, or a TOML file.")] = "seed-cnn",
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on from the weights of this finished run.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Learn what this expression model says as well.")
    ] = None,
    unlabelled: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos without labels, whose faces the teacher names.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=0, max=2**32 - 1)] = None,
) -> None:
    """Train an expression model on the split train, validated on the split valid.

    Stop it at any time and give the same command again: it goes on from the last whole epoch, on the same curve.
    """
    chosen = _changed(read_recipe(recipe), epochs, seed)
    if unlabelled and not teacher:
        raise SettingsError("Faces without labels need somebody who names them.", "Give --teacher too.")
    prepare_keras()
    from mien.train.prior import Prior
    from mien.train.run import train_expression

    prior = Prior(load_settings(), start, teacher)
    size = min(chosen.model.input_size, FACE_SIZE)
    train, valid = read_faces(data, "train", size), read_faces(data, "valid", size)
    if unlabelled:
        train = _extended(train, unlabelled, prior)
    if teacher:
        warn(f"Asking {teacher} about {len(train.faces):,} faces.")
    try:
        with EpochTable(chosen.fit.epochs) as watch:
            result = train_expression(train, valid, chosen, out, prior, watch)
    except KeyboardInterrupt:
        warn(f"Stopped. The same command goes on after the last whole epoch, which is in {out}.")
        raise
    for head, share in result.accuracy.items():
        print(f"{result.vocabularies[head]}: {share:.2%} of the validation faces")
    print(f"`mien train export {out} --data {data} --to FILE.onnx` makes it a model that mien serves.")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    to: Annotated[Path, typer.Option(metavar="FILE.onnx", help="The card is written beside it, as FILE.json.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="The data: the export is checked on validation faces.")],
    name: Annotated[str | None, typer.Option(help="The card's name; the file's where left out.")] = None,
    license_: Annotated[str, typer.Option("--license", help="Of the weights, for the card.")] = "not stated",
    commercial: Annotated[CommercialChoice, typer.Option(help="May they be used commercially?")] = (
        CommercialChoice.UNCLEAR
    ),
    training_data: Annotated[str, typer.Option(help="What they were trained on, for the card.")] = "not stated",
) -> None:
    """Write a run's model as ONNX with its card, after Keras and the engine agreed on it to 1e-4. On TensorFlow."""
    if to.suffix != ".onnx":
        raise SettingsError(f"{to} does not end in .onnx.", "Name it so: the card takes its name.")
    prepare_keras("tensorflow")
    from mien.train.export import About, export_expression
    from mien.train.run import face_size_of

    about = About(name or to.stem, license_, commercial.value, training_data)
    faces = read_faces(data, "valid", face_size_of(run))
    card = export_expression(run, to, about, faces, load_settings())
    print(f"{to}: {card.bytes:,} bytes, sha256 {card.sha256}")
    print(f"Measure it: mien evaluate expression --data {data} --split valid --model {to}")
    print(f"Use it: mien weights add {to} --card {to.with_suffix('.json')}")


def _extended(train: FaceSet, folder: Path, prior: Prior) -> FaceSet:
    """The set and the faces of photos that the teacher will name."""
    from mien.train.unlabelled import largest_faces, photos_below, with_unlabelled

    photos, cutter = photos_below(folder), prior.open_teacher()
    assert cutter is not None
    with counter(len(photos), Console(stderr=True)) as bar:
        return with_unlabelled(train, largest_faces(photos, cutter, prior.settings, bar.step))


def _changed(recipe: Recipe, epochs: int | None, seed: int | None) -> Recipe:
    fit = recipe.fit
    changed = replace(fit, epochs=epochs or fit.epochs, seed=fit.seed if seed is None else seed)
    return replace(recipe, fit=changed)
