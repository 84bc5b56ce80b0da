from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import DataError
from mien.evaluate.pairs import read_pairs


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_text(text)
    return path


def test_view_1_is_one_block(tmp_path: Path) -> None:
    file = write(tmp_path, "2\nAnn\t1\t2\nBo\t3\t14\nAnn\t1\tBo\t2\nBo\t1\tCy_D\t1\n")
    (fold,) = read_pairs(file, Path("images")).folds
    assert [pair.same for pair in fold] == [True, True, False, False]
    assert fold[1].second == Path("images/Bo/Bo_0014.jpg")
    assert fold[3].second == Path("images/Cy_D/Cy_D_0001.jpg")


def test_view_2_has_folds(tmp_path: Path) -> None:
    file = write(tmp_path, "3\t1\n" + "A\t1\t2\nA\t1\tB\t1\n" * 3)
    folds = read_pairs(file, Path("images")).folds
    assert [[pair.same for pair in fold] for fold in folds] == [[True, False]] * 3


def test_existing_file_of_another_suffix_is_found(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "A_0002.png").touch()
    pair = read_pairs(write(tmp_path, "1\nA 1 2\nA 1 B 1\n"), tmp_path).pairs[0]
    assert (pair.first.name, pair.second.name) == ("A_0001.jpg", "A_0002.png")


@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_plain_list(tmp_path: Path, separator: str) -> None:
    rows = [("a/x.png", "b/y.png", "0"), ("a/x.png", "a/z.png", "1")]
    file = write(tmp_path, "# pairs\n" + "\n".join(separator.join(row) for row in rows) + "\n\n")
    pairs = read_pairs(file, Path("root")).pairs
    assert [pair.same for pair in pairs] == [False, True]
    assert pairs[0].first == Path("root/a/x.png")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no pairs"),
        ("2\nA\t1\t2\n", "announces 4 pairs and has 1"),
        ("1\nA\t1\t2\nA\tone\tB\t1\n", "line 3"),
        ("a b 1\na b 2\n", "line 2"),
        ("a b\n", "line 1"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_pairs(write(tmp_path, text), Path("images"))


def test_absent_and_binary_files_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_pairs(tmp_path / "absent.txt", tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError):
        read_pairs(tmp_path / "binary", tmp_path)
