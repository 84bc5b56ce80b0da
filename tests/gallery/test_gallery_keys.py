"""The master key and the file of keys."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from mien.errors import ExtraMissing
from mien.gallery.errors import (
    GalleryDamaged,
    GalleryExists,
    GalleryFull,
    GalleryKeyMissing,
    GalleryMissing,
    GalleryNewer,
    WrongKey,
)
from mien.gallery.store import master as master_module
from mien.gallery.store.keys import HEADER_BYTES, MARKS_AT, KeyFile, write_key_file
from mien.gallery.store.master import MasterKey, find_master
from mien.gallery.store.slots import FORMAT, NO_SLOT, SLOT_BYTES, GalleryKeys, Header, encode_mark

KEY = bytes(range(32))


def test_a_master_key_is_durable_with_its_folders_or_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(master_module, "sync_folder", synced.append)
    MasterKey.new().save(tmp_path / "a" / "b" / "one.key")
    assert set(synced) == {tmp_path, tmp_path / "a", tmp_path / "a" / "b"}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GalleryFull, match="No space left"):
        MasterKey.new().save(tmp_path / "two.key")
    assert not (tmp_path / "two.key").exists()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(master_module, "config_file", lambda: tmp_path / "config" / "mien.toml")
    monkeypatch.delenv("MIEN_GALLERY_KEY", raising=False)
    return tmp_path / "config"


def key_file(tmp_path: Path, master: MasterKey) -> KeyFile:
    path = tmp_path / "keys"
    write_key_file(
        path, Header(FORMAT, 1, b"g" * 16, master.name), GalleryKeys.new(), master, (), encode_mark(0, NO_SLOT)
    )
    return KeyFile(path, lambda _: master)


def test_a_master_key_comes_back_from_a_file(tmp_path: Path) -> None:
    made = MasterKey.new()
    made.save(tmp_path / "deep" / "one.key")
    read = MasterKey.from_file(tmp_path / "deep" / "one.key")
    assert read.key == made.key and read.name == made.name
    assert made.text not in repr(read) and repr(made.key) not in repr(read)
    with pytest.raises(GalleryExists):
        made.save(tmp_path / "deep" / "one.key")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    MasterKey.new().save(tmp_path / "one.key")
    assert (tmp_path / "one.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "one.key").chmod(mode)
    with pytest.raises(GalleryKeyMissing, match="read by others") as caught:
        MasterKey.from_file(tmp_path / "one.key")
    assert "chmod 600" in caught.value.cure


@pytest.mark.parametrize("text", ["", "abc", "é", "A" * 44, "*" * 43])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(GalleryKeyMissing):
        MasterKey.from_text(text, "a test")


def test_the_environment_holds_a_key(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GalleryKeyMissing, match="not set"):
        MasterKey.from_environment()
    monkeypatch.setenv("MIEN_GALLERY_KEY", MasterKey(KEY, "").text.rstrip("="))
    assert find_master("whatever").key == KEY


def test_the_default_file_is_found_by_the_name_of_the_key(config: Path) -> None:
    made = MasterKey.new()
    made.save(master_module.key_file(made.name))
    assert find_master(made.name).key == made.key


class Keyring:
    """Stands in for the package: what it is given, it gives back."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.errors = self
        self.KeyringError = RuntimeError

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        if name == "locked":
            raise RuntimeError("locked")
        self.kept[service, name] = text


def test_the_keyring_holds_a_key(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", keyring)
    made = MasterKey.new()
    made.save_in_keyring()
    assert find_master(made.name).key == made.key
    with pytest.raises(GalleryKeyMissing, match="neither in MIEN_GALLERY_KEY"):
        find_master("0" * 16)


def test_without_the_keyring_package_the_cure_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ExtraMissing, match="pip install"):
        MasterKey.new().save_in_keyring()
    with pytest.raises(GalleryKeyMissing):
        find_master("0" * 16)


def test_keys_are_written_read_and_destroyed(tmp_path: Path) -> None:
    keys = key_file(tmp_path, MasterKey.new())
    written = {slot: bytes([slot % 251]) * 32 for slot in (0, 1, 2, 5, 1500)}
    keys.put(written)
    assert keys.get_many([1500, 0, 5, 2, 1]) == [written[slot] for slot in (1500, 0, 5, 2, 1)]
    assert keys.get(3) is None
    before = (tmp_path / "keys").read_bytes()
    assert keys.destroy(1) == keys.epoch() == 1
    assert keys.destroy(5) == keys.epoch() == 2
    assert keys.get_many([0, 1, 2, 5]) == [written[0], None, written[2], None]
    after = (tmp_path / "keys").read_bytes()
    assert len(after) == len(before)
    at = HEADER_BYTES + SLOT_BYTES
    assert after[at : at + 60] != before[at : at + 60]
    keys.put({1: KEY})
    assert keys.get(1) == KEY


def test_no_key_is_readable_in_the_file(tmp_path: Path) -> None:
    master = MasterKey.new()
    keys = key_file(tmp_path, master)
    keys.put({0: KEY})
    content = (tmp_path / "keys").read_bytes()
    assert not [one for one in (KEY, master.key, keys.secrets.root, keys.secrets.signing) if one in content]


def test_the_file_is_opened_with_its_own_master_key_only(tmp_path: Path) -> None:
    master, other = MasterKey.new(), MasterKey.new()
    key_file(tmp_path, master)
    with pytest.raises(WrongKey, match=other.name):
        KeyFile(tmp_path / "keys", lambda _: other)


@pytest.mark.parametrize("place", [0, 8, 16, 24, 40, 60, 100, 140])
def test_a_changed_header_is_noticed(tmp_path: Path, place: int) -> None:
    master = MasterKey.new()
    key_file(tmp_path, master)
    content = bytearray((tmp_path / "keys").read_bytes())
    content[place] ^= 0x40
    (tmp_path / "keys").write_bytes(content)
    expected = GalleryNewer if place == 8 else GalleryDamaged
    with pytest.raises(expected):
        KeyFile(tmp_path / "keys", lambda _: master)


def test_a_changed_slot_is_damage_and_not_a_removal(tmp_path: Path) -> None:
    keys = key_file(tmp_path, MasterKey.new())
    keys.put({0: KEY, 1: KEY})
    content = bytearray((tmp_path / "keys").read_bytes())
    for change in (lambda c: c.__setitem__(HEADER_BYTES + 20, c[HEADER_BYTES + 20] ^ 1), _swap_two_slots):
        changed = bytearray(content)
        change(changed)
        with (tmp_path / "keys").open("r+b") as file:
            file.write(changed)
        with pytest.raises(GalleryDamaged, match="Slot 0"):
            keys.get(0)


def _swap_two_slots(content: bytearray) -> None:
    first, second, end = HEADER_BYTES, HEADER_BYTES + SLOT_BYTES, HEADER_BYTES + 2 * SLOT_BYTES
    content[first:end] = content[second:end] + content[first:second]


def test_a_cut_file_is_damage(tmp_path: Path) -> None:
    master = MasterKey.new()
    keys = key_file(tmp_path, master)
    keys.put({0: KEY})
    os.truncate(tmp_path / "keys", HEADER_BYTES + 30)
    with pytest.raises(GalleryDamaged):
        keys.get(0)
    os.truncate(tmp_path / "keys", 30)
    with pytest.raises(GalleryDamaged, match="too short"):
        KeyFile(tmp_path / "keys", lambda _: master)


def test_a_damaged_count_of_removals_is_noticed(tmp_path: Path) -> None:
    keys = key_file(tmp_path, MasterKey.new())
    with (tmp_path / "keys").open("r+b") as file:
        file.seek(MARKS_AT)
        file.write(b"\x05")
    with pytest.raises(GalleryDamaged, match="count of removals"):
        keys.epoch()


@pytest.mark.parametrize("removals", [1, 2, 3])
def test_a_mark_cut_off_in_the_middle_leaves_the_one_before(tmp_path: Path, removals: int) -> None:
    keys = key_file(tmp_path, MasterKey.new())
    keys.put({slot: KEY for slot in range(5)})
    for slot in range(removals):
        keys.destroy(slot)
    with (tmp_path / "keys").open("r+b") as file:
        file.seek(MARKS_AT + 32 * ((removals + 1) % 2))
        file.write(encode_mark(removals + 1, 4)[:9])
    assert keys.epoch() == removals
    assert keys.destroy(4) == removals + 1


def test_a_destruction_cut_off_in_the_middle_is_finished(tmp_path: Path) -> None:
    keys = key_file(tmp_path, MasterKey.new())
    keys.put({0: KEY, 1: KEY})
    keys.mend()
    keys.destroy(1)
    keys.put({1: KEY})
    keys.mend()
    assert keys.get(1) == KEY, "used again since"
    with (tmp_path / "keys").open("r+b") as file:
        file.seek(HEADER_BYTES + SLOT_BYTES)
        file.write(bytes(32))
    with pytest.raises(GalleryDamaged):
        keys.get(1)
    keys.mend()
    assert keys.get_many([0, 1]) == [KEY, None]


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    master = MasterKey.new()
    keys = key_file(tmp_path, master)
    assert keys.is_current()
    (tmp_path / "keys").rename(tmp_path / "old")
    assert not keys.is_current()
    key_file(tmp_path, master)
    assert not keys.is_current()


def test_no_file_is_no_gallery(tmp_path: Path) -> None:
    with pytest.raises(GalleryMissing, match="mien gallery init"):
        KeyFile(tmp_path / "keys", lambda _: MasterKey.new())
