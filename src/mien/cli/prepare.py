"""Fetching what a command needs before it starts, with a bar that people can see."""

from __future__ import annotations

from collections.abc import Iterable

from mien.cli.weights import reporter
from mien.settings import Settings
from mien.weights.fetch import ensure_all

# The cards behind each stage; the embedder is a choice of the user's.
STAGE_CARDS = {
    "yunet": ("yunet", "sface"),
    "blazeface": ("blazeface",),
    "landmark": ("facemesh", "iris"),
    "quality": ("facemesh", "iris"),
}


def pull_for(stages: Iterable[str], names: Iterable[str], settings: Settings) -> None:
    """Fetch the weights of `stages` (keys of `STAGE_CARDS`; others need none) and of the cards `names`."""
    wanted = [card for stage in stages for card in STAGE_CARDS.get(stage, ())]
    ensure_all(dict.fromkeys([*wanted, *names]), settings, reporter())
