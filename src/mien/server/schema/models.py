"""The models in use, with their licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mien.server.schema.wire import Wire

if TYPE_CHECKING:
    from mien.weights.card import Card


class Model(Wire):
    """One file of weights. used_as: `Embedding.model` and the like, which says the mode too; empty: not in results."""

    id: str = Field(examples=["sface@fb143eea0783"])
    name: str = Field(examples=["sface"])
    task: str = Field(examples=["embed"])
    title: str
    license: str = Field(examples=["Apache-2.0"])
    commercial: Literal["yes", "no", "unclear"]
    training_data: str
    origin: str
    bytes: int
    sha256: str
    used_as: str


class Models(Wire):
    """Those of the stages that the service runs."""

    items: list[Model]


def model_fields(card: Card, used_as: str) -> dict[str, Any]:
    """One model of an answer."""
    names = ("id", "name", "task", "title", "license", "commercial", "training_data", "origin", "bytes", "sha256")
    return {name: getattr(card, name) for name in names} | {"used_as": used_as}
