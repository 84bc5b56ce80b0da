"""The service's own file: encrypted, durable, opened by the gallery's master key, shared by processes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mien.gallery.errors import GalleryDamaged, GalleryError, GalleryKeyMissing, GalleryNewer
from mien.gallery.store.master import MasterKey, key_file
from mien.server.caller import Role
from mien.server.errors import Changed, Conflict
from mien.server.state.accounts import Accounts
from mien.server.state.alive import Alive
from mien.server.state.database import FILE, State
from mien.server.state.preferences import PreferenceShelf
from mien.server.state.root import root_key

ROOT = bytes(range(32))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, ROOT)


def test_it_is_encrypted_and_its_owners_alone(state: State) -> None:
    Accounts(state).make("anna@example.org", Role.VIEWER)
    state.close()
    files = list(state.folder.iterdir())
    assert files and all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files)
    assert all(b"anna" not in path.read_bytes() for path in files)


def test_another_key_opens_nothing(state: State) -> None:
    state.close()
    with pytest.raises(GalleryDamaged):
        State(state.folder, bytes(32))


def test_what_was_kept_is_there_again(state: State) -> None:
    made = Accounts(state).make("anna", Role.VIEWER)
    state.close()
    assert Accounts(State(state.folder, ROOT)).get(made.id) == made


def test_a_newer_format_is_refused(state: State) -> None:
    with state.write() as writing:
        writing.execute("PRAGMA user_version = 9999")
    state.close()
    with pytest.raises(GalleryNewer):
        State(state.folder, ROOT)


def test_a_transaction_that_raises_leaves_nothing(state: State) -> None:
    with pytest.raises(RuntimeError), state.write():
        Accounts(state).make("anna", Role.VIEWER)
        raise RuntimeError
    assert Accounts(state).called("anna") is None


def test_transactions_within_one_are_a_part_of_it(state: State) -> None:
    done: list[str] = []
    with state.write():
        with state.write():
            state.once_kept(lambda: done.append("inner"))
        assert done == []
    assert done == ["inner"]


def test_every_write_waits_for_the_disk(state: State) -> None:
    assert state.row("PRAGMA synchronous") == (2,) and state.row("PRAGMA journal_mode") == ("wal",)


def test_two_processes_share_it(state: State) -> None:
    beside = State(state.folder, ROOT)
    Accounts(state).make("anna", Role.VIEWER)
    assert Accounts(beside).called("Anna") is not None


def test_keys_for_different_purposes_differ(state: State) -> None:
    assert len({state.key("one"), state.key("another"), ROOT}) == 3
    assert state.key("one") == state.key("one")


WRITER = """
import sys
from pathlib import Path
from mien.server.caller import Caller, Role
from mien.server.state.accounts import Accounts
from mien.server.state.audit import AuditLog
from mien.server.state.database import State
state = State(Path(sys.argv[1]), bytes(range(32)))
accounts, audit, n = Accounts(state), AuditLog(state), 0
while True:
    account = accounts.make(f"{sys.argv[2]}-{n}", Role.VIEWER)
    audit.write(Caller("account", account.id, "x", Role.VIEWER, ""), "made", account.id)
    print(account.id, flush=True)
    n += 1
"""


@pytest.mark.parametrize("turn", range(4))
def test_a_kill_loses_nothing_that_was_told(tmp_path: Path, turn: int) -> None:
    State(tmp_path, ROOT).close()
    told = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), str(turn)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(3 + 5 * turn):
            told.append(child.stdout.readline().strip())
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.read().split()[:-1]
    with State(tmp_path, ROOT) as state:
        from mien.server.state.audit import AuditLog

        log = AuditLog(state)
        assert log.verify().faults == ()
        subjects = {one.subject for one in log.entries(most=10_000)}
        assert all(Accounts(state).get(one).id in subjects for one in told)


def test_the_root_key_is_sealed_by_the_master_key(tmp_path: Path) -> None:
    master = MasterKey.new()
    root = root_key(tmp_path, master)
    assert root_key(tmp_path, master) == root and len(root) == 32
    assert root.hex() not in (tmp_path / "state.key").read_text()


def test_a_new_master_key_takes_over_while_the_old_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIEN_GALLERY_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    old, new = MasterKey.new(), MasterKey.new()
    root = root_key(tmp_path, old)
    with pytest.raises(GalleryError):
        root_key(tmp_path, new)
    old.save(key_file(old.name))
    assert root_key(tmp_path, new) == root
    key_file(old.name).unlink()
    assert root_key(tmp_path, new) == root


def test_a_master_key_of_the_environment_that_is_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root_key(tmp_path, MasterKey.new())
    other = MasterKey.new()
    monkeypatch.setenv("MIEN_GALLERY_KEY", other.text)
    with pytest.raises(GalleryKeyMissing, match="sealed by the master key"):
        root_key(tmp_path, other)


def test_a_process_that_is_gone_is_known_to_be(tmp_path: Path) -> None:
    mine = Alive(tmp_path)
    code = "import sys; from pathlib import Path; from mien.server.state.alive import Alive\n"
    code += "one = Alive(Path(sys.argv[1])); print(one.token, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        token = child.stdout.readline().strip()
        assert mine.runs(token) and mine.runs(mine.token) and not mine.runs("nobody")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert not mine.runs(token)
    mine.close()


def test_a_change_of_preferences_knows_what_it_was_made_upon(state: State) -> None:
    shelf = PreferenceShelf(state)
    before, version = shelf.get("")
    after, next_version = shelf.change("", version, {"event_days": 3})
    assert (before.event_days, after.event_days, next_version) == (30, 3, 1)
    with pytest.raises(Changed):
        shelf.change("", version, {"event_days": 4})
    assert shelf.get("")[0].event_days == 3 and shelf.get("north")[0].event_days == 30


def test_names_are_taken_once_however_they_are_spelt(state: State) -> None:
    accounts = Accounts(state)
    accounts.make("Änna  Example", Role.VIEWER)
    with pytest.raises(Conflict):
        accounts.make(" änna example ", Role.VIEWER, "north")


def test_the_files_name_is_as_documented(state: State) -> None:
    assert (state.folder / FILE).name == "state.db"
