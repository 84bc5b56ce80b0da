"""Words that change faster than they can be read, and what is shown of them."""

from __future__ import annotations

from typing import Final

# Nobody reads a line in less.
STAY_SECONDS: Final = 0.8
# What clocks round off.
SLIP_SECONDS: Final = 1e-6

Change = tuple[str, float]
"""From this time on it is this text; an empty one where nothing is said."""


class Stay:
    """Texts of moment after moment in, changes out of which each text stays for `STAY_SECONDS` or longer.

    What is shorter goes to a neighbour: to the text before where that comes back or the run ends, else to the one that
    lasts longest of those that follow. A lone one stays a little after it has gone. So a change is known late, when it
    has lasted. For one thread.
    """

    def __init__(self) -> None:
        self._shown = ""
        self._since: list[Change] = []

    def take(self, text: str, at: float) -> list[Change]:
        """Take in what is said at a moment; times rise."""
        if self._since and text == self._shown != "":
            self._since = []
        elif text != (self._since[-1][0] if self._since else self._shown):
            self._since.append((text, at))
        if not self._since or at - self._start() < STAY_SECONDS - SLIP_SECONDS:
            return []
        found = self._settled(at)
        self._since = [(text, at)] if text != self._shown else []
        return found

    def end(self, at: float) -> list[Change]:
        """Nothing is said any more, from this time on."""
        found: list[Change] = []
        if self._since:
            spoken = any(text for text, _ in self._since)
            lasted = at - self._start() >= STAY_SECONDS - SLIP_SECONDS
            if not spoken or lasted or not self._shown:
                found = self._settled(at)
        self._since, self._shown = [], ""
        return [*found, ("", at)]

    @property
    def waits(self) -> bool:
        """Whether something else is said than what is shown."""
        return bool(self._since)

    def _start(self) -> float:
        """When the first words came that are not shown; of silence, when it began."""
        return next((at for text, at in self._since if text), self._since[0][1])

    def _settled(self, at: float) -> list[Change]:
        """Show what lasted longest of what waits, from where the first of it came."""
        ends = [start for _, start in self._since[1:]] + [at]
        lasted: dict[str, float] = {}
        for (text, start), end in zip(self._since, ends, strict=True):
            if text:
                lasted[text] = lasted.get(text, 0.0) + end - start
        self._shown = max(lasted, key=lambda text: lasted[text], default="")
        quiet = [self._since[0]] if not self._since[0][0] and self._shown else []
        return [*quiet, (self._shown, self._start())]
