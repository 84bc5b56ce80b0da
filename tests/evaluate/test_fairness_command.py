"""The command on a FairFace of a few photos, with a model of random weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from mien import Analyzer
from mien.align.view import FaceView
from mien.cli.main import run
from mien.dataset.fairface import read_fairface
from mien.errors import EngineError, SettingsError
from mien.evaluate.fairness_photos import Models, name_photos, open_models
from mien.expression.classes import FERPLUS
from mien.expression.model_file import open_expression
from mien.face import Expression
from mien.image import encode_image, open_photo
from mien.settings import Settings
from tiny_expression import HEADS, card_table, install, write_model

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "fairness.schema.json").read_text("utf-8"))
RACES = ("White", "Black")
N_FACES = 4


@pytest.fixture(scope="module")
def fairface(astronaut: np.ndarray, coffee: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of a face in different light and place, and one of a cup of coffee."""
    root = tmp_path_factory.mktemp("fairface")
    (root / "val").mkdir()
    face = astronaut[:240, 100:340]
    lopsided = (face * np.linspace(0.1, 1, face.shape[1])[:, None]).astype(np.uint8)
    photos = [face, face[:, ::-1], lopsided, cv2.GaussianBlur(astronaut[10:250, 110:350], (0, 0), 2)]
    lines = ["file,age,gender,race"]
    for place, photo in enumerate([*photos, coffee[:224, :224]]):
        (root / f"val/{place}.png").write_bytes(encode_image(np.ascontiguousarray(photo), ".png"))
        lines.append(f"val/{place}.png,{'30-39' if place % 3 else '3-9'},Female,{RACES[place % 2]}")
    (root / "val.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def models(tiny: Settings) -> Models:
    return open_models("tiny", None, tiny)


@pytest.fixture
def command(
    tiny: Settings, fairface: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `mien evaluate fairness` on the photos with the model `tiny`: exit code, stdout, stderr."""
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tiny.cache_dir))

    def call(*more: str, model: str = "tiny") -> tuple[int, str, str]:
        code = run(["evaluate", "fairness", "--data", str(fairface), "--model", model, *more])
        return code, *capsys.readouterr()

    return call


def record_of(out: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(out)
    Draft202012Validator(SCHEMA).validate(record)
    return record


def new_model(folder: Path, seed: int = 8, **spec: Any) -> Path:
    path = write_model(folder / "new.onnx", seed=seed)
    path.with_suffix(".json").write_text(json.dumps(card_table(path, "new", **spec)))
    return path


def test_json_alone_on_stdout(command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = command("--json", "-")
    record = record_of(out)
    assert (code, err) == (0, "")
    assert (record["split"], record["n_photos"], record["n_faces"], record["n_unreadable"]) == ("valid", 5, N_FACES, 0)
    assert record["vocabulary"] == "ferplus" and record["classes"] == list(FERPLUS)
    assert [one["name"] for one in record["groupings"]] == ["race", "gender", "age", "race x gender"]
    black, white = record["groupings"][0]["groups"]
    assert (black["n_photos"], black["n_faces"], white["n_photos"], white["n_faces"]) == (2, 2, 3, 2)
    assert white["not_found"]["value"] == pytest.approx(1 / 3)
    mirror, small = record["comparisons"]
    assert mirror["name"] == "mirror" and mirror["models"] == [record["model"]] * 2
    assert small["name"] == "24 px" and small["models"] == [record["model"]] * 2
    assert record["groupings"][1]["spreads"] == []


def test_the_road_is_that_of_analyze(fairface: Path, models: Models, tiny: Settings) -> None:
    """Each face gets the name and the confidence that `mien analyze` gives it."""
    rows = read_fairface(fairface, "valid")
    named, unreadable = name_photos(rows, models, Analyzer((), tiny))
    assert unreadable == () and named.found.tolist() == [True] * N_FACES + [False]
    analyzer = Analyzer(["expression"], tiny)
    for place in range(N_FACES):
        expression = analyzer.analyze(rows[place].path).faces[0].expression
        assert isinstance(expression, Expression)
        assert named.confidence[place] == pytest.approx(expression.confidence, abs=1e-5)
        probabilities = list(expression.probabilities.values())
        assert named.said[place] == int(np.argmax(probabilities))


def test_the_mirror_is_asked(fairface: Path, models: Models, tiny: Settings) -> None:
    rows = read_fairface(fairface, "valid")[:N_FACES]
    mirror = name_photos(rows, models, Analyzer((), tiny))[0].twice[0]
    detector, network = Analyzer((), tiny), open_expression("tiny", tiny)
    for place, row in enumerate(rows):
        face = detector.analyze(row.path).faces[0]
        crop = network.crop(FaceView(open_photo(row.path), face.detection))
        pair = network.logits(np.stack([crop, crop[:, ::-1]]))["ferplus"].argmax(axis=1)
        assert (mirror.first[place], mirror.second[place]) == tuple(pair)
    assert (mirror.first != mirror.second).any()


def test_a_reference_that_is_the_model_agrees(command: Callable[..., tuple[int, str, str]]) -> None:
    record = record_of(command("--reference", "tiny", "--json", "-")[1])
    assert record["comparisons"][2]["models"] == [record["model"]] * 2
    assert record["all_photos"]["agreements"][2]["agreement"]["value"] == 1


def test_a_reference_is_another_model(
    command: Callable[..., tuple[int, str, str]], tiny: Settings, fairface: Path, tmp_path: Path
) -> None:
    path = new_model(tmp_path)
    record = record_of(command("--reference", str(path), "--json", "-")[1])
    assert record["comparisons"][2]["models"][1].startswith("new@")
    both = [
        name_photos(read_fairface(fairface, "valid"), open_models(one, None, tiny), Analyzer((), tiny))[0].said
        for one in ("tiny", str(path))
    ]
    expected = (both[0] == both[1]).mean()
    assert expected < 1
    assert record["all_photos"]["agreements"][2]["agreement"]["value"] == pytest.approx(expected)


def test_a_reference_with_its_classes_in_another_order(fairface: Path, tiny: Settings, tmp_path: Path) -> None:
    """The same network, whose card gives the outputs other names: what it says is compared by name."""
    turned = [HEADS[0] | {"classes": list(FERPLUS[::-1])}]
    models = open_models("tiny", str(new_model(tmp_path, seed=7, heads=turned)), tiny)
    named, _ = name_photos(read_fairface(fairface, "valid"), models, Analyzer((), tiny))
    reference = named.twice[2]
    assert (reference.second == len(FERPLUS) - 1 - reference.first).all()


def test_models_without_a_common_vocabulary(tiny: Settings, tmp_path: Path) -> None:
    moods = [HEADS[0] | {"vocabulary": "moods"}]
    with pytest.raises(SettingsError, match=r"names faces in ferplus, fer2013, .* in moods"):
        open_models("tiny", str(new_model(tmp_path, heads=moods)), tiny)


def test_the_first_common_vocabulary_is_taken(tiny: Settings, tmp_path: Path) -> None:
    models = open_models("tiny", str(new_model(tmp_path, heads=[HEADS[1]])), tiny)
    assert models.vocabulary == "fer2013" and len(models.head.classes) == 7


def test_text_says_what_it_cannot_show(command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = command()
    assert code == 0
    for words in ("by race\n", "by race x gender", "not found", "contempt", "named otherwise, %", "by chance", "24 px"):
        assert words in out
    flat = " ".join(out.split())
    assert "no ground truth" in flat and "annotators guessed" in flat and "no statement about any person" in flat


def test_pictures_and_files(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    out = tmp_path / "report"
    code, _, _ = command("--reference", "tiny", "--out", str(out), "--json", str(tmp_path / "report.json"))
    assert code == 0 and sorted(path.name for path in out.iterdir()) == ["fairness.png", "groups.csv"]
    record = record_of((tmp_path / "report.json").read_text("utf-8"))
    pixels = cv2.imread(str(out / "fairness.png"))
    assert pixels.shape[1] > 1500 and 0.001 < (pixels < 128).any(axis=2).mean() < 0.9
    with (out / "groups.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 + sum(len(one["groups"]) for one in record["groupings"])
    assert float(rows[0]["reference_agreement"]) == 1


def test_a_limit(command: Callable[..., tuple[int, str, str]]) -> None:
    record = record_of(command("--limit", "3", "--json", "-")[1])
    assert record["n_photos"] == 3


def test_a_photo_that_cannot_be_read_is_named_and_left_out(
    command: Callable[..., tuple[int, str, str]], fairface: Path, tmp_path: Path
) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val/0.png").write_bytes((fairface / "val/0.png").read_bytes())
    (tmp_path / "val/1.png").write_bytes(b"no picture")
    table = (fairface / "val.csv").read_text().splitlines()[:3]
    (tmp_path / "val.csv").write_text("\n".join(table))
    code, out, err = command("--data", str(tmp_path), "--json", "-")
    record = record_of(out)
    assert (code, record["n_photos"], record["n_unreadable"]) == (0, 1, 1)
    assert "not read" in err and "1.png" in err


def test_no_face_is_an_error(command: Callable[..., tuple[int, str, str]], fairface: Path, tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val/4.png").write_bytes((fairface / "val/4.png").read_bytes())
    (tmp_path / "val.csv").write_text("file,age,gender,race\nval/4.png,3-9,Male,White\n")
    code, _, err = command("--data", str(tmp_path))
    assert code == 2 and "Not one face was found in 1 photos" in err


def test_a_split_that_is_absent(command: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = command("--split", "train")
    assert code == 2 and "train.csv" in err


def test_outputs_that_are_not_finite(fairface: Path, tiny: Settings, tmp_path: Path) -> None:
    spoilt = tiny.model_copy(update={"cache_dir": tmp_path})
    install(spoilt, "spoilt", spoil=float("nan"))
    models = open_models("spoilt", None, spoilt)
    with pytest.raises(EngineError, match=r"spoilt@.* is not finite"):
        name_photos(read_fairface(fairface, "valid"), models, Analyzer((), tiny))


def test_the_schema_is_tight(command: Callable[..., tuple[int, str, str]]) -> None:
    """It refuses a field that is lost or added, at every depth."""
    Draft202012Validator.check_schema(SCHEMA)
    record = record_of(command("--json", "-")[1])
    group, spread = ("groupings", 0, "groups", 0), ("groupings", 0, "spreads", 0)
    inside = [(*group, *more) for more in (("unsure",), ("distance",), ("agreements", 0), ("agreements", 0, "kappa"))]
    for path in ((), ("comparisons", 0), ("all_photos",), group[:2], group, *inside, spread, (*spread, "ratio")):
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
