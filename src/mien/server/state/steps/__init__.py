"""The steps that bring the state to the newest format: NNNN_name.sql, each run in one transaction, once."""

from __future__ import annotations

from importlib import resources


def steps() -> list[tuple[int, str]]:
    """Number and SQL of every step, in order."""
    files = [item for item in resources.files(__package__).iterdir() if item.name.endswith(".sql")]
    return sorted((int(item.name.split("_")[0]), item.read_text(encoding="utf-8")) for item in files)
