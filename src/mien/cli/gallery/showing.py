"""Results of a gallery for people, and as JSON Lines for programs. Names of people are never taken for markup."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.table import Table
from rich.text import Text

from mien.cli.lines import open_lines, write_line
from mien.cli.printable import printable
from mien.cli.terminal import stdout_console


class Answers:
    """Records go to `--json`; lines and tables for people to stdout, unless the records do (`quiet`)."""

    def __init__(self, json_to: str | None) -> None:
        self._stack = ExitStack()
        self._lines = open_lines(json_to, self._stack)
        self.quiet = self._lines is sys.stdout

    def record(self, schema: str | None, record: Mapping[str, Any]) -> None:
        """One line of JSON, where it was asked for. schema: None for a record that names its own."""
        if self._lines:
            write_line(self._lines, ({"schema": schema} if schema else {}) | dict(record))

    def tell(self, *lines: str) -> None:
        """Lines for a person."""
        if not self.quiet:
            tell(*lines)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table without the columns in which nothing stands."""
        if not self.quiet:
            print_table(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def tell(*lines: str) -> None:
    """Print lines as they are, but for control characters."""
    for line in lines:
        print(printable(line))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table without the columns in which nothing stands."""
    cells = [[printable(cell) for cell in row] for row in rows]
    used = [place for place in range(len(columns)) if any(row[place] for row in cells)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place in used:
        table.add_column(columns[place], overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[place]) for place in used))
    if cells:
        stdout_console().print(table)


def when(moment: datetime | None) -> str:
    """A local time to the minute; nothing for none."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def count_of(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `2 photos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
