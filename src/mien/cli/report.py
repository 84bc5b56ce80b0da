"""Figures of an evaluation: as JSON for programs, as tables for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from mien.errors import SettingsError
from mien.evaluate.classification import Estimate


def write_json(record: dict[str, Any], json_to: str | None) -> bool:
    """Write the record to the file, or to stdout where that is `-`; whether stdout is still free for tables."""
    text = json.dumps(record, default=str, ensure_ascii=False, allow_nan=False)
    if json_to == "-":
        typer.echo(text)
        return False
    if json_to:
        try:
            Path(json_to).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"{json_to} cannot be written: {error.strerror}.", "Name another file.") from error
    return True


def plain_table(*columns: str) -> Table:
    """An empty table without a frame."""
    table = Table(show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def share(one: Estimate) -> str:
    """In percent, with its interval."""
    return or_dash(f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})")


def or_dash(text: str) -> str:
    """What was never counted is a dash."""
    return "-" if text.startswith("nan") else text
