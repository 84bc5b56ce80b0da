from __future__ import annotations

import numpy as np
import pytest

from mien.dataset.sequences.sequence import NO_TIMES, FaceSequence, SequenceSet
from mien.errors import DataError
from mien.evaluate.sequence_folds import inner_folds, official_folds, subject_folds


def made_set(subjects: list[str | None], parts: list[str] | None = None) -> SequenceSet:
    places = parts or [""] * len(subjects)
    sequences = [
        FaceSequence(str(row), subject, 0, (), NO_TIMES, part)
        for row, (subject, part) in enumerate(zip(subjects, places, strict=True))
    ]
    return SequenceSet("made", "clips", ("happiness", "anger"), tuple(sequences), "")


def test_every_nth_subject_by_id_is_in_the_same_fold() -> None:
    data = made_set(["S3", "S1", "S2", "S1", "S5", "S4"])
    folds = subject_folds(data, 2)
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 3, 4], [2, 5]]
    assert [fold.train.tolist() for fold in folds] == [[2, 5], [0, 1, 3, 4]]


def test_nobody_is_on_both_sides_and_everybody_is_judged_once() -> None:
    subjects = [f"S{number % 17}" for number in range(60)]
    folds = subject_folds(made_set(list(subjects)), 10)
    for fold in folds:
        assert not {subjects[row] for row in fold.train} & {subjects[row] for row in fold.test}
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(60))


def test_a_set_that_names_nobody_cannot_be_split_by_subject() -> None:
    with pytest.raises(DataError, match="does not say whom") as refused:
        subject_folds(made_set(["S1", None]), 2)
    assert "--folds official" in refused.value.cure


@pytest.mark.parametrize("n_folds", [1, 4])
def test_folds_need_subjects(n_folds: int) -> None:
    with pytest.raises(DataError, match="cannot make"):
        subject_folds(made_set(["a", "b", "c"]), n_folds)


def test_official_folds() -> None:
    numbered = official_folds(made_set([None] * 5, ["2", "1", "2", "", "10"]))
    assert [fold.test.tolist() for fold in numbered] == [[1], [4], [0, 2]]
    assert numbered[0].train.tolist() == [0, 2, 4]
    (split,) = official_folds(made_set([None] * 4, ["train", "valid", "test", "train"]))
    assert (split.train.tolist(), split.test.tolist()) == ([0, 3], [1])
    with pytest.raises(DataError, match="no split of its own"):
        official_folds(made_set(["a", "b"]))


def test_inner_folds_keep_groups_together_and_strangers_apart() -> None:
    folds = inner_folds(["a", "b", "a", "", "", "c"], 3)
    groups = [0, 1, 0, 2, 3, 4]
    for fold in folds:
        assert not {groups[row] for row in fold.train} & {groups[row] for row in fold.test}
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(6))
