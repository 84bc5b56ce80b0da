"""`mien compare`: the answer on stdout, its meaning in the exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mien.analyze import Analyzer
from mien.cli.sources import STDIN
from mien.cli.weights import reporter
from mien.compare import ComparePolicy, Comparer, Comparison
from mien.decide.calibration import Calibration, ErrorRate
from mien.decide.verify import DEFAULT_FMR, Answer, Decision
from mien.image import Source
from mien.settings import load_settings

EXIT_CODES = {Answer.MATCH: 0, Answer.NO_MATCH: 1, Answer.INCONCLUSIVE: 3}
SCHEMA = "mien.comparison/1"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A photo; - for standard input.")],
    second: Annotated[str, typer.Argument(help="Another photo.")],
    fmr: Annotated[float, typer.Option(help="False match rate asked for: 1e-4 is one in 10,000.")] = DEFAULT_FMR,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    calibration: Annotated[Path | None, typer.Option(help="A file from `mien calibrate`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of text.")] = False,
) -> None:
    """Are two photos of the same person, at the error rate asked for?

    Exit code: 0 match, 1 no match, 3 inconclusive, 2 error.
    """
    settings = load_settings()
    analyzer = Analyzer(["quality", "embed"], settings, embedder=embedder, progress=reporter())
    own = Calibration.load(calibration) if calibration else None
    comparison = Comparer(analyzer, own, ComparePolicy(fmr=fmr))(_source(first), _source(second))
    if as_json:
        print(_json(comparison))
    else:
        print("\n".join(describe(comparison.decision)))
    raise typer.Exit(EXIT_CODES[comparison.decision.answer])


def describe(decision: Decision) -> list[str]:
    """The decision in lines for a person."""
    lines = [decision.answer.value]
    if decision.score is not None:
        lines.append(
            f"  score {decision.score:.3f}"
            + ("" if decision.threshold is None else f", threshold {decision.threshold:.3f}")
        )
    if isinstance(decision.fmr, ErrorRate):
        lines.append(f"  false match rate at this score {decision.fmr}; asked for {decision.asked_fmr:.2g}")
        lines.append(f"  based on {decision.based_on}")
    return lines + [f"  {reason}" for reason in decision.reasons]


def _source(name: str) -> Source:
    return sys.stdin.buffer if name == STDIN else Path(name)


def _json(comparison: Comparison) -> str:
    import json

    return json.dumps({"schema": SCHEMA} | comparison.to_dict(), ensure_ascii=False, allow_nan=False)
