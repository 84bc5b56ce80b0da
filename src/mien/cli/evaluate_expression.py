"""`mien evaluate expression`: labelled face crops, said and true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from mien.cli.report import or_dash, plain_table, share, write_json
from mien.cli.terminal import counter, stdout_console, warn
from mien.cli.weights import reporter
from mien.dataset.faces import FaceSet
from mien.dataset.read import read_faces
from mien.evaluate.classification import Estimate
from mien.evaluate.expression import (
    ExpressionReport,
    HeadReport,
    Scores,
    evaluate_expression,
    judge_all,
    refuse_other_classes,
)
from mien.evaluate.expression_plots import (
    draw_confusion,
    draw_coverage,
    draw_reliability,
    draw_robustness,
    draw_worst,
)
from mien.evaluate.plots import blank_figure
from mien.evaluate.robustness import N_POINTS, Robustness, robustness
from mien.expression.frame import FrameExpression
from mien.expression.model_file import open_expression
from mien.face import Floats, Pixels
from mien.settings import load_settings

SCHEMA = "mien.expression-evaluation/1"
CHUNK = 32


class SplitChoice(StrEnum):
    """Splits that may be measured on; what a model was trained on is none of them."""

    VALID = "valid"
    TEST = "test"


def expression(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Labelled faces, in a layout that training reads too.")],
    split: Annotated[SplitChoice, typer.Option(help="Which part of the set.")],
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="A card's name, or FILE.onnx with its card FILE.json beside it.")
    ] = "expression",
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All figures as JSON.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write confusion, reliability, coverage, worst, robustness .png here."),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robustness", help="Also on blurred, shrunk, covered, turned faces: 44 times as long.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="In 8-bit integers where the card allows, as `mien analyze --fast`.")
    ] = False,
) -> None:
    """Accuracy, calibration and mistakes of an expression model on labelled face crops.

    The crops are taken as they are: no face is searched for. A head whose classes are the set's is judged by its
    labels, the FER+ head by the majority of the votes. Faces with a pixel-exact copy in another split are counted with
    and without.
    """
    if out:
        blank_figure()  # what is missing should be said before the work, not after
    network = open_expression(model, load_settings(), fast, reporter())
    faces = read_faces(data, split.value, network.spec.size)
    refuse_other_classes(faces, network.spec)
    with counter(len(faces.faces) * (1 + robust * N_POINTS), Console(stderr=True)) as bar:
        score = _scorer(network, bar.step)
        logits = score(faces.faces)
        curves = robustness(faces, logits, network.spec, score) if robust else ()
    report = evaluate_expression(faces, logits, network.spec, network.model)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        _draw(report, curves, (faces, logits, network), out)
    record = {"schema": SCHEMA} | report.to_dict() | {"robustness": [one.to_dict() for one in curves]}
    if write_json(record, json_to):
        _print(report, curves, stdout_console())


def _scorer(network: FrameExpression, step: Callable[[], None]) -> Callable[[Pixels], dict[str, Floats]]:
    """The network's logits, a few faces at a time, so that progress can be shown."""

    def score(faces: Pixels) -> dict[str, Floats]:
        parts: list[dict[str, Floats]] = []
        for start in range(0, len(faces), CHUNK):
            parts.append(network.logits(faces[start : start + CHUNK]))
            for _ in faces[start : start + CHUNK]:
                step()
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return score


def _draw(
    report: ExpressionReport,
    curves: Sequence[Robustness],
    measured: tuple[FaceSet, Mapping[str, Floats], FrameExpression],
    out: Path,
) -> None:
    faces, logits, network = measured
    judged = judge_all(faces, logits, network.spec)
    draw_confusion(report.heads, out / "confusion.png")
    draw_reliability(report.heads, out / "reliability.png")
    draw_coverage(judged, out / "coverage.png")
    draw_worst(faces.faces, judged, out / "worst.png")
    if curves:
        draw_robustness(curves, out / "robustness.png")


def _print(report: ExpressionReport, curves: Sequence[Robustness], console: Console) -> None:
    console.print(f"model  {report.model}", markup=False)
    console.print(
        f"data   {report.data}, {report.split}: {report.n_faces:,} faces, {report.n_twins:,} of them with a twin in"
        f" another split; SHA-256 {report.sha256[:12]}",
        markup=False,
    )
    for head in report.heads:
        dropped = "".join(f", {one.n:,} left out: {one.reason}" for one in head.dropped)
        console.print(f"\n{head.vocabulary}, by the {head.protocol}: {head.n_kept:,} faces{dropped}", style="bold")
        for table in (_figures(head), _classes(head.all_faces), _selective(head.all_faces)):
            console.print(table)
            console.print()
    for curve in curves:
        console.print(_robustness(curve))
    if report.not_judged:
        warn(f"not judged, since the set has neither their labels nor votes: {', '.join(report.not_judged)}")


def _figures(head: HeadReport) -> Table:
    table = plain_table("", "all faces (95 %)", "without twins (95 %)")
    columns = [one for one in (head.all_faces, head.without_twins) if one]
    table.add_row("faces", *(f"{one.n:,}" for one in columns))
    rows: dict[str, Callable[[Scores], str]] = {
        "accuracy": lambda one: share(one.accuracy),
        "balanced accuracy": lambda one: share(one.balanced_accuracy),
        "macro F1": lambda one: share(one.macro_f1),
        "ECE, raw": lambda one: share(one.raw.ece),
        f"ECE, temperature {head.temperature:.3f}": lambda one: share(one.calibrated.ece),
        "ECE, temperature fitted on other folds": lambda one: share(one.ece_cross_fitted),
        "Brier score, 0 to 2": lambda one: _nats(one.calibrated.brier),
        "negative log-likelihood": lambda one: _nats(one.calibrated.negative_log_likelihood),
    }
    if head.all_faces.votes:
        rows["cross-entropy with the votes"] = lambda one: _nats(one.votes.cross_entropy) if one.votes else ""
        rows["entropy of the votes"] = lambda one: f"{one.votes.entropy:.3f}" if one.votes else ""
    for name, cell in rows.items():
        table.add_row(name, *(cell(one) for one in columns))
    return table


def _classes(scores: Scores) -> Table:
    table = plain_table("class", "faces", "said", "recall (95 %)", "precision (95 %)", "F1", "most often taken for")
    for one in scores.by_class:
        cells = f"{one.n:,}", f"{one.n_said:,}", share(one.recall), share(one.precision), or_dash(f"{one.f1:.1%}")
        table.add_row(one.name, *cells, one.taken_for)
    return table


def _selective(scores: Scores) -> Table:
    table = plain_table("unsure below", "faces named (95 %)", "unsure", "accuracy of what is said (95 %)")
    for one in scores.selective:
        unsure = f"{1 - one.coverage.value:.1%}"
        table.add_row(f"{one.confidence:.1f}", share(one.coverage), unsure, share(one.accuracy))
    return table


def _robustness(curve: Robustness) -> Table:
    table = plain_table("made worse by", "level", f"{curve.vocabulary} accuracy (95 %)", "points lost (95 %)")
    table.add_row("nothing", "", share(curve.as_they_are), "")
    for point in curve.points:
        lost = point.lost
        points = f"{100 * lost.value:.1f} ({100 * lost.low:.1f} to {100 * lost.high:.1f})"
        table.add_row(f"{point.kind} ({point.unit})", f"{point.level:g}", share(point.accuracy), points)
    return table


def _nats(one: Estimate) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
