"""What programs read is what docs/*.schema.json say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from mien import Analyzer
from mien.analyze import STAGES
from mien.cli.main import run
from mien.compare import Comparer
from mien.face import Analysis, Box, Detection, Face, Failed
from mien.image import encode_image
from mien.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


ANALYSIS, COMPARISON = schema("analysis"), schema("comparison")
REGISTRY: Registry[Any] = Registry().with_resources(
    [(one["$id"], Resource.from_contents(one)) for one in (ANALYSIS, COMPARISON)]
)


def check(record: object, by: dict[str, Any]) -> None:
    Draft202012Validator(by, registry=REGISTRY).validate(record)


def part(name: str) -> dict[str, Any]:
    return {"$ref": f"{ANALYSIS['$id']}#/$defs/{name}"}


@pytest.fixture(scope="module")
def analyzer(weights: Settings) -> Analyzer:
    return Analyzer(settings=weights)


def test_the_schemas_are_schemas() -> None:
    for one in (ANALYSIS, COMPARISON):
        Draft202012Validator.check_schema(one)


def test_lines_of_analyze(astronaut: np.ndarray, coffee: np.ndarray, tmp_path: Path) -> None:
    """A face, no face, and a file that is no photo."""
    (tmp_path / "a.png").write_bytes(encode_image(astronaut, ".png"))
    (tmp_path / "b.png").write_bytes(encode_image(coffee, ".png"))
    (tmp_path / "c.png").write_bytes(b"no picture at all")
    out = tmp_path / "lines.jsonl"
    assert run(["analyze", str(tmp_path), "--json", str(out)]) == 1
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for record in records:
        check(record, ANALYSIS)
    assert [len(record.get("faces", "error")) for record in records] == [1, 0, len("error")]


@pytest.mark.parametrize("stages", [(), *[(stage,) for stage in STAGES], STAGES], ids="-".join)
def test_results_of_each_stage(stages: tuple[Any, ...], weights: Settings, astronaut: np.ndarray) -> None:
    record = Analyzer(stages, weights).analyze(astronaut).to_dict()
    check(record, part("analysis"))
    assert len(record["faces"]) == 1


def test_failed_stages(astronaut: np.ndarray) -> None:
    failed = Failed("align", "The five landmarks coincide.")
    face = Face(Detection(Box(1, 2, 3, 4), 0.9, np.zeros((5, 2), np.float32)), failed, failed, failed, failed)
    check(Analysis(8, 8, (face,)).to_dict(), part("analysis"))


def test_comparisons(analyzer: Analyzer, astronaut: np.ndarray, coffee: np.ndarray) -> None:
    compared = Comparer(analyzer)
    for second in (astronaut, coffee):
        check({"schema": "mien.comparison/1"} | compared(astronaut, second).to_dict(), COMPARISON)


def test_the_line_of_compare(astronaut: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(encode_image(astronaut, ".png"))
    run(["compare", str(photo), str(photo), "--json"])
    check(json.loads(capsys.readouterr().out), COMPARISON)


def test_what_is_wrong_is_refused(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    """The schemas are tight enough to catch a field that is lost, renamed or added."""
    record = analyzer.analyze(astronaut).to_dict()
    for path in (
        ("width",),
        ("faces", 0, "detection"),
        ("faces", 0, "landmark", "pose"),
        ("faces", 0, "embedding", "model"),
        ("faces", 0, "expression"),
        ("faces", 0, "expression", "probabilities"),
    ):
        broken = json.loads(json.dumps(record))
        inner = broken
        for key in path[:-1]:
            inner = inner[key]
        value = inner.pop(path[-1])
        with pytest.raises(ValidationError):
            check(broken, part("analysis"))
        inner[f"{path[-1]}_renamed"] = value
        with pytest.raises(ValidationError):
            check(broken, part("analysis"))
