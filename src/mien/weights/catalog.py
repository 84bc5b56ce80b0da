"""All cards: those that mien ships and the user's own."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from mien.errors import WeightsCardInvalid, WeightsPolicyRefused, WeightsUnknown
from mien.settings import Settings
from mien.weights.card import Card, parse_card
from mien.weights.store import place

Policy = Literal["any", "commercial"]


@dataclass(frozen=True)
class Catalog:
    """Cards by name, the shipped ones first."""

    by_name: dict[str, Card]

    @classmethod
    def load(cls, settings: Settings) -> Catalog:
        """Read the shipped catalog and the user's cards in `<cache_dir>/cards`.

        Raises WeightsCardInvalid where a card is wrong, or where two share a name or a file.
        """
        shipped = resources.files("mien.weights").joinpath("catalog.toml").read_text(encoding="utf-8")
        cards = [parse_card(table, "catalog.toml") for table in tomllib.loads(shipped)["card"]]
        own = [parse_card(read_card(path), str(path)) for path in sorted(cards_dir(settings).glob("*.json"))]
        # A pack of a newer mien may have brought a card that this one, upgraded, ships by itself.
        shipped_files = {(card.id, card.file) for card in cards}
        cards += [card for card in own if (card.id, card.file) not in shipped_files]
        _refuse_doubles(cards)
        return cls({card.name: card for card in cards})

    def cards(self, task: str | None = None, policy: Policy | None = None) -> tuple[Card, ...]:
        """Those of one task and allowed by one policy; all where neither is given."""
        return tuple(
            card
            for card in self.by_name.values()
            if (task is None or card.task == task) and (policy is None or allowed(card, policy))
        )

    def card(self, name: str) -> Card:
        """The card of this name. Raises WeightsUnknown, which offers the names that look like it."""
        if name in self.by_name:
            return self.by_name[name]
        near = difflib.get_close_matches(name, self.by_name, n=3, cutoff=0.5)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise WeightsUnknown(f"There are no weights named {name!r}.", f"{meant}See `mien weights list`.")


def cards_dir(settings: Settings) -> Path:
    """Where the user's own cards lie, one JSON file each."""
    return settings.cache_dir / "cards"


def allowed(card: Card, policy: Policy) -> bool:
    """Whether the policy allows the card; `commercial` takes a clear yes alone."""
    return policy == "any" or card.commercial == "yes"


def refuse_by_policy(card: Card, settings: Settings) -> None:
    """Raise WeightsPolicyRefused where the policy in force does not allow the card."""
    if not allowed(card, settings.policy):
        raise WeightsPolicyRefused(
            f"The setting policy = {settings.policy!r} refuses {card.name}: licence {card.license}, commercial use: "
            f"{card.commercial}, trained on: {card.training_data}.",
            "Choose others (`mien weights list --policy commercial`), or set MIEN_POLICY=any if you may use them.",
        )


def keep_card(card: Card, settings: Settings) -> None:
    """Write one of the user's own cards, whole or not at all."""
    target = cards_dir(settings) / f"{card.name}.json"
    part = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(card.to_dict(), indent=1), encoding="utf-8")
    place(part, target)


def refuse_taken(card: Card, catalog: Catalog) -> None:
    """Raise WeightsCardInvalid where other weights have the name or the file of a card to be added.

    The same file of the user's own may be added again, to mend what its card says; not to change the preprocessing or
    the meaning of the outputs, since results of before and after would carry one model id and not be comparable.
    """
    for other in catalog.by_name.values():
        specs = (other.embed, other.expression) == (card.embed, card.expression)
        same = other.id == card.id and specs and not other.sources
        if not same and (other.name == card.name or other.file == card.file):
            raise WeightsCardInvalid(
                f"The name {card.name!r} is taken by {other.title!r}.", "Choose another: --name NAME."
            )


def read_card(path: Path) -> Any:
    """The plain values of a card in a JSON file, for `parse_card`. Raises WeightsCardInvalid where it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsCardInvalid(f"The card {path} cannot be read: {error}.", "Mend or remove it.") from error


def _refuse_doubles(cards: Iterable[Card]) -> None:
    seen: dict[tuple[str, str], Card] = {}
    for card in cards:
        for field in ("name", "file"):
            other = seen.setdefault((field, getattr(card, field)), card)
            if other is not card:
                raise WeightsCardInvalid(
                    f"Cards {other.name!r} and {card.name!r} share the {field} {getattr(card, field)!r}.",
                    "Remove one of them from the `cards` folder of the cache.",
                )
