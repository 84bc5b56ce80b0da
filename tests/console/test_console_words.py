"""What the service says, in the languages of the console: by the sources of both, so that they cannot drift."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

import mien.server.app
import mien.server.run  # noqa: F401 - all errors of the service are there once this is
from mien.errors import MienError
from mien.quality.components import COMPONENTS
from mien.server.errors import ServerError

ROOT = Path(__file__).parents[2]
I18N = ROOT / "console" / "src" / "i18n"
# Never in an answer: the classes above others that are never raised, what trains, and what is before the first answer.
NEVER_SENT = {"server", "recipe", "port-taken"}
# Problems that the page finds by itself.
OF_THE_PAGE = {"offline", "page", "http"}
FURTHER = sorted(path.name.split(".")[1] for path in I18N.glob("service.*.json"))


@cache
def words(name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((I18N / f"{name}.json").read_text(encoding="utf-8"))
    return found


def kinds(above: type[MienError]) -> Iterator[type[MienError]]:
    yield above
    for one in above.__subclasses__():
        yield from kinds(one)


def sources(folder: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / "src" / "mien" / folder).rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def codes_sent() -> set[str]:
    """Of errors, and of what becomes of videos, which the server's sources name beside their errors."""
    outside = ("mien.client", "mien.train", "mien.cli", "tests")
    raised = {one.code for one in kinds(MienError) if not one.__module__.startswith(outside)}
    server = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/mien/server").rglob("*.py"))
    return (raised | set(re.findall(r'"code": "([\w-]+)"', server))) - NEVER_SENT


@cache
def sentences() -> frozenset[str]:
    """Every text of mien's sources, `{}` for what is put into it."""
    return frozenset(re.sub(r"({})+", "{}", text) for node in sources("") if (text := text_of(node)))


def text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return None


def all_said(language: str) -> dict[str, str]:
    """Sentences and what is within them."""
    found = words(f"service.{language}")
    return found["said"] | found["parts"]


def outside(groups: list[dict[str, Any]]) -> str:
    """For whom a calibration does not hold, as it says it."""
    return ", ".join(dict.fromkeys(one["group"] for one in groups if not one["within"]))


def forms(sentence: str) -> set[str]:
    """As the sources may have it, which put some together of pieces."""
    text = with_gaps(sentence)
    return {text, text.removeprefix("{}"), text.removesuffix("{}")}


def with_gaps(sentence: str) -> str:
    return re.sub(r"{>?\w+}", "{}", sentence)


def test_every_language_but_the_services_own_has_its_words() -> None:
    languages = re.findall(r"(\w+): '", re.findall(r"LANGUAGES = {(.*?)}", (I18N / "index.ts").read_text())[0])
    assert sorted({"en", *FURTHER}) == sorted(languages)


@pytest.mark.parametrize("language", ["en", *FURTHER])
def test_every_code_that_the_service_sends_has_words(language: str) -> None:
    sent = codes_sent()
    assert len(sent) > 55 and {one.code for one in kinds(ServerError)} - NEVER_SENT <= sent
    assert set(words(language)["problem"]) - {"original"} == sent | OF_THE_PAGE


@pytest.mark.parametrize("language", FURTHER)
def test_every_code_says_what_to_do(language: str) -> None:
    """Once: where the page has words of its own, or among those for the service."""
    own, further = set(words(language)["cure"]), set(words(f"service.{language}")["cure"])
    assert own | further == codes_sent() | OF_THE_PAGE and own & further == set()


@pytest.mark.parametrize("language", FURTHER)
def test_every_sentence_that_has_words_is_one_of_the_services(language: str) -> None:
    shipped = [json.loads(path.read_text()) for path in (ROOT / "src/mien/decide/calibrations").glob("*.json")]
    data = {text for one in shipped for text in (one["source"], one["domain"], outside(one["groups"]))}
    said = all_said(language)
    assert len(said) > 100
    cards = tomllib.loads((ROOT / "src/mien/weights/catalog.toml").read_text(encoding="utf-8"))
    known = sentences() | data | {one["title"] for one in cards["card"]}
    assert {one for one in said if not forms(one) & known} == set()
    gaps = {sentence: set(re.findall(r"{(\w+)}", sentence)) for sentence in said}
    assert not {one for one, text in said.items() if not set(re.findall(r"{>?(\w+)}", text)) <= gaps[one]}


@pytest.mark.parametrize("language", FURTHER)
def test_why_a_stage_could_not_answer_has_words(language: str) -> None:
    calls = [node for node in sources("") if isinstance(node, ast.Call) and ast.unparse(node.func) == "Failed"]
    why = {with_gaps(text) for call in calls if len(call.args) > 1 and (text := text_of(call.args[1]))}
    said = {with_gaps(sentence) for sentence in all_said(language)}
    assert len(why) > 5 and why - said == set()


@pytest.mark.parametrize("language", FURTHER)
def test_why_a_photo_is_poor_has_words(language: str) -> None:
    said = {with_gaps(sentence) for sentence in all_said(language)}
    for one in COMPONENTS.values():
        parts = {one.title, one.template, one.too_low, one.too_high, *(one.ways or ())} - {""}
        assert parts - said == set(), one.title


@pytest.mark.parametrize("language", ["en", *FURTHER])
def test_why_a_photo_is_not_kept_has_words(language: str) -> None:
    calls = [node for node in sources("gallery") if isinstance(node, ast.keyword) and node.arg == "code"]
    texts = {str(text.value) for node in calls for text in ast.walk(node) if isinstance(text, ast.Constant)}
    codes = texts | {"duplicate", "unfit"}
    known = set(words(language)["judged"]) - {"left_out", "other", "all"}
    assert codes == known
    page = (ROOT / "console/src/faces/Judged.tsx").read_text(encoding="utf-8")
    assert set(re.findall(r"'([\w-]+)'", re.findall(r"KNOWN = \[(.*?)\]", page)[0])) == known
