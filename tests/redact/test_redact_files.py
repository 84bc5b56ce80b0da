"""A result appears whole or not at all; a source stays what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import ImageMissing, SettingsError
from mien.redact.files import check_target, whole, written_as


def test_a_whole_file_takes_its_name(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    with whole(out) as partial:
        partial.write_bytes(b"new")
        assert out.read_bytes() == b"older" and partial.suffix == ".mp4"
    assert out.read_bytes() == b"new" and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_part_never_does(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), whole(tmp_path / "out.mp4") as partial:
        partial.write_bytes(b"half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_the_disk_has_a_cure(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"), whole(tmp_path / "none" / "out.mp4") as partial:
        partial.write_bytes(b"")


def test_the_source_is_never_the_target(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(b"a photo")
    (tmp_path / "soft.jpg").symlink_to(source)
    (tmp_path / "hard.jpg").hardlink_to(source)
    for name in ("photo.jpg", "soft.jpg", "hard.jpg", "../" + tmp_path.name + "/photo.jpg"):
        with pytest.raises(SettingsError, match="source itself"):
            check_target(source, tmp_path / name, False)


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(b"a photo")
    (tmp_path / "folder.png").mkdir()
    for out, video in ((tmp_path / "out.mp4", False), (tmp_path / "out.png", True), (tmp_path / "out", False)):
        with pytest.raises(SettingsError, match="cannot be written as"):
            check_target(source, out, video)
    with pytest.raises(SettingsError, match="is a folder"):
        check_target(source, tmp_path / "folder.png", False)
    with pytest.raises(SettingsError, match="no folder"):
        check_target(source, tmp_path / "none" / "out.png", False)
    with pytest.raises(ImageMissing):
        check_target(tmp_path / "absent.jpg", tmp_path / "out.jpg", False)


@pytest.mark.parametrize(
    ("name", "video", "written"),
    [("a.JPG", False, "a.JPG"), ("a.webp", False, "a.webp"), ("a.tiff", False, "a.png"), ("a.heic", False, "a.jpg"),
     ("a.mkv", True, "a.mkv"), ("a.mpg", True, "a.mp4"), ("a", True, "a.mp4"), ("a.b", True, "a.b.mp4")],
)  # fmt: skip
def test_names_in_a_folder(name: str, video: bool, written: str) -> None:
    assert written_as(Path(name), video) == written
