"""What `mien train` shows of a run: a bar for the epoch, a line for each that is done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from mien.train.fit import EpochRecord


class EpochTable:
    """A bar for the epoch that runs, a line for each that is done."""

    def __init__(self, epochs: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("", total=None)
        self._epochs = epochs

    def __enter__(self) -> EpochTable:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Move the bar."""
        text = f"epoch {epoch} of {self._epochs}, loss {loss:.3f}"
        self._progress.update(self._task, completed=step, total=steps, description=text)

    def epoch(self, record: EpochRecord) -> None:
        """Print the line."""
        shares = "  ".join(f"{head} {share:.2%}" for head, share in record.valid.items())
        self._progress.console.print(
            f"epoch {record.epoch:3}  loss {record.loss:.4f}  validation {shares}  {record.seconds:.0f} s",
            highlight=False,
            soft_wrap=True,
        )
