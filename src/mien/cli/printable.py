"""Text from outside, such as a person's name, as a terminal may have it."""

from __future__ import annotations

import unicodedata

# Within words of Persian, Hindi and others, and inside of emoji.
JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    r"""The text with everything that could move the cursor, colour, hide or turn around what follows as `\x1b`."""
    return "".join(one if _is_harmless(one) else one.encode("unicode_escape").decode() for one in text)


def _is_harmless(one: str) -> bool:
    return one.isprintable() or one in JOINERS or unicodedata.category(one) == "Zs"
