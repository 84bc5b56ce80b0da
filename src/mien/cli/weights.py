"""`mien weights`: list, pull, verify, pack, add."""

from __future__ import annotations

import json
import sys
import zipfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from mien.cli.terminal import stdout_console, warn
from mien.errors import WeightsCardInvalid
from mien.settings import Settings, load_settings
from mien.weights.card import Card
from mien.weights.catalog import Catalog, allowed
from mien.weights.fetch import ensure_all
from mien.weights.progress import Progress as Reporter
from mien.weights.progress import megabytes
from mien.weights.store import path_of, state_of

app = typer.Typer(
    help="The model weights: what there is, under which terms, and how it gets onto this machine.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAMES]...", help="Weights by name; all without any.")]


class PolicyChoice(StrEnum):
    """Which licences to show."""

    ANY = "any"
    COMMERCIAL = "commercial"


class CommercialChoice(StrEnum):
    """Whether the terms of the weights allow commercial use."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


class ColorChoice(StrEnum):
    """Order of the channels that a model takes."""

    RGB = "rgb"
    BGR = "bgr"


class PlainReporter:
    """One line on stderr for each thing that happens: for pipes, logs and CI."""

    def begin(self, text: str, total: int | None) -> None:
        """Print the text."""
        self.note(text)

    def advance(self, done: int) -> None:
        """Nothing: a log needs no bar."""

    def end(self) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Print the text."""
        warn(text)


class BarReporter:
    """A progress bar on the terminal, with rate and remaining time; gone when the download is over."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None

    def begin(self, text: str, total: int | None) -> None:
        """Print the text and open a bar."""
        self.note(text)
        columns = (TextColumn("  "), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._bar.add_task("", total=total)
        self._bar.start()

    def advance(self, done: int) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
        self._bar = None

    def note(self, text: str) -> None:
        """Print the text, above the bar where there is one."""
        self._console.print(text, markup=False, highlight=False)


def reporter() -> Reporter:
    """How fetching reports: a bar where stderr is a terminal, plain lines otherwise; stdout stays clean."""
    return BarReporter() if sys.stderr.isatty() else PlainReporter()


@app.command("list")
def list_weights(
    policy: Annotated[PolicyChoice, typer.Option(help="commercial: only what clearly allows commercial use.")] = (
        PolicyChoice.ANY
    ),
    task: Annotated[str | None, typer.Option(help="Only the weights of one task, such as embed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole cards, as one JSON array.")] = False,
) -> None:
    """List the weights with licence, size, training data, and whether they are in the cache."""
    settings = load_settings()
    cards = Catalog.load(settings).cards(task, "commercial" if policy is PolicyChoice.COMMERCIAL else "any")
    if as_json:
        print(json.dumps([_whole(card, settings) for card in cards], indent=1))
    else:
        _print_table(cards, settings)


def _whole(card: Card, settings: Settings) -> dict[str, object]:
    state = {"id": card.id, "state": state_of(card, settings), "path": str(path_of(card, settings))}
    return card.to_dict() | state | {"allowed": allowed(card, settings.policy)}


def _print_table(cards: tuple[Card, ...], settings: Settings) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("name", "task", "size", "licence", "commercial", "state", "title"):
        table.add_column(column, justify="right" if column == "size" else "left", overflow="fold")
    trained: dict[str, list[str]] = {}
    for card in cards:
        state = state_of(card, settings) if allowed(card, settings.policy) else "refused"
        words = (card.name, card.task, megabytes(card.bytes), card.license, card.commercial, state, card.title)
        table.add_row(*map(Text, words))
        if card.task != "sample":
            trained.setdefault(card.training_data, []).append(card.name)
    console = stdout_console()
    console.print(table)
    for data, names in trained.items():
        console.print(f"\n{', '.join(names)}: trained on {data}", markup=False)


@app.command()
def pull(names: Names = None) -> None:
    """Fetch weights into the cache; what is there and right is not fetched again."""
    settings = load_settings()
    catalog = Catalog.load(settings)
    cards = [catalog.card(name) for name in names or ()] or list(catalog.cards(policy=settings.policy))
    for card, path in zip(cards, ensure_all(cards, settings, reporter()), strict=True):
        print(f"{card.name}  {path}")
    refused = len(catalog.by_name) - len(cards)
    if not names and refused:
        warn(f"{refused} left out: the policy {settings.policy} refuses them.")


@app.command()
def verify(names: Names = None) -> None:
    """Hash the cached files again. Exit code 1 where one is missing or wrong."""
    settings = load_settings()
    catalog = Catalog.load(settings)
    cards = [catalog.card(name) for name in names or catalog.by_name]
    states = {card.name: state_of(card, settings) for card in cards}
    for name, state in states.items():
        print(f"{state:8}{name}")
    bad = [name for name, state in states.items() if state != "ready"]
    if bad:
        warn(f"Mend with: mien weights pull {' '.join(bad)}")
        raise typer.Exit(1)


@app.command()
def pack(
    out: Annotated[Path, typer.Option(help="The archive to write, such as faces.mienpack.")],
    names: Names = None,
) -> None:
    """Write weights into one file, for `mien weights add` on a machine without a network."""
    from mien.weights.pack import pack as write_pack
    from mien.weights.store import sha256_of

    cards = write_pack(names or (), out, load_settings(), reporter())
    print(f"{out}: {', '.join(card.name for card in cards)}; {megabytes(out.stat().st_size)}, SHA-256 {sha256_of(out)}")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A pack, or an ONNX file of your own.")],
    card: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Its whole card, as `mien train` writes it.")
    ] = None,
    task: Annotated[str, typer.Option(help="What the model is for: embed; the others need --card.")] = "embed",
    name: Annotated[str, typer.Option(help="What to call it; the file's own name where left out.")] = "",
    license: Annotated[str, typer.Option(help="Licence of the weights, SPDX where there is one. Needed.")] = "",
    commercial: Annotated[CommercialChoice, typer.Option(help="May they be used commercially?")] = (
        CommercialChoice.UNCLEAR
    ),
    training_data: Annotated[str, typer.Option(help="What it was trained on, in plain words.")] = "",
    size: Annotated[int | None, typer.Option(help="Side of the crop in pixels, if the graph leaves it free.")] = None,
    mean: Annotated[float, typer.Option(help="x = (pixel - mean) * scale, pixels 0..255.")] = 127.5,
    scale: Annotated[float, typer.Option(help="See --mean.")] = 1 / 127.5,
    color: Annotated[ColorChoice, typer.Option(help="Order of the channels.")] = ColorChoice.RGB,
) -> None:
    """Install a pack, or add a model of your own as an ONNX file; no network is used.

    With --card, of any task: only --name counts beside it. Without, a face embedder.
    """
    settings = load_settings()
    if zipfile.is_zipfile(file) or file.suffix != ".onnx":
        _add_pack(file, settings)
        return
    if card:
        _add_with_card(file, card, settings, name)
        return
    if task != "embed":
        raise WeightsCardInvalid(f"Weights for the task {task!r} need their whole card.", "Give it: --card CARD.json.")
    if not license:
        raise WeightsCardInvalid("Weights need a licence on their card.", "Say it: --license Apache-2.0, for example.")
    from mien.weights.own import OwnEmbedder, add_embedder

    own = OwnEmbedder(
        name=name or file.stem,
        license=license,
        commercial=commercial.value,
        training_data=training_data,
        size=size,
        mean=mean,
        scale=scale,
        color=color.value,
    )
    added = add_embedder(file, own, settings, reporter())
    print(f"{added.name}  {path_of(added, settings)}")
    print(f"Takes {added.input}; x = (pixel - {mean:g}) * {scale:g}. Embeddings carry the id {added.id}.")


def _add_pack(file: Path, settings: Settings) -> None:
    from mien.weights.pack import install_pack

    for card in install_pack(file, settings, reporter()):
        print(f"{card.name}  {path_of(card, settings)}")


def _add_with_card(file: Path, json_file: Path, settings: Settings, name: str) -> None:
    from mien.weights.own import add_with_card

    card = add_with_card(file, json_file, settings, name, reporter())
    print(f"{card.name}  {path_of(card, settings)}")
    print(f"Task {card.task}; takes {card.input}. Its results carry the id {card.id}.")
