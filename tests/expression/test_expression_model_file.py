from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mien.errors import WeightsCardInvalid, WeightsHashMismatch, WeightsUnknown
from mien.expression.model_file import open_expression
from mien.settings import Settings
from tiny_expression import card_table, install, write_model

FACES = np.random.default_rng(3).integers(0, 256, (2, 48, 48), np.uint8)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", offline=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model that has just been exported, and its card beside it."""
    path = write_model(tmp_path / "new-face.onnx")
    path.with_suffix(".json").write_text(json.dumps(card_table(path, "tiny")))
    return path


def test_by_name_and_by_file_are_the_same(settings: Settings, file: Path) -> None:
    card = install(settings)
    by_name, by_file = (open_expression(one, settings) for one in ("tiny", str(file)))
    assert by_name.model == by_file.model == card.id
    for vocabulary, logits in by_name.logits(FACES).items():
        assert np.array_equal(logits, by_file.logits(FACES)[vocabulary])


def test_a_file_leaves_nothing_behind(settings: Settings, file: Path) -> None:
    before = sorted(file.parent.rglob("*"))
    open_expression(str(file), settings)
    assert sorted(file.parent.rglob("*")) == before
    assert not settings.cache_dir.exists()


def test_a_model_of_one_vocabulary(settings: Settings, file: Path) -> None:
    table = card_table(file, "tiny")
    table["expression"]["heads"] = table["expression"]["heads"][1:]
    file.with_suffix(".json").write_text(json.dumps(table))
    assert set(open_expression(str(file), settings).logits(FACES)) == {"fer2013"}


def test_no_such_name(settings: Settings) -> None:
    with pytest.raises(WeightsUnknown):
        open_expression("nobody", settings)


def test_no_such_file(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(WeightsCardInvalid, match="no file"):
        open_expression(str(tmp_path / "absent.onnx"), settings)


def test_no_card_beside_it(settings: Settings, file: Path) -> None:
    file.with_suffix(".json").unlink()
    with pytest.raises(WeightsCardInvalid, match=r"new-face\.json"):
        open_expression(str(file), settings)


def test_a_card_that_is_no_card(settings: Settings, file: Path) -> None:
    file.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsCardInvalid, match="cannot be read"):
        open_expression(str(file), settings)


def test_the_card_of_another_file(settings: Settings, file: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other.onnx", seed=8)
    shutil.copyfile(other, file)
    with pytest.raises(WeightsHashMismatch):
        open_expression(str(file), settings)


def test_a_model_for_something_else(settings: Settings) -> None:
    with pytest.raises(WeightsCardInvalid, match="no expression model"):
        install(settings)
        open_expression("yunet", settings)
