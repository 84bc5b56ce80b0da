"""The steps that bring a gallery to the newest format: NNNN_name.sql, each run in one transaction."""

from __future__ import annotations

from importlib import resources


def steps() -> list[tuple[int, str]]:
    """Format number and SQL of every step of SQLite's, in order."""
    return _steps_in()


def postgres_steps() -> list[tuple[int, str]]:
    """As `steps`, of PostgreSQL's; they have the same numbers, so that a backup fits both."""
    return _steps_in("postgres")


def _steps_in(*folder: str) -> list[tuple[int, str]]:
    files = [item for item in resources.files(__package__).joinpath(*folder).iterdir() if item.name.endswith(".sql")]
    return sorted((int(item.name.split("_")[0]), item.read_text(encoding="utf-8")) for item in files)
