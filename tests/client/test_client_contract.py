"""The clients and the OpenAPI document say the same, operation for operation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

from fastapi import FastAPI

from mien.client.asynchronous import AsyncClient
from mien.client.body import Form, Json, Upload
from mien.client.call import Call, Download, Feed, Pages
from mien.client.method import Later, Now
from mien.client.models import PersonChange, PersonIn, PreferencesChange
from mien.client.synchronous import Client
from mien.server.app import create_app
from mien.server.config import ServerConfig
from mien.settings import Settings

ID = "abcdefghijklmnopqrstuvwxyz"
# A browser goes there and back.
FOR_BROWSERS = {"begin_oidc", "finish_oidc"}
GIVEN: dict[str, Any] = {
    "photo": b"a",
    "first": b"a",
    "second": b"b",
    "video": b"a",
    "pictures": (b"a", b"b"),
    "person": PersonIn(name="Anna"),
    "change": None,
    "into": ID,
    "to": "somewhere",
    "template_id": 1,
    "correction_id": 1,
    "stages": ["quality"],
    "groups": ["night"],
    "fpir": 0.01,
    "fmr": 0.01,
    "since": datetime(2026, 1, 2, tzinfo=UTC),
    "until": datetime(2026, 1, 2, tzinfo=UTC),
    "new": "a few words of mine",
    "days": 3.0,
    "disabled": True,
    "role": "viewer",
    "seq": 3,
    "version": 3,
    "after": 7,
    "top": 2,
}
LISTS = {"get_dial": {"fpir": [0.01]}}
FLAGS = ("points", "vectors", "dry_run", "identify", "annotate", "reset", "allow_duplicate", "allow_unlike")
CHANGES = {"change_person": PersonChange(name="Anna"), "change_preferences": PreferencesChange(purpose="Entry")}


def makers(kind: type[Client] | type[AsyncClient]) -> dict[str, Callable[..., Any]]:
    return {name: method.make for name, method in vars(kind).items() if isinstance(method, Now | Later)}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Whose document is asked for, and nothing else."""
    config = ServerConfig.model_construct(state_dir=tmp_path_factory.mktemp("state"))
    return create_app(config, Settings.model_construct())


def operations(app: FastAPI) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def action(name: str, make: Callable[..., Any]) -> Any:
    """With all that it takes."""
    given = {}
    for parameter in inspect.signature(make).parameters:
        value = GIVEN.get(parameter, parameter in FLAGS or ID)
        given[parameter] = LISTS.get(name, {}).get(parameter, CHANGES.get(name) if parameter == "change" else value)
    return make(**given)


def asked(name: str) -> tuple[str, str, dict[str, Any], dict[str, str], Any, bool]:
    """Method, path, query, headers, body, and whether it is sent again."""
    made = action(name, makers(Client)[name])
    if isinstance(made, Pages):
        made = made.page("cursor")
    if isinstance(made, Download):
        return "GET", made.path, {}, {}, None, True
    if isinstance(made, Feed):
        return "GET", "/v1/events/stream", {}, {"Last-Event-ID": str(made.after)}, None, True
    assert isinstance(made, Call)
    return made.method, made.path, dict(made.query), dict(made.headers), made.body, made.again


def test_every_operation_has_a_method_and_no_method_is_without_one(app: FastAPI) -> None:
    assert set(makers(Client)) == set(operations(app)) - FOR_BROWSERS


def test_both_clients_have_the_same_calls() -> None:
    assert makers(Client) == makers(AsyncClient)


@pytest.mark.parametrize("name", sorted(makers(Client)))
def test_a_method_asks_what_the_document_says(app: FastAPI, name: str) -> None:
    method, path, query, headers, body, again = asked(name)
    said_method, said_path, operation = operations(app)[name]
    assert method == said_method
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", said_path), path)
    parameters = [one for one in operation.get("parameters", []) if one["in"] in ("query", "header")]
    of = {place: {one["name"].lower() for one in parameters if one["in"] == place} for place in ("query", "header")}
    # Whether to look or to keep is for browsers.
    assert set(query) == of["query"] - {"download"}
    assert {one.lower() for one in headers} == of["header"]
    assert again or method in ("POST", "PATCH", "PUT", "DELETE")
    kinds = set(operation.get("requestBody", {}).get("content", {}))
    assert {Json: {"application/json"}, Form: {"multipart/form-data"}}.get(type(body), kinds) == kinds
    if isinstance(body, Form):
        schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert {part for part, _, _ in body.parts} == set(schema["properties"])
    assert (body is None) == (not kinds) and (not isinstance(body, Upload) or "application/octet-stream" in kinds)


@pytest.mark.parametrize("name", sorted(makers(Client)))
def test_help_says_what_a_method_takes(name: str) -> None:
    for kind in (Client, AsyncClient):
        method = getattr(kind("http://127.0.0.1"), name)
        assert method.__doc__ and "self" not in inspect.signature(method).parameters
