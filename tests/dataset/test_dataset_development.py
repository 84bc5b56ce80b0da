"""The sets that lie beside the project while it is built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.dataset.fairface import read_fairface
from mien.dataset.ferplus import majority
from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013
from mien.image import open_photo


@pytest.mark.slow
def test_fer2013_train(data: Path) -> None:
    train = read_faces(data / "fer2013", "train")
    assert train.faces.shape == (28537, 48, 48) and train.classes == FER2013
    for index in range(0, 28537, 1000):
        slow = open_photo(data / "fer2013" / train.names[index]).pixels().pixels
        assert (slow == train.faces[index][:, :, None]).all()


def test_fer2013_valid(data: Path) -> None:
    valid = read_faces(data / "fer2013", "valid")
    table = (data / "fer2013" / "labels.csv").read_text().splitlines()
    rows = [row.split(",") for row in table if ",valid," in row]
    assert valid.faces.shape == (len(rows), 48, 48) == (3579, 48, 48)
    assert [valid.classes[label] for label in valid.labels] == [row[2] for row in rows]
    assert valid.twins.sum() == sum(row[13] == "True" for row in rows) > 300
    assert valid.votes is not None and valid.votes.tolist() == [list(map(float, row[3:13])) for row in rows]
    won = majority(valid.votes)
    assert won.min() == -1 and won.max() == 7 and 0.8 < np.mean(won >= 0) < 1


def test_fer2013_has_no_test_split_here(data: Path) -> None:
    with pytest.raises(DataError, match="has no test split: it has train and valid"):
        read_faces(data / "fer2013", "test")


def test_ck_plus_is_a_plain_folder_per_class(data: Path) -> None:
    train, valid = (read_faces(data / "ckplus48", split) for split in ("train", "valid"))
    assert len(train.faces) + len(valid.faces) == 771 and "contempt" in train.classes
    assert len(valid.faces) < len(train.faces) / 5


@pytest.mark.parametrize(("split", "count"), [("train", 7000), ("valid", 5000)])
def test_fairface(data: Path, split: str, count: int) -> None:
    rows = read_fairface(data / "fairface", split)
    assert len(rows) == count and {row.gender for row in rows} == {"Female", "Male"}
    assert len({row.race for row in rows}) == 7 and len({row.age for row in rows}) == 9
