"""`mien demo`: the main job on a sample photo, and what to try next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.analyze import Analyzer
from mien.cli.compare import describe
from mien.cli.terminal import analysis_table, stages_allowed, stdout_console
from mien.cli.weights import reporter
from mien.compare import Comparer
from mien.draw import draw_analysis
from mien.image import open_photo, write_image
from mien.settings import load_settings
from mien.weights.fetch import ensure

SAMPLE = "astronaut"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the annotated picture goes.")] = Path("mien-demo"),
) -> None:
    """Fetch the weights, analyse a sample photo, and say where the annotated picture lies and what to try next."""
    settings = load_settings()
    analyzer = Analyzer(stages_allowed(settings), settings, progress=reporter())
    photo = open_photo(ensure(SAMPLE, settings, reporter()))
    analysis = analyzer.analyze(photo)
    console = stdout_console()
    console.print(analysis_table("sample photo (NASA: astronaut Eileen Collins)", analysis))
    mirrored = photo.pixels().pixels[:, ::-1]
    decision = Comparer(analyzer)(photo, mirrored).decision
    print("\nThe photo compared with its mirror image:", *describe(decision)[:3], sep="\n  ")
    out.mkdir(parents=True, exist_ok=True)
    picture = out / "astronaut.jpg"
    write_image(picture, draw_analysis(photo.pixels().pixels, analysis))
    _next_steps(picture)


def _next_steps(picture: Path) -> None:
    print(f"\nAnnotated picture: {picture.resolve()}")
    print("\nNow with photos of your own; nothing leaves this machine:")
    print("  mien analyze photo.jpg --save out    the faces of a photo, a folder or a pattern")
    print("  mien compare one.jpg two.jpg         the same person, or not, at one false match in 10,000")
    print("  mien doctor                          what is installed, and how fast it is here")
    print("  mien --help                          everything else")
