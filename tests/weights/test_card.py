from __future__ import annotations

import json
from typing import Any

import pytest

from mien.errors import WeightsCardInvalid
from mien.settings import Settings
from mien.weights.card import Card, HttpsSource, ShippedSource, WheelSource, parse_card
from mien.weights.catalog import Catalog

DIGEST = "a" * 64
EMBED = {"size": 112, "mean": 127.5, "scale": 0.0078125, "color": "bgr", "dimensions": 128}


def table(**over: Any) -> dict[str, Any]:
    words = dict.fromkeys(("title", "license", "training_data", "origin", "input", "reported"), "words")
    base = {"name": "toy", "task": "detect", "file": "toy.onnx", "bytes": 10, "sha256": DIGEST, "commercial": "yes"}
    return words | base | {"sources": []} | over


def wheel(**over: str) -> dict[str, str]:
    base = {"wheel": "thing", "version": "1.0", "tag": "py3-none-any", "sha256": DIGEST, "path": "thing/a.onnx"}
    return base | over


def test_id_is_name_and_start_of_hash() -> None:
    assert parse_card(table(), "here").id == "toy@aaaaaaaaaaaa"


def test_sources_become_their_kinds_in_order() -> None:
    sources = [{"shipped": "weights/models/a.onnx"}, wheel(), {"https": "https://example.org/a"}]
    kinds = [type(source) for source in parse_card(table(sources=sources), "here").sources]
    assert kinds == [ShippedSource, WheelSource, HttpsSource]


@pytest.mark.parametrize("task", ["detect", "embed"])
def test_a_card_survives_json(task: str) -> None:
    sources = [{"shipped": "a/b.onnx"}, wheel(), {"https": "https://example.org/a"}]
    card = parse_card(table(task=task, sources=sources, **({"embed": EMBED} if task == "embed" else {})), "here")
    assert parse_card(json.loads(json.dumps(card.to_dict())), "there") == card


@pytest.mark.parametrize("card", Catalog.load(Settings()).cards(), ids=lambda card: card.name)
def test_a_card_as_plain_values_is_what_json_gives_back(card: Card) -> None:
    """A pack compares the two."""
    assert json.loads(json.dumps(card.to_dict())) == card.to_dict()


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": "../toy"}, "name"),
        ({"name": "Toy"}, "name"),
        ({"file": "sub/toy.onnx"}, "file"),
        ({"file": ".toy"}, "file"),
        ({"file": "toy\n"}, "file"),
        ({"task": "dance"}, "task"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": "10"}, "bytes"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"sha256": "a" * 63}, "sha256"),
        ({"commercial": "maybe"}, "commercial"),
        ({"license": ""}, "license"),
        ({"surprise": 1}, "surprise"),
        ({"sources": [{"http": "http://example.org/a"}]}, "sources"),
        ({"sources": [{"https": "http://example.org/a"}]}, "https"),
        ({"sources": [{"https": "file:///etc/passwd"}]}, "https"),
        ({"sources": [{"shipped": "../../etc/passwd"}]}, "shipped"),
        ({"sources": [{"shipped": "/etc/passwd"}]}, "shipped"),
        ({"sources": [wheel(path="a/../../b")]}, "path"),
        ({"sources": [wheel(wheel="--index-url=https://example.org")]}, "wheel"),
        ({"sources": [wheel(version="1.0 --hash=x")]}, "version"),
        ({"sources": [wheel(tag="py3")]}, "tag"),
        ({"task": "embed"}, "embed"),
        ({"embed": EMBED}, "embed"),
        ({"task": "embed", "embed": EMBED | {"scale": 0}}, "scale"),
        ({"task": "embed", "embed": EMBED | {"mean": float("nan")}}, "mean"),
        ({"task": "embed", "embed": EMBED | {"color": "cmyk"}}, "color"),
        ({"task": "embed", "embed": EMBED | {"calibration": "../x"}}, "calibration"),
    ],
)
def test_a_wrong_field_is_named(over: dict[str, Any], field: str) -> None:
    with pytest.raises(WeightsCardInvalid) as caught:
        parse_card(table(**over), "my-file.json")
    assert field in caught.value.cause
    assert "my-file.json" in caught.value.cause


def test_a_missing_field_is_named() -> None:
    broken = table()
    del broken["license"]
    with pytest.raises(WeightsCardInvalid, match=r"toy.*license"):
        parse_card(broken, "here")


@pytest.mark.parametrize("value", [None, [], "card", 3])
def test_what_is_no_table_is_no_card(value: Any) -> None:
    with pytest.raises(WeightsCardInvalid, match="not a table"):
        parse_card(value, "here")
