from __future__ import annotations

import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mien.errors import MienError, WeightsArchiveRefused, WeightsError, WeightsOffline, WeightsPolicyRefused
from mien.settings import Settings
from mien.weights.archive import FORMAT, MANIFEST, entry_of
from mien.weights.card import Card
from mien.weights.catalog import Catalog, cards_dir, keep_card
from mien.weights.pack import install_pack, pack
from mien.weights.store import path_of, state_of, weights_dir

CONTENTS = {"toy": b"weights" * 1000, "small": b"tiny"}


@pytest.fixture
def cards(make_card: Callable[..., Card]) -> list[Card]:
    return [make_card(name, content) for name, content in CONTENTS.items()]


@pytest.fixture
def filled(settings: Settings, cards: list[Card]) -> Settings:
    """A cache that holds two weights of the user's own."""
    weights_dir(settings).mkdir(parents=True)
    for card in cards:
        path_of(card, settings).write_bytes(CONTENTS[card.name])
        keep_card(card, settings)
    return settings


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """The machine without a network."""
    return Settings(cache_dir=tmp_path / "bare", offline=True)


@pytest.fixture
def packed(filled: Settings, tmp_path: Path) -> Path:
    out = tmp_path / "two.mienpack"
    pack(["toy", "small"], out, filled)
    return out


def left_behind(settings: Settings) -> list[str]:
    found = [path for path in settings.cache_dir.rglob("*") if path.is_file() and path.name != ".lock"]
    return [str(path) for path in found]


def manifest_of(cards: list[Card]) -> bytes:
    return json.dumps({"format": FORMAT, "weights": [entry_of(card) for card in cards]}).encode()


def write_archive(
    path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, content in members:
            archive.writestr(name, content, compress_type=method)
    return path


def test_a_pack_carries_everything_to_a_machine_without_a_network(packed: Path, bare: Settings, cards) -> None:
    installed = install_pack(packed, bare)
    assert {card.name for card in installed} == set(CONTENTS)
    catalog = Catalog.load(bare)
    for card in cards:
        assert catalog.card(card.name) == card
        assert path_of(card, bare).read_bytes() == CONTENTS[card.name]
    install_pack(packed, bare)
    assert not (weights_dir(bare) / ".staging").exists()


def test_the_same_weights_give_the_same_bytes(packed: Path, filled: Settings, tmp_path: Path) -> None:
    path_of(Catalog.load(filled).card("toy"), filled).touch()
    again = tmp_path / "again"
    pack(["small", "toy", "toy"], again, filled)
    assert again.read_bytes() == packed.read_bytes()


def test_a_pack_is_a_plain_zip_with_a_manifest_of_hashes(packed: Path, cards) -> None:
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.testzip() is None
    by_name = {entry["name"]: entry for entry in manifest["weights"]}
    for card in cards:
        assert by_name[card.name]["sha256"] == card.sha256
        assert by_name[card.name]["bytes"] == card.bytes


def test_packing_obeys_policy_and_offline(settings: Settings, make_card, tmp_path: Path) -> None:
    keep_card(make_card("closed", commercial="no"), settings)
    out = tmp_path / "out"
    with pytest.raises(WeightsPolicyRefused):
        pack(["closed"], out, settings.model_copy(update={"policy": "commercial"}))
    with pytest.raises(WeightsOffline):
        pack(["yunet"], out, settings.model_copy(update={"offline": True}))
    assert not out.exists()


def test_a_place_that_cannot_be_written(filled: Settings, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be written"):
        pack(["toy"], tmp_path / "none" / "out", filled)


def test_a_pack_of_more_than_two_gigabytes_is_not_written(filled: Settings, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 5000)
    with pytest.raises(WeightsError, match="too large"):
        pack(["toy"], tmp_path / "out", filled)
    assert not list(tmp_path.glob("*out*"))


def test_a_pack_does_not_bring_sources(filled: Settings, bare: Settings, make_card, tmp_path: Path) -> None:
    """A stranger's card must not make this machine call a stranger's address, now or later."""
    card = make_card("evil", b"evil", sources=[{"https": "https://example.org/evil"}])
    path = write_archive(tmp_path / "p", [(MANIFEST, manifest_of([card])), (card.file, b"evil")])
    install_pack(path, bare)
    assert Catalog.load(bare).card("evil").sources == ()


def test_known_weights_must_be_those_of_the_catalog(bare: Settings, make_card, tmp_path: Path) -> None:
    card = make_card("yunet", b"evil", file="yunet.onnx")
    path = write_archive(tmp_path / "p", [(MANIFEST, manifest_of([card])), (card.file, b"evil")])
    with pytest.raises(WeightsArchiveRefused, match="yunet"):
        install_pack(path, bare)
    assert left_behind(bare) == []


def test_a_pack_cannot_replace_the_file_of_other_weights(bare: Settings, make_card, tmp_path: Path) -> None:
    card = make_card("evil", b"evil", file="sface.onnx")
    path = write_archive(tmp_path / "p", [(MANIFEST, manifest_of([card])), (card.file, b"evil")])
    with pytest.raises(WeightsArchiveRefused):
        install_pack(path, bare)
    assert left_behind(bare) == []


def symlink(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


HOSTILE = {
    "path traversal": lambda m, c: [(MANIFEST, m), ("../../toy.bin", c)],
    "absolute path": lambda m, c: [(MANIFEST, m), ("/toy.bin", c)],
    "backslashes": lambda m, c: [(MANIFEST, m), ("..\\toy.bin", c)],
    "symbolic link": lambda m, c: [(MANIFEST, m), (symlink("toy.bin"), c)],
    "device": lambda m, c: [(MANIFEST, m), (symlink("toy.bin", stat.S_IFCHR), c)],
    "named pipe": lambda m, c: [(MANIFEST, m), (symlink("toy.bin", stat.S_IFIFO), c)],
    "folder": lambda m, c: [(MANIFEST, m), ("toy.bin", c), ("sub/", b"")],
    "duplicate member": lambda m, c: [(MANIFEST, m), ("toy.bin", c), ("toy.bin", c)],
    "duplicate manifest": lambda m, c: [(MANIFEST, m), (MANIFEST, m), ("toy.bin", c)],
    "missing member": lambda m, c: [(MANIFEST, m)],
    "extra member": lambda m, c: [(MANIFEST, m), ("toy.bin", c), ("extra.bin", b"x")],
    "no manifest": lambda m, c: [("toy.bin", c)],
    "empty manifest": lambda m, c: [(MANIFEST, b""), ("toy.bin", c)],
    "manifest of text": lambda m, c: [(MANIFEST, b"hello"), ("toy.bin", c)],
    "manifest of bytes": lambda m, c: [(MANIFEST, b"\xff\xfe\xfd"), ("toy.bin", c)],
    "manifest without end": lambda m, c: [(MANIFEST, b"[" * 200_000), ("toy.bin", c)],
    "manifest too long": lambda m, c: [(MANIFEST, m + b" " * 5_000_000), ("toy.bin", c)],
    "manifest of a list": lambda m, c: [(MANIFEST, b"[]"), ("toy.bin", c)],
    "manifest of another format": lambda m, c: [(MANIFEST, m.replace(b"pack 1", b"pack 9")), ("toy.bin", c)],
    "manifest without weights": lambda m, c: [(MANIFEST, json.dumps({"format": FORMAT}).encode()), ("toy.bin", c)],
    "manifest lists twice": lambda m, c: [(MANIFEST, _twice(m)), ("toy.bin", c)],
    "wrong content": lambda m, c: [(MANIFEST, m), ("toy.bin", c[:-1] + b"?")],
    "more than declared": lambda m, c: [(MANIFEST, m), ("toy.bin", c * 1000)],
    "less than declared": lambda m, c: [(MANIFEST, m), ("toy.bin", c[:-1])],
    "file outside in manifest": lambda m, c: [(MANIFEST, m.replace(b"toy.bin", b"../t.bin")), ("../t.bin", c)],
    "file in a folder": lambda m, c: [(MANIFEST, m.replace(b"toy.bin", b"sub/t.bi")), ("sub/t.bi", c)],
    "manifest contradicts itself": lambda m, c: [
        (MANIFEST, m.replace(b'"name": "toy"', b'"name": "yot"', 1)),
        ("toy.bin", c),
    ],
    "many members": lambda m, c: [(MANIFEST, m), *((f"{i}.bin", b"") for i in range(1100))],
}


def _twice(manifest: bytes) -> bytes:
    table = json.loads(manifest)
    return json.dumps(table | {"weights": table["weights"] * 2}).encode()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_left(kind: str, bare: Settings, cards, tmp_path: Path) -> None:
    toy = cards[0]
    path = write_archive(tmp_path / "hostile", HOSTILE[kind](manifest_of([toy]), CONTENTS["toy"]))
    before = {path.name for path in tmp_path.iterdir()} | {"bare"}
    with pytest.raises(WeightsArchiveRefused) as caught:
        install_pack(path, bare)
    assert "hostile" in caught.value.cause
    assert left_behind(bare) == []
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_plain_archive_of_the_same_kind_is_accepted(bare: Settings, cards, tmp_path: Path) -> None:
    """The counterpart: what the hostile ones are variations of."""
    members = [(MANIFEST, manifest_of(cards[:1])), ("toy.bin", CONTENTS["toy"])]
    assert [card.name for card in install_pack(write_archive(tmp_path / "good", members), bare)] == ["toy"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_refused_before_it_is_opened(bare: Settings, make_card, tmp_path: Path, method: int) -> None:
    content = bytes(5_000_000)
    card = make_card("bomb", content)
    path = write_archive(tmp_path / "bomb", [(MANIFEST, manifest_of([card])), (card.file, content)], method)
    with pytest.raises(WeightsArchiveRefused, match="compressed"):
        install_pack(path, bare)
    assert left_behind(bare) == []


def test_overlapping_members_are_refused(packed: Path, bare: Settings) -> None:
    """One stretch of bytes behind several names, the other way to a bomb."""
    data = bytearray(packed.read_bytes())
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 4)
    data[second + 42 : second + 46] = struct.pack("<L", 0)
    packed.write_bytes(data)
    with pytest.raises(WeightsArchiveRefused):
        install_pack(packed, bare)
    assert left_behind(bare) == []


def test_all_or_nothing(bare: Settings, cards, tmp_path: Path) -> None:
    members = [(MANIFEST, manifest_of(cards)), ("toy.bin", CONTENTS["toy"]), ("small.bin", b"tinY")]
    with pytest.raises(WeightsArchiveRefused, match="small"):
        install_pack(write_archive(tmp_path / "p", members), bare)
    assert left_behind(bare) == []
    assert not cards_dir(bare).exists()


def test_what_was_there_before_stays(packed: Path, bare: Settings, cards) -> None:
    install_pack(packed, bare)
    before = sorted(left_behind(bare))
    packed.write_bytes(packed.read_bytes()[:-5])
    with pytest.raises(WeightsArchiveRefused):
        install_pack(packed, bare)
    assert sorted(left_behind(bare)) == before
    assert all(state_of(card, bare) == "ready" for card in cards)


@pytest.mark.parametrize(
    "change", [lambda d: b"x" + d, lambda d: d + b"x", lambda d: b"", lambda d: b"PK\5\6" + bytes(18)]
)
def test_bytes_before_or_behind_are_refused(packed: Path, bare: Settings, change: Callable[[bytes], bytes]) -> None:
    packed.write_bytes(change(packed.read_bytes()))
    with pytest.raises(WeightsArchiveRefused):
        install_pack(packed, bare)
    assert left_behind(bare) == []


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_pack_is_refused(packed: Path, bare: Settings, part: float) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(WeightsArchiveRefused):
        install_pack(packed, bare)
    assert left_behind(bare) == []


@pytest.mark.parametrize("target", ["none.mienpack", "."])
def test_what_is_no_file(bare: Settings, tmp_path: Path, target: str) -> None:
    with pytest.raises(WeightsArchiveRefused, match="no file"):
        install_pack(tmp_path / target, bare)


def test_an_onnx_file_in_a_pack_is_looked_into(bare: Settings, make_card, tmp_path: Path) -> None:
    card = make_card("model", b"no onnx", file="model.onnx")
    path = write_archive(tmp_path / "p", [(MANIFEST, manifest_of([card])), (card.file, b"no onnx")])
    with pytest.raises(WeightsArchiveRefused, match="ONNX"):
        install_pack(path, bare)
    assert left_behind(bare) == []


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
    )
)
def test_mutations_are_refused_or_harmless(packed: Path, bare: Settings, cards, changes: list[Any]) -> None:
    """Whatever is done to the bytes: refused with the right error, or installed and right to the last bit."""
    data = bytearray(packed.read_bytes())
    whole = bytes(data)
    # Content in the middle is covered by its hash; the mutations aim at the structure around it.
    places = [i for i in range(len(data)) if not 4000 < i < len(data) - 400]
    for where, value in changes:
        start = places[int(where * len(places))]
        data[start : start + len(value)] = value[: len(data) - start]
    mutated = packed.with_name("mutated")
    mutated.write_bytes(data)
    try:
        installed = install_pack(mutated, bare)
    except MienError as error:
        assert isinstance(error, WeightsArchiveRefused)
    else:
        assert bytes(data) == whole or installed
        assert all(state_of(card, bare) == "ready" for card in installed)
