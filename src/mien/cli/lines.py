"""JSON Lines: whole records, one a line."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TextIO

from mien.errors import SettingsError


def open_lines(target: str | None, stack: ExitStack) -> TextIO | None:
    """Where records go: a new file, stdout for `-`, None for None. Raises SettingsError for a file that cannot be."""
    if target is None or target == "-":
        return sys.stdout if target else None
    try:
        return stack.enter_context(open(target, "w", encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror}.", "Name another file.") from error


def write_line(lines: TextIO, record: dict[str, object]) -> None:
    """One whole line at once."""
    lines.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
    lines.flush()
