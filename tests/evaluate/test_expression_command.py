from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from made_up_faces import ten_votes

from mien.cli.evaluate_expression import expression
from mien.cli.main import run
from mien.evaluate.robustness import KINDS, N_POINTS
from mien.expression.classes import FER2013, FERPLUS
from mien.settings import Settings, load_settings
from tiny_expression import card_table, install, write_model

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "evaluation-expression.schema.json").read_text("utf-8"))
PICTURES = ["confusion.png", "coverage.png", "reliability.png", "worst.png"]
N = 21


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An own cache with the model `tiny` in it, found by the command through the environment."""
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    install(load_settings())
    return load_settings()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Noise in FER2013's layout with votes: each class three times; two twins, and one face that nobody voted on."""
    random = np.random.default_rng(9)
    columns = [*FERPLUS, "unknown", "NF"]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "split", "label", *columns, "twin_in_other_split", "twin_label_conflict"])
        for place in range(N):
            name = f"valid/{place:02d}.png"
            (tmp_path / "valid").mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name), random.integers(0, 256, (48, 48), np.uint8))
            votes = ten_votes(**({FERPLUS[place % 8]: 9, "unknown": 1} if place else {}))
            rows.writerow([name, "valid", FER2013[place % 7], *map(int, votes), place < 2, False])
    return tmp_path


def arguments(data: Path, *more: str) -> list[str]:
    return ["evaluate", "expression", "--data", str(data), "--split", "valid", "--model", "tiny", *more]


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    Draft202012Validator(SCHEMA).validate(record)
    return record


def test_json_alone_on_stdout(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(data, "--json", "-")) == 0
    record = printed(capsys)
    assert (record["split"], record["n_faces"], record["n_twins"]) == ("valid", N, 2)
    assert {head["vocabulary"]: head["n_kept"] for head in record["heads"]} == {"ferplus": N - 1, "fer2013": N}
    assert record["heads"][0]["dropped"] == [{"reason": "no votes", "n": 1}]
    assert [head["without_twins"]["n"] for head in record["heads"]] == [N - 2, N - 2]
    assert [head["temperature"] for head in record["heads"]] == [1.5, 0.8]
    assert record["robustness"] == []


def test_the_figures_are_those_of_the_network(
    settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted anew from the stage's own answers on the same pictures."""
    from mien.expression.model_file import open_expression

    network = open_expression("tiny", settings)
    pictures = [cv2.imread(str(data / f"valid/{place:02d}.png"), cv2.IMREAD_GRAYSCALE) for place in range(N)]
    said = network.probabilities(np.stack(pictures))["fer2013"].argmax(axis=1)
    run(arguments(data, "--json", "-"))
    scores = printed(capsys)["heads"][1]["all_faces"]
    assert scores["accuracy"]["value"] == pytest.approx((said == np.arange(N) % 7).mean())
    assert [one["n_said"] for one in scores["by_class"]] == np.bincount(said, minlength=7).tolist()


def test_text_has_both_heads_apart(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(data)) == 0
    out = capsys.readouterr().out
    first, second = out.partition("fer2013, by the labels of the set")[::2]
    assert "ferplus, by the majority of the FER+ votes: 20 faces, 1 left out: no votes" in first
    assert "contempt" in first and "contempt" not in second and "cross-entropy with the votes" in first
    assert all(f"\n{name} " in second for name in FER2013)
    assert len(re.findall(r"^0\.[3-9] ", second, re.MULTILINE)) == 7


def test_pictures_and_file(settings: Settings, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assert run(arguments(data, "--out", str(out), "--json", str(tmp_path / "report.json"))) == 0
    assert sorted(path.name for path in out.iterdir()) == PICTURES
    Draft202012Validator(SCHEMA).validate(json.loads((tmp_path / "report.json").read_text("utf-8")))


def test_robustness(settings: Settings, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    assert run(arguments(data, "--robustness", "--out", str(out), "--json", "-")) == 0
    record = printed(capsys)
    assert sorted(path.name for path in out.iterdir()) == sorted([*PICTURES, "robustness.png"])
    for curve, head in zip(record["robustness"], record["heads"], strict=True):
        assert curve["as_they_are"] == head["all_faces"]["accuracy"] and curve["n"] == head["n_kept"]
        assert [(one["kind"], one["level"]) for one in curve["points"]] == [
            (name, level) for name, kind in KINDS.items() for level in kind.levels
        ]
        unchanged = next(one for one in curve["points"] if (one["kind"], one["level"]) == ("resolution", 48))
        assert unchanged["lost"] == {"value": 0, "low": 0, "high": 0}


def test_robustness_as_text(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(data, "--robustness")) == 0
    out = capsys.readouterr().out
    assert "resolution (side of the face, px)" in out and "points lost" in out


def test_the_help_says_how_long_robustness_takes() -> None:
    option = next(one for one in expression.__annotations__.items() if one[0] == "robust")
    assert f"{N_POINTS + 1} times" in str(option[1])


def test_a_file_with_its_card(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_model(data / "new.onnx", seed=8)
    path.with_suffix(".json").write_text(json.dumps(card_table(path, "new")))
    assert run([*arguments(data)[:-1], str(path), "--json", "-"]) == 0
    assert printed(capsys)["model"].startswith("new@")


def test_other_classes_are_refused_before_the_work(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "valid"):
        for name in ("bored", "keen"):
            folder = tmp_path / "moods" / split / name
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / "a.png"), np.full((48, 48), len(name + split), np.uint8))
    assert run(arguments(tmp_path / "moods")) == 2
    error = capsys.readouterr().err
    assert "bored, keen" in error and "contempt" in error and "angry" in error


def test_no_such_split(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test" if one == "valid" else one for one in arguments(data)]) == 2
    assert "no test split" in capsys.readouterr().err


def test_training_faces_are_not_measured_on(settings: Settings, data: Path) -> None:
    assert run(["train" if one == "valid" else one for one in arguments(data)]) == 2


def test_the_schema_is_tight(settings: Settings, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It refuses a field that is lost or added, at every depth."""
    Draft202012Validator.check_schema(SCHEMA)
    run(arguments(data, "--robustness", "--json", "-"))
    record = printed(capsys)
    head, point = ("heads", 0), ("robustness", 0, "points", 0)
    scores = (*head, "all_faces")
    inside = [
        (*scores, *more) for more in (("raw",), ("raw", "bins", 0), ("by_class", 0), ("votes",), ("selective", 0))
    ]
    for path in ((), head, scores, *inside, point[:2], point):
        broken = json.loads(json.dumps(record))
        inner = broken
        for key in path:
            inner = inner[key]
        name, value = inner.popitem()
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMA).validate(broken)
        inner |= {name: value, "more": 1}
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMA).validate(broken)
