"""`mien doctor`: what is installed, whether it works, and how fast."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from typing import Annotated

import typer
from rich.table import Table

from mien.analyze import Analyzer, Stage, default_stages
from mien.cli.terminal import stdout_console
from mien.engine.capability import instruction_sets, processor
from mien.errors import MienError
from mien.gallery.place import is_server
from mien.image import Photo, open_photo
from mien.settings import Settings, config_file, load_settings
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure
from mien.weights.store import path_of, state_of

PACKAGES = (
    *("mien", "openvino", "onnxruntime", "onnx", "numpy", "opencv-python-headless", "pillow", "simplejpeg"),
    *("numkong", "apsw-sqlite3mc", "cryptography"),
)
EXTRAS = ("pillow-heif", "matplotlib", "scipy", "psycopg", "keyring")
SAMPLE = "astronaut"
EXIT_UNWELL = 1

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def doctor(
    seconds: Annotated[float, typer.Option(help="How long the speed test may take.", min=0.5)] = 5.0,
) -> None:
    """Show versions, processor, settings and weights; analyse a sample photo, check the answer, measure the speed.

    Exit code: 0 where all works; 1 where something does not.
    """
    settings = load_settings()
    console = stdout_console()
    console.print(_facts(settings))
    console.print(_weights(settings))
    raise typer.Exit(_self_test(settings, seconds))


def _facts(settings: Settings) -> Table:
    table = Table(show_header=False, box=None)
    table.add_row("system", f"{platform.platform()}, Python {platform.python_version()}")
    table.add_row("processor", f"{processor()}, {os.cpu_count()} cores, {', '.join(instruction_sets()) or 'unknown'}")
    for name in (*PACKAGES, *EXTRAS):
        table.add_row(name, _version(name))
    table.add_row("settings", f"{config_file()} ({'read' if config_file().is_file() else 'not there, defaults'})")
    for name, value in settings.model_dump().items():
        # The address of a server may hold a password.
        table.add_row(f"  {name}", "postgresql://..." if name == "gallery" and is_server(value) else str(value))
    return table


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed (optional)"


def _weights(settings: Settings) -> Table:
    table = Table(box=None, title="weights", title_justify="left")
    for column in ("name", "task", "licence", "state", "file"):
        table.add_column(column)
    for card in Catalog.load(settings).cards():
        table.add_row(card.name, card.task, card.license, state_of(card, settings), str(path_of(card, settings)))
    return table


def _self_test(settings: Settings, seconds: float) -> int:
    try:
        photo = open_photo(ensure(SAMPLE, settings))
        started = time.perf_counter()
        analyzer = Analyzer(settings=settings)
        count = len(analyzer.analyze(photo).faces)
    except MienError as error:
        print(f"self-test: FAILED: {error}")
        return EXIT_UNWELL
    print(f"models loaded and first photo done in {time.perf_counter() - started:.2f} s")
    if count != 1:
        print(f"self-test: FAILED: {count} faces in the sample photo, which shows one.")
        return EXIT_UNWELL
    print("self-test: passed, one face in the sample photo")
    _speed(photo, settings, seconds)
    return 0


def _speed(photo: Photo, settings: Settings, seconds: float) -> None:
    everything = default_stages(settings)
    plans: dict[str, tuple[Stage, ...]] = {"find": ()}
    plans |= {f"find + {stage}": (stage,) for stage in ("embed", "expression") if stage in everything}
    plans[f"find + {' + '.join(everything)}"] = everything
    for name, stages in plans.items():
        analyzer = Analyzer(stages, settings)
        rate = _rate(lambda analyzer=analyzer: analyzer.analyze(photo), seconds / len(plans))  # type: ignore[misc]
        print(f"speed: {rate:.0f} photos a second, one thread: {name} ({photo.width} x {photo.height}, decoded)")


def _rate(work: Callable[[], object], seconds: float) -> float:
    work()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        work()
        count += 1
    return count / (time.perf_counter() - started)
