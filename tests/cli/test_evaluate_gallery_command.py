"""Both commands on made-up embeddings, in the layout of LFW."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

import mien.cli.evaluate_gallery as command
from mien.cli.main import run
from mien.decide.calibration import Calibration, ErrorRate, Knot
from mien.evaluate.identification import NOT_ENROLLED
from mien.evaluate.people import PeoplePhotos
from mien.evaluate.templates import Missing, Templates

DOCS = Path(__file__).parents[2] / "docs"
PEOPLE, STRANGERS = 80, 30
KNOTS = tuple(Knot(score / 10, ErrorRate(10.0**-score, 10.0**-score, 10.0**-score)) for score in range(8))
CALIBRATION = Calibration("made-up", "net@1", "made-up people", "these", 1000, 1000, 499_500, KNOTS)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """80 people with two photos each, of whom P_00's second has no face, and 30 strangers. The files are empty."""
    for person in range(PEOPLE):
        folder = tmp_path / "people" / f"P_{person:02d}"
        folder.mkdir(parents=True)
        for photo in (1, 2):
            (folder / f"{folder.name}_{photo:04d}.jpg").touch()
    (tmp_path / "street").mkdir()
    for stranger in range(STRANGERS):
        (tmp_path / "street" / f"{stranger:02d}.jpg").touch()

    def embed(analyzer: object, photos: PeoplePhotos, progress: object) -> Templates:
        random = np.random.default_rng(0)
        centres = random.normal(size=(PEOPLE + STRANGERS, 128))
        lost = tuple(Missing(path, "no face found") for path in photos.paths if path.stem == "P_00_0002")
        paths = tuple(path for path in photos.paths if path.stem != "P_00_0002")
        people = [int(path.stem[2:4]) if path.stem[0] == "P" else PEOPLE + int(path.stem) for path in paths]
        vectors = centres[people] + 0.4 * random.normal(size=(len(people), 128))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        numbers = np.unique(people, return_inverse=True)[1]
        unknown = np.full(len(people), np.nan, np.float32)
        return Templates(vectors.astype(np.float32), numbers, paths, unknown, "net@1", lost)

    monkeypatch.setattr(command, "Analyzer", lambda *_, **__: SimpleNamespace(embedding_model="net@1"))
    monkeypatch.setattr(command, "embed_photos", embed)
    monkeypatch.setattr(command.Calibration, "for_model", lambda *_: CALIBRATION)
    return tmp_path


def record_of(out: str, schema: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(out)
    by = json.loads((DOCS / f"evaluation-{schema}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(by)
    Draft202012Validator(by).validate(record)
    with pytest.raises(ValidationError):
        Draft202012Validator(by).validate(record | {"more": 1})
    return record


def identification(photos: Path, *more: str) -> int:
    return run(["evaluate", "identification", "--people", str(photos / "people"), *more])


def test_identification_as_json(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    street = str(photos / "street")
    assert identification(photos, "--strangers", street, "--size", "20, 60,20", "--repeat", "2", "--json", "-") == 0
    record = record_of(capsys.readouterr().out, "identification")
    assert [one["n_people"] for one in record["sizes"]] == [20, 60]
    assert (record["n_photos"], record["n_no_face"], record["asked_fpir"]) == (160, 1, 0.01)
    small, large = record["sizes"]
    assert [one["source"] for one in large["strangers"]] == [NOT_ENROLLED, street]
    assert large["strangers"][1]["n_searches"] == 2 * STRANGERS and large["strangers"][1]["holds"]
    assert small["n_probes"] == 40 and large["misses"]["other_closer"] == 0
    assert [one["seed"] for one in large["galleries"]] == [1, 2]


def test_identification_as_text(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = photos / "report.json"
    assert identification(photos, "--size", "79", "--seed", "3", "--fpir", "0.05", "--json", str(report)) == 0
    out = capsys.readouterr()
    assert "160 of 80 people, 1 of them without a face" in out.out
    assert "5.00%" in out.out and NOT_ENROLLED in out.out and "yes" in out.out
    assert "P_00_0002.jpg: no face found" in out.err
    assert record_of(report.read_text(), "identification")["sizes"][0]["galleries"][0]["seed"] == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--size", "many"), "no list of numbers"),
        (("--size", "0"), "no list of numbers"),
        (("--size", "81"), "80 can be enrolled"),
        (("--size", "80"), "no stranger"),
        (("--fpir", "0"), "no false positive identification rate"),
        (("--size", "20", "--fpir", "1e-9"), "below what calibration"),
    ],
)
def test_what_identification_cannot_do(
    photos: Path, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert identification(photos, *(("--size", "20") if "--size" not in more else ()), *more) == 2
    assert said in capsys.readouterr().err


def test_clustering(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = str(photos / "people")
    assert run(["evaluate", "clustering", "--people", people, "--fmr", "1e-4", "--json", "-"]) == 0
    record = record_of(capsys.readouterr().out, "clustering")
    figures = record["figures"]
    assert (figures["n_faces"], figures["n_people"], figures["n_groups"]) == (159, 80, 80)
    assert record["n_no_face"] == 1 and record["threshold"] == pytest.approx(0.4)
    assert figures["pairs"]["precision"] == 1.0 and figures["pairs"]["recall"] == pytest.approx(79 / 80)
    assert run(["evaluate", "clustering", "--people", people]) == 0
    text = capsys.readouterr().out
    assert "159 with a face of 80 people, 1 without; 80 groups" in text and "98.75%" in text


def test_an_unsupported_rate_is_refused_before_the_work(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "embed_photos", None)
    assert run(["evaluate", "clustering", "--people", str(photos / "people"), "--fmr", "1e-9"]) == 2
    assert "below what calibration" in capsys.readouterr().err


def test_clustering_the_people_of_a_pairs_file(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs, people = photos / "pairs.txt", str(photos / "people")
    pairs.write_text("2\nP_03\t1\t2\nP_04\t1\t2\nP_03\t1\tP_05\t2\nP_04\t1\tP_06\t2\n")
    assert run(["evaluate", "clustering", "--people", people, "--pairs", str(pairs), "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert (figures["n_faces"], figures["n_people"]) == (8, 4)
    pairs.write_text("1\nSomebody\t1\t2\nSomebody\t1\tElse\t2\n")
    assert run(["evaluate", "clustering", "--people", people, "--pairs", str(pairs)]) == 2
    assert "names nobody" in capsys.readouterr().err


def test_without_a_calibration_nothing_is_embedded(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.Calibration, "for_model", lambda *_: None)
    monkeypatch.setattr(command, "embed_photos", None)
    assert run(["evaluate", "clustering", "--people", str(photos / "people")]) == 2
    assert "No calibration is for net@1" in capsys.readouterr().err
