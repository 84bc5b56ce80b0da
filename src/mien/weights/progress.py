"""How fetching tells what it does."""

from __future__ import annotations

import logging
from typing import Protocol

_LOG = logging.getLogger("mien.weights")


class Progress(Protocol):
    """What fetching calls, from the thread that fetches: per download `begin`, `advance` any number of times, `end`."""

    def begin(self, text: str, total: int | None) -> None:
        """A download begins; text says what and how much; total is its size in bytes, None where unknown."""
        ...

    def advance(self, done: int) -> None:
        """So many bytes of it are here by now."""
        ...

    def end(self) -> None:
        """The download ended, well or badly."""
        ...

    def note(self, text: str) -> None:
        """Something that people should know."""
        ...


class LogProgress:
    """The library's default: the logger `mien.weights`.

    Downloads are logged as warnings, so that a program without any logging set up shows them on stderr: a first use
    that fetches megabytes must not be silent.
    """

    def begin(self, text: str, total: int | None) -> None:
        """Log the text."""
        _LOG.warning("%s", text)

    def advance(self, done: int) -> None:
        """A log takes no notice."""

    def end(self) -> None:
        """A log takes no notice."""

    def note(self, text: str) -> None:
        """Log the text."""
        _LOG.warning("%s", text)


def megabytes(size: int) -> str:
    """A size for people: `10.7 MB`, `240 kB`."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"
