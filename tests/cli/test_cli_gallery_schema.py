"""What `mien gallery ... --json` writes is what docs/*.schema.json say, and they are tight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gallery_at_a_shell import ANNA, BEN, DORA, HOSTILE, Shell, shell_in
from jsonschema import Draft202012Validator, ValidationError
from made_up_people import calibration, near
from made_up_photos import profile
from referencing import Registry, Resource

import mien.cli.gallery.clustering as clustering
from mien.cli.gallery.identifying import face_record
from mien.face import Failed
from mien.gallery.asking import Sighting
from mien.gallery.people import Profile

DOCS = Path(__file__).parents[2] / "docs"
OWN = ("identification", "enrolment", "person", "gallery", "event", "findings", "clusters")
SCHEMAS = {
    name: json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("analysis", "comparison", *OWN)
}
REGISTRY: Registry[Any] = Registry().with_resources(
    [(one["$id"], Resource.from_contents(one)) for one in SCHEMAS.values()]
)


def check(record: Any, name: str) -> None:
    assert record["schema"] == f"mien.{name}/1"
    Draft202012Validator(SCHEMAS[name], registry=REGISTRY).validate(record)


def paths(record: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each field of each object, but for those that may be absent or have names of their own."""
    if isinstance(record, dict):
        for key, value in record.items():
            yield (*path, key)
            if key not in ("names", "detail"):
                yield from paths(value, (*path, key))
    elif isinstance(record, list):
        for place, value in enumerate(record):
            yield from paths(value, (*path, place))


def check_tightness(record: Any, name: str) -> None:
    """A field that is renamed is refused, wherever it is."""
    check(record, name)
    for path in paths(record):
        broken = json.loads(json.dumps(record))
        inner = broken
        for key in path[:-1]:
            inner = inner[key]
        inner[f"{path[-1]}_renamed"] = inner.pop(path[-1])
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMAS[name], registry=REGISTRY).validate(broken)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    made = shell_in(tmp_path, monkeypatch, capsys, keep_answers_days=3)
    made.enrol("Anna", ANNA, 2, "--set", "valid_until=2199-01-01", "--set", "external_id=17")
    return made


@pytest.mark.parametrize("name", OWN)
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:mien:{name}:1"


def test_lines_of_enrol(shell: Shell) -> None:
    shell("enrol", *shell.studio.of(ANNA, 9), shell.photo(BEN), shell.folder / "absent", "--to", "17", "--json", "-")
    (record,) = shell.json()
    check_tightness(record, "enrolment")
    assert {photo["code"] for photo in record["photos"]} == {"ok", "surplus", "unlike", "image-missing"}
    shell("enrol", shell.photo(ANNA), "--name", HOSTILE, "--consent", "by=a", "--consent", "purpose=b", "--consent",
          "how=c", "--json", "-")  # fmt: skip
    check(shell.json()[0], "enrolment")
    assert shell.json()[0]["person_id"] is None


def test_lines_of_identify(shell: Shell) -> None:
    seen = shell.photo(near(ANNA, 0.9, 1), near(DORA, 0.9, 2))
    shell("identify", seen, shell.photo(), shell.folder / "absent", "--top", "3", "--json", "-")
    faces, nobody, absent = shell.json()
    check_tightness(faces, "identification")
    check(nobody, "identification")
    check(absent, "identification")
    with shell.opened() as gallery:
        (one, _) = gallery.identify(seen)
    failed = face_record(Sighting(one.face, Failed("align", "The five landmarks coincide."), {}))
    check({"schema": "mien.identification/1", "source": "x", "faces": [failed]}, "identification")


def test_lines_of_list_show_and_history(shell: Shell) -> None:
    with shell.opened() as gallery:
        gallery.add_people([(profile(HOSTILE), ()), (Profile("Ben", consent=profile("x").consent), ())])
    shell("rename", "Ben", "Benjamin")
    shell("remove", "Benjamin", "--yes")
    assert shell("list", "--json", "-") == 0
    for record in shell.json():
        check(record, "person")
    assert shell("show", "17", "--json", "-") == 0
    check(shell.json()[0], "person")
    assert shell("show", "--json", "-") == 0
    check_tightness(shell.json()[0], "gallery")
    assert shell("history", "--json", "-") == 0
    for record in shell.json():
        check_tightness(record, "event")


def test_the_findings_of_doctor(shell: Shell) -> None:
    shell.enrol("Ben", BEN, 2)
    shell("enrol", shell.photo(near(ANNA, 0.9, 77)), "--to", "Ben", "--allow", "duplicate,unlike")
    shell("enrol", shell.photo(near(DORA, 0.9, 78)), "--to", "Anna", "--allow", "unlike")
    assert shell("doctor", "--json", "-") == 1
    (record,) = shell.json()
    check_tightness(record, "findings")
    assert {one["kind"] for one in record["findings"]} == {"mislabelled", "poisoned"}


def test_the_groups_of_cluster(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "Analyzer", lambda *_, **__: shell.studio)
    monkeypatch.setattr(clustering.Calibration, "for_model", lambda *_: calibration())
    photos = [*shell.studio.of(ANNA, 2), shell.photo(), shell.folder / "absent"]
    assert shell("cluster", *photos, "--to", shell.folder / "sorted", "--json", "-") == 1
    check_tightness(shell.json()[0], "clusters")
