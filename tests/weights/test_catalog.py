from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mien.errors import WeightsCardInvalid, WeightsPolicyRefused, WeightsUnknown
from mien.settings import Settings
from mien.weights.card import WheelSource
from mien.weights.catalog import Catalog, cards_dir, keep_card, refuse_by_policy


def test_the_shipped_catalog_is_valid_and_every_card_has_a_source(settings: Settings) -> None:
    cards = Catalog.load(settings).cards()
    assert {"yunet", "sface", "astronaut"} <= {card.name for card in cards}
    assert all(card.sources for card in cards)


def test_one_wheel_is_described_the_same_on_every_card(settings: Settings) -> None:
    wheels = [s for card in Catalog.load(settings).cards() for s in card.sources if isinstance(s, WheelSource)]
    by_hash = {source.sha256: replace(source, path="x") for source in wheels}
    assert all(replace(source, path="x") == by_hash[source.sha256] for source in wheels)


def test_cards_by_task_and_policy(settings: Settings, make_card) -> None:
    keep_card(make_card("closed", commercial="no"), settings)
    keep_card(make_card("fog", commercial="unclear"), settings)
    catalog = Catalog.load(settings)
    assert {card.task for card in catalog.cards("embed")} == {"embed"}
    names = {card.name for card in catalog.cards(policy="commercial")}
    assert "yunet" in names
    assert not {"closed", "fog"} & names
    assert {"closed", "fog"} <= {card.name for card in catalog.cards(policy="any")}


def test_an_unknown_name_offers_near_ones(settings: Settings) -> None:
    with pytest.raises(WeightsUnknown) as caught:
        Catalog.load(settings).card("sfase")
    assert "sface" in caught.value.cure


def test_policy_names_licence_and_setting(settings: Settings, make_card) -> None:
    card = make_card("closed", commercial="no", license="CC-BY-NC-4.0")
    refuse_by_policy(card, settings)
    with pytest.raises(WeightsPolicyRefused) as caught:
        refuse_by_policy(card, settings.model_copy(update={"policy": "commercial"}))
    assert "CC-BY-NC-4.0" in caught.value.cause
    assert "commercial" in caught.value.cause
    assert "MIEN_POLICY" in caught.value.cure


def test_an_own_card_cannot_take_a_shipped_name(settings: Settings, make_card) -> None:
    keep_card(make_card("yunet"), settings)
    with pytest.raises(WeightsCardInvalid, match="share the name"):
        Catalog.load(settings)


def test_an_own_card_cannot_take_a_shipped_file(settings: Settings, make_card) -> None:
    keep_card(make_card("mine", file="sface.onnx"), settings)
    with pytest.raises(WeightsCardInvalid, match="share the file"):
        Catalog.load(settings)


def test_an_own_card_that_mien_ships_by_now_gives_way(settings: Settings) -> None:
    shipped = Catalog.load(settings).card("yunet")
    keep_card(replace(shipped, sources=(), title="from a pack"), settings)
    assert Catalog.load(settings).card("yunet") == shipped


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, json.dumps({"name": "x"})])
def test_a_broken_own_card_is_named(settings: Settings, text: str) -> None:
    cards_dir(settings).mkdir(parents=True)
    (cards_dir(settings) / "broken.json").write_text(text)
    with pytest.raises(WeightsCardInvalid, match=r"broken\.json"):
        Catalog.load(settings)
