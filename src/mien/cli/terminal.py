"""Tables, progress and notices for people: on a terminal only what helps, in a pipe nothing but data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mien.analyze import Stage, default_stages
from mien.cli.printable import printable
from mien.draw import apparent
from mien.face import Analysis, Embedding, Expression, Face, FaceMesh, Failed, Quality
from mien.settings import Settings

PIPE_WIDTH = 160
# Columns whose words are not broken on a narrow terminal.
WHOLE = ("apparent expression",)


def stdout_console() -> Console:
    """For results; wide in a pipe, so that no column is cut."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def warn(text: str) -> None:
    """One line to stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def stages_allowed(settings: Settings) -> tuple[Stage, ...]:
    """All stages that the policy allows; says on stderr which is left out."""
    stages = default_stages(settings)
    if "expression" not in stages:
        warn(
            f"No expressions: the policy {settings.policy} refuses the weights {settings.expression_model}. "
            "`mien weights list` says what they were trained on."
        )
    return stages


class Counter:
    """Advances a progress bar, or nothing."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total) if progress else None

    def step(self) -> None:
        """One more is done."""
        if self._progress and self._task is not None:
            self._progress.advance(self._task)
            task = self._progress.tasks[0]
            self._progress.update(self._task, description=f"{task.speed or 0:.1f} images/s")


@contextmanager
def counter(total: int, console: Console) -> Iterator[Counter]:
    """A bar with rate and remaining time where there is more than one image and a terminal to show it on."""
    if total < 2 or not sys.stderr.isatty():
        yield Counter(None, total)
        return
    target = console if console.is_terminal else Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=target, transient=True) as progress:
        yield Counter(progress, total)


def analysis_table(name: str, analysis: Analysis) -> Table | Text:
    """A title, and one row a face. The name is taken as it is: a path may look like markup, such as `a[/]b.jpg`."""
    count = len(analysis.faces)
    title = f"{name}  {analysis.width} x {analysis.height}  {count or 'no'} face{'' if count == 1 else 's'}"
    if not count:
        return Text(title, style="bold")
    table = Table(title=Text(title, style="bold"), title_justify="left", show_edge=False, pad_edge=False)
    for column in (
        "#",
        "box x,y w x h",
        "score",
        "yaw/pitch/roll",
        "eyes r/l",
        "mouth",
        "quality",
        "identity",
        "apparent expression",
        "to improve",
    ):
        table.add_column(
            column, overflow="fold", min_width=len(max(column.split(), key=len)) if column in WHOLE else None
        )
    for index, face in enumerate(analysis.faces):
        table.add_row(str(index + 1), *_cells(face))
    return table


def _cells(face: Face) -> tuple[str, ...]:
    box = face.detection.box
    where = f"{box.x:.0f},{box.y:.0f} {box.width:.0f} x {box.height:.0f}"
    return where, f"{face.detection.score:.2f}", *_mesh_cells(face), *_quality_cells(face)


def _mesh_cells(face: Face) -> tuple[str, str, str]:
    mesh = face.landmark
    if not isinstance(mesh, FaceMesh):
        return ("failed" if isinstance(mesh, Failed) else "-", "-", "-")
    pose, eyes = mesh.pose, mesh.eyes
    angles = f"{pose.yaw_degrees:+.0f} {pose.pitch_degrees:+.0f} {pose.roll_degrees:+.0f}°"
    return angles, f"{eyes.right_openness:.2f} {eyes.left_openness:.2f}", f"{mesh.mouth_openness:.2f}"


def _quality_cells(face: Face) -> tuple[str, str, str, str]:
    quality, embedding = face.quality, face.embedding
    score = f"{quality.score:.0f}" if isinstance(quality, Quality) else "failed" if isinstance(quality, Failed) else "-"
    reasons = [one.reason for one in quality.measures if not one.passed] if isinstance(quality, Quality) else []
    size = f"{embedding.vector.size}-d" if isinstance(embedding, Embedding) else "-"
    identity = "failed" if isinstance(embedding, Failed) else size
    failures = [one.reason for one in (face.landmark, quality, embedding, face.expression) if isinstance(one, Failed)]
    return score, identity, _expression_cell(face), "; ".join(reasons + failures)


def _expression_cell(face: Face) -> str:
    if isinstance(face.expression, Expression):
        return apparent(face.expression)
    return "failed" if isinstance(face.expression, Failed) else "-"


def saved_name(name: str, index: int) -> str:
    """A file name for the annotated copy of source `name`, unique by `index`."""
    return f"{index:04d}-{'stdin' if name == '-' else Path(name).stem}"
