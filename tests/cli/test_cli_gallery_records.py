"""`mien gallery` where no face is looked at: init, list, show, change, remove, export, backup, rekey, verify."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from gallery_at_a_shell import ANNA, BEN, CONSENT, Shell, shell_in

from mien.cli.gallery import app
from mien.cli.main import run
from mien.cli.printable import printable
from mien.gallery.store.receipt import load_receipt

COMMANDS = (
    "init enrol identify list show rename change merge remove history correct doctor cluster export import rekey backup"
    " restore verify"
)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    made = shell_in(tmp_path, monkeypatch, capsys)
    made.enrol("Anna", ANNA, 2, "--set", "tag=a", "--consent", "until=2199-01-01")
    made.enrol("Ben", BEN)
    return made


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No gallery, no settings and no key of the user's."""
    for name in ("MIEN_GALLERY_KEY", "MIEN_GALLERY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("mien.gallery.store.master.config_file", lambda: tmp_path / "config" / "mien.toml")
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def test_all_commands_are_there() -> None:
    assert [one.name for one in app.registered_commands] == COMMANDS.split()


def test_init_says_where_the_key_lies(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gallery", "init", "--set", "keep_crops=true", "--set", "max_templates=5"]) == 0
    (key,) = (elsewhere / "config" / "gallery-keys").iterdir()
    out = capsys.readouterr().out
    assert str(key) in out and "Back it up" in out and str(elsewhere / "data" / "gallery") in out
    assert run(["gallery", "show", "--json", "-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["policy"]["keep_crops"] and record["policy"]["max_templates"] == 5 and record["n_people"] == 0
    assert record["model"].startswith("sface@")
    assert run(["gallery", "init"]) == 2
    assert "already" in capsys.readouterr().err and len(list(key.parent.iterdir())) == 1


@pytest.mark.parametrize("option", ["max_templates=0", "max_templates=many", "keep=true", "min_quality=nan"])
def test_a_policy_that_cannot_be_makes_nothing(elsewhere: Path, option: str) -> None:
    assert run(["gallery", "init", "--set", option]) == 2
    assert list(elsewhere.iterdir()) == []


def test_an_embedder_that_is_unknown_makes_no_key(elsewhere: Path) -> None:
    assert run(["gallery", "init", "--embedder", "nonesuch"]) == 2
    assert list(elsewhere.iterdir()) == []


def test_init_with_the_key_of_the_environment(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gallery", "init", "--key", "environment"]) == 2
    assert "MIEN_GALLERY_KEY is not set" in capsys.readouterr().err
    monkeypatch.setenv("MIEN_GALLERY_KEY", "A" * 43)
    assert run(["gallery", "init", "--gallery", str(elsewhere / "own")]) == 0
    assert "is the one in MIEN_GALLERY_KEY" in capsys.readouterr().out and not (elsewhere / "config").exists()


def test_no_gallery(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gallery", "list"]) == 2
    assert "mien gallery init" in capsys.readouterr().err


def test_list_and_show(shell: Shell) -> None:
    assert shell("list") == 0
    assert "Anna" in shell.out and "until withdrawn" in shell.out and "tenant" not in shell.out
    assert shell("show", "ANNA") == 0
    assert "by herself" in shell.out and "the door" in shell.out and "shot 0.png" in shell.out
    assert shell("show", "Anna", "--json", "-") == 0
    assert [one["quality"] for one in shell.json()[0]["templates"]] == [80, 80]
    assert shell("show") == 0 and "net@1" in shell.out
    assert shell("show", "Carl") == 2 and "'Carl'" in shell.err


def test_rename_change_and_history(shell: Shell) -> None:
    assert shell("rename", "Ben", "Benjamin") == 0 and "Ben is Benjamin now." in shell.out
    changes = ["--set", "tag=b", "--set", "tag=c", "--set", "external_id=9", "--consent", "purpose=the gate"]
    assert shell("change", "Anna", *changes) == 0
    assert shell("show", "9", "--json", "-") == 0
    profile = shell.json()[0]["profile"]
    assert (profile["tags"], profile["consent"]["purpose"]) == (["b", "c"], "the gate")
    assert profile["consent"]["given_by"] == "herself" and profile["consent"]["until"]
    assert shell("change", "9", "--set", "tag=", "--set", "external_id=", "--consent", "until=") == 0
    assert shell("show", "Anna", "--json", "-") == 0
    profile = shell.json()[0]["profile"]
    assert (profile["tags"], profile["external_id"], profile["consent"]["until"]) == ([], None, None)
    assert shell("change", "Anna") == 2 and shell("change", "Anna", "--drop", "999") == 2
    assert shell("history", "Anna", "--json", "-") == 0
    assert [one["kind"] for one in shell.json()] == ["enrol", "change", "change"]
    assert shell("history") == 0 and "Benjamin" in shell.out and "rename" in shell.out


def test_a_person_without_templates_is_warned_about(shell: Shell) -> None:
    assert shell("show", "Ben", "--json", "-") == 0
    (template,) = shell.json()[0]["templates"]
    assert shell("change", "Ben", "--drop", template["id"]) == 0
    assert "not found any more" in shell.err


def test_merge(shell: Shell) -> None:
    assert shell("merge", "Ben", "Anna") == 0 and "3 templates" in shell.out
    assert shell("list", "--json", "-") == 0 and len(shell.json()) == 1


def test_remove_refuses_where_nobody_can_be_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert shell("remove", "Anna") == 2 and "--yes" in shell.err
    assert shell("remove") == 2 and "--expired" in shell.err
    assert shell("list", "--json", "-") == 0 and len(shell.json()) == 2


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 2)])
def test_remove_asks_on_a_terminal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert shell("remove", "Anna", "Ben") == code
    assert "Forget 2 people for good?" in shell.err and "2 templates" in shell.err
    assert shell("list", "--json", "-") == 0 and len(shell.json()) == left


def test_a_removal_leaves_a_receipt(shell: Shell) -> None:
    assert shell("remove", "Anna", "Nobody", "--yes") == 2
    assert shell("remove", "Anna", "anna", "--yes") == 0 and "receipt: " in shell.out
    (file,) = (shell.gallery / "receipts").glob("*.json")
    assert str(file) in shell.out and load_receipt(file).counts.templates == 2
    assert shell("verify", "--receipt", file) == 0 and "Signed by this gallery" in shell.out
    forged = shell.folder / "forged.json"
    forged.write_text(file.read_text().replace('"templates": 2', '"templates": 1'))
    assert shell("verify", "--receipt", forged) == 1
    assert shell("remove", "Ben", "--yes", "--json", "-") == 0
    forged.write_text(shell.out)
    assert shell("verify", "--receipt", forged) == 0
    assert shell("list", "--json", "-") == 0 and shell.out == ""


def test_remove_the_expired(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("remove", "--expired") == 0 and "Nobody" in shell.out
    with shell.opened() as gallery:
        (anna,) = gallery.records.find("Anna")
    monkeypatch.setattr("mien.gallery.kept.Kept.expired", lambda self: [anna])
    assert shell("list", "--expired", "--json", "-") == 0 and [one["id"] for one in shell.json()] == [anna.id]
    assert shell("remove", "--expired", "--yes") == 0
    assert shell("list", "--json", "-") == 0 and [one["profile"]["name"] for one in shell.json()] == ["Ben"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_export_is_private_and_can_be_imported(
    shell: Shell,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    file = shell.folder / "everybody.jsonl"
    assert shell("export", "--to", file) == 0
    assert "decrypted" in shell.err and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shell("export", "--to", file) == 2 and "exists" in shell.err
    assert shell("export", "--to", shell.folder / "absent" / "file") == 2
    assert shell("export", "--no-templates") == 0
    assert [(one["name"], one["templates"]) for one in shell.json()] == [("Anna", []), ("Ben", [])]
    other = shell_in(tmp_path_factory.mktemp("other"), monkeypatch, capsys)
    assert other("import", file) == 0 and "2 people, 3 templates." in other.out
    assert other("show", "Anna", "--json", "-") == 0 and other.json()[0]["profile"]["tags"] == ["a"]


def test_backup_restore_and_rekey(shell: Shell) -> None:
    file, keys = shell.folder / "backup", shell.folder / "keys"
    assert shell("backup", file, "--keys", keys) == 0 and str(keys) in shell.out
    assert shell("backup", file) == 2 and "exists" in shell.err
    assert shell("remove", "Anna", "--yes") == 0
    assert shell("restore", file) == 0 and "1 person." in shell.out
    assert shell("rekey") == 0 and "make a new one" in shell.out
    assert shell("verify") == 0 and "All is well." in shell.out
    assert shell("restore", file) == 2
    assert shell("rekey", "--new-key", "--key", "environment") == 2


def test_a_new_master_key(elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["gallery", "init"]) == 0
    before = set((elsewhere / "config" / "gallery-keys").iterdir())
    capsys.readouterr()
    assert run(["gallery", "rekey", "--new-key"]) == 0
    (new,) = set((elsewhere / "config" / "gallery-keys").iterdir()) - before
    assert str(new) in capsys.readouterr().out
    for old in before:
        old.unlink()
    assert run(["gallery", "verify"]) == 0


def test_verify_says_what_is_wrong(shell: Shell) -> None:
    (shell.gallery / "receipts").mkdir(exist_ok=True)
    (shell.gallery / "receipts" / "false.json").write_text("{}")
    assert shell("verify") == 1 and "false.json" in shell.out
    assert shell("verify", "--receipt", shell.gallery / "receipts" / "false.json") == 2


def test_a_wrong_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_GALLERY_KEY", "A" * 43)
    assert shell("list") == 2 and "key" in shell.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 李雷 \u3000x", "Zoë 李雷 \u3000x"),
        ("a\x1b[2Jb\r\n", r"a\x1b[2Jb\r\n"),
        ("\u202edrac", r"\u202edrac"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_consent_is_kept_when_something_else_changes(shell: Shell) -> None:
    assert shell("change", "Ben", "--set", "valid_until=2100-01-01") == 0
    assert shell("show", "Ben", "--json", "-") == 0
    assert shell.json()[0]["profile"]["consent"]["how"] == CONSENT[-1].partition("=")[2]


def test_files_that_cannot_be(shell: Shell) -> None:
    absent, file = shell.folder / "absent" / "file", shell.folder / "backup"
    assert shell("backup", absent) == 2
    assert shell("backup", file, "--keys", absent) == 2 and "cannot be copied" in shell.err
    assert shell("restore", file, "--keys", absent) == 2 and "There are no keys" in shell.err
    assert shell("list", "--json", absent) == 2 and "cannot be written" in shell.err
    assert shell("doctor", "--json", absent) == 2 and "cannot be written" in shell.err
    assert shell("doctor", "--sheet", f"{absent}.png") == 2 and "cannot be written" in shell.err


def test_what_is_no_text_is_nobody(shell: Shell) -> None:
    assert shell("show", "\udcff") == 2 and r"'\udcff'" in shell.err
    assert shell("history", "\udcff") == 2
    assert shell("rename", "Ben", "\udcff") == 2 and shell("change", "Ben", "--set", "tag=\udcff") == 2
    assert shell("list", "--json", "-") == 0 and len(shell.json()) == 2
