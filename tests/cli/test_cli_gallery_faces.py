"""`mien gallery` where faces are looked at: enrol, identify, correct, doctor, import."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from gallery_at_a_shell import ANNA, BEN, CARL, CONSENT, DORA, HOSTILE, Shell, shell_in
from made_up_people import near
from made_up_photos import face

from mien.image import open_photo


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return shell_in(tmp_path, monkeypatch, capsys, keep_crops=True, keep_answers_days=30)


def test_enrol_says_what_became_of_each_photo(shell: Shell) -> None:
    good, poor = shell.studio.of(ANNA, 2), shell.photo(near(ANNA, 0.9, 5), quality=20)
    assert shell("enrol", *good, poor, "--name", "Anna", *CONSENT) == 1
    assert "2 of 3 photos kept" in shell.out and f"refused {poor}" in shell.out and "too poor" in shell.out
    assert shell("list") == 0 and "Anna" in shell.out and "1 person." in shell.out


def test_enrol_with_all_that_can_be_said(shell: Shell) -> None:
    options = ["external_id=17", "tag=a", "tag=b", "group=night", "tenant=acme", "valid_until=2199-01-01T00:00+02:00"]
    given = [text for option in options for text in ("--set", option)]
    shell.enrol("Anna", ANNA, 1, *given, "--consent", "at=2020-01-01T00:00Z", "--consent", "until=2199-06-01T00:00Z")
    assert shell("list", "--json", "-") == 0
    (record,) = shell.json()
    profile = record["profile"]
    assert (profile["external_id"], profile["tags"], profile["groups"]) == ("17", ["a", "b"], ["night"])
    assert profile["valid_until"] == "2198-12-31T22:00:00+00:00"
    assert profile["consent"]["given_at"] == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--name NAME, --to PERSON and --folders"),
        (("--name", "Anna", "--to", "Ben"), "--name NAME, --to PERSON and --folders"),
        (("--name", " "), "at least one letter"),
        (("--name", "Anna"), "nobody without a consent"),
        (("--name", "Anna", "--consent", "by=Anna"), "does not say: purpose, how"),
        (("--name", "Anna", *CONSENT, "--consent", "until=soon"), "'soon' is not a time"),
        (("--name", "Anna", *CONSENT, "--consent", "until=2001-01-01"), "ran out"),
        (("--name", "Anna", *CONSENT, "--set", "mood=good"), "NAME one of: external_id"),
        (("--name", "Anna", *CONSENT, "--set", "tenant=a", "--set", "tenant=b"), "said twice"),
        (
            ("--name", "Anna", *CONSENT, "--set", "valid_from=2030-01-02", "--set", "valid_until=2030-01-01"),
            "not after",
        ),
        (("--name", "Anna", *CONSENT, "--allow", "everything"), "duplicate, unlike"),
        (("--to", "Anna", "--set", "tag=a"), "mien gallery change"),
        (("--folders", "--set", "external_id=1"), "cannot share"),
    ],
)
def test_what_enrol_refuses(shell: Shell, options: tuple[str, ...], said: str) -> None:
    assert shell("enrol", *shell.studio.of(ANNA), *options) == 2
    assert said in shell.err
    assert shell("list") == 0 and "0 people." in shell.out


def test_nobody_enrolled_is_an_error_with_the_reasons(shell: Shell) -> None:
    several, absent = shell.photo(ANNA, BEN), shell.folder / "absent.jpg"
    assert shell("enrol", several, absent, "--name", "Anna", *CONSENT) == 2
    assert "2 faces" in shell.out and "There is no file" in shell.out and "nothing is stored" in shell.err


def test_a_look_alike_is_refused_until_it_is_allowed(shell: Shell) -> None:
    shell.enrol("Anna", ANNA)
    again = shell.photo(near(ANNA, 0.95, 7))
    assert shell("enrol", again, "--name", "Hanna", *CONSENT) == 2
    assert "This looks like Anna" in shell.out
    assert shell("enrol", again, "--name", "Hanna", *CONSENT, "--allow", "duplicate") == 0


def test_more_photos_of_somebody(shell: Shell) -> None:
    shell.enrol("Anna", ANNA)
    assert shell("enrol", *shell.studio.of(ANNA, 2), shell.photo(BEN), "--to", "anna") == 1
    assert "2 of 3 photos kept" in shell.out and "does not look like" in shell.out
    assert shell("enrol", *shell.studio.of(ANNA, 9, quality=90), "--to", "Anna", "--json", "-") == 0
    codes = {photo["code"] for photo in shell.json()[0]["photos"]}
    assert codes == {"ok", "surplus"}
    assert shell("enrol", shell.photo(ANNA), "--to", "Nobody") == 2


def test_folders_of_people(shell: Shell) -> None:
    for name, direction in (("Anna_Bell", ANNA), ("Ben", BEN), ("_left-out", CARL)):
        shell.studio.shoot(face(direction), name=f"people/{name}/one.png")
    assert shell("enrol", shell.folder / "photos" / "people", "--folders", *CONSENT, "--set", "group=staff") == 0
    assert shell("list", "--set", "group=staff", "--json", "-") == 0
    assert [one["profile"]["name"] for one in shell.json()] == ["Anna Bell", "Ben"]


def test_identify_answers_with_its_exit_code(shell: Shell) -> None:
    shell.enrol("Anna", ANNA)
    anna, stranger = shell.photo(near(ANNA, 0.9, 1)), shell.photo(near(DORA, 0.9, 2))
    poor, absent = shell.photo(near(DORA, 0.9, 3), quality=10), shell.folder / "absent.png"
    assert shell("identify", anna) == 0
    assert "1  Anna" in shell.out and "at or over" in shell.out
    assert shell("identify", stranger) == 1 and "1  unknown" in shell.out
    assert shell("identify", stranger, poor) == 3 and "too poor to say" in shell.out
    assert shell("identify", stranger, absent) == 2 and "There is no file" in shell.err
    assert shell("identify", absent, stranger, poor, anna) == 0
    assert shell("identify", shell.photo()) == 1 and "no faces" in shell.out
    assert shell("identify", anna, "--fpir", "1e-30") == 2


def test_identify_lists_and_filters(shell: Shell) -> None:
    shell.enrol("Anna", ANNA, 1, "--set", "tenant=a", "--set", "group=day", "--set", "valid_until=2100-01-01")
    shell.enrol("Ben", BEN, 1, "--set", "tenant=b")
    photo = shell.photo(near(ANNA, 0.9, 1))
    assert shell("identify", photo, "--top", "2") == 0 and "Ben" in shell.out
    for option, code in (("tenant=a", 0), ("tenant=b", 1), ("group=day", 0), ("group=night", 1), ("at=2100-01-02", 1)):
        assert shell("identify", photo, "--set", option) == code, option


def test_identify_as_json_and_as_pictures(shell: Shell) -> None:
    person = shell.enrol(HOSTILE, ANNA)
    photo, saved = shell.photo(near(ANNA, 0.9, 1), near(DORA, 0.9, 2)), shell.folder / "saved"
    assert shell("identify", photo, "--json", "-", "--save", saved) == 0
    (record,) = shell.json()
    assert [one["answer"] for one in record["faces"]] == ["person", "unknown"]
    assert record["faces"][0]["name"] == HOSTILE and record["faces"][0]["names"] == {person: HOSTILE}
    assert "vector" not in shell.out
    assert open_photo(next(iter(saved.glob("*.jpg")))).width == 112


def test_hostile_names_move_no_cursor(shell: Shell) -> None:
    shell.enrol(HOSTILE, ANNA, 1, "--set", f"tag={HOSTILE}")
    for command in (["list"], ["show", HOSTILE], ["identify", shell.photo(ANNA)], ["history"]):
        assert shell(*command) == 0
        assert r"[red]Eve[/] \x1b[31m\nforged line" in shell.out
        assert "\x1b" not in shell.out and "\nforged" not in shell.out
    assert shell("enrol", shell.photo(BEN), "--name", "Ben", "--set", "external_id=1", *CONSENT) == 0
    assert shell("rename", "Ben", HOSTILE) == 0 and "\x1b" not in shell.out
    assert shell("show", HOSTILE) == 2 and "2 people are called" in shell.err
    shell("enrol", shell.photo(CARL), "--name", "Carl", "--set", "external_id=1", *CONSENT)
    assert "Eve" in shell.err and "\x1b" not in shell.err and "\nforged" not in shell.err


def test_a_correction_can_be_tried_first(shell: Shell) -> None:
    shell.enrol("Anna", ANNA, 1)
    wrong = shell.photo(near(ANNA, 0.6, 9))
    assert shell("identify", wrong) == 0
    assert shell("correct", "Anna", wrong, "--replay") == 0
    assert "1 past answer would change" in shell.out and "would be unknown" in shell.out
    assert shell("identify", wrong) == 0
    assert shell("correct", "Anna", wrong, "--by", "the guard") == 0
    assert shell("identify", wrong) == 1 and "a correction says" in shell.out
    assert shell("show", "Anna") == 0 and "corrections" in shell.out
    assert shell("correct", "Anna", shell.photo(ANNA, BEN)) == 2 and "2 faces" in shell.err


def test_a_gallery_without_answers_has_nothing_to_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = shell_in(tmp_path, monkeypatch, capsys)
    shell.enrol("Anna", ANNA)
    assert shell("correct", "Anna", shell.photo(ANNA), "--replay") == 2
    assert "keep_answers_days" in shell.err


def test_doctor_finds_a_swapped_photo_and_shows_it(shell: Shell) -> None:
    shell.enrol("Anna", ANNA, 3)
    assert shell("doctor") == 0 and "Nothing was found." in shell.out
    ben = shell.enrol("Ben", BEN, 2)
    shell("enrol", shell.photo(near(ANNA, 0.9, 77)), "--to", "Ben", "--allow", "duplicate,unlike")
    sheet = shell.folder / "sheet.png"
    assert shell("doctor", "--sheet", sheet) == 1
    assert "mislabelled" in shell.out and "1 finding." in shell.out
    assert open_photo(sheet).height > 112
    assert shell("doctor", "--json", "-") == 1
    (finding,) = shell.json()[0]["findings"]
    assert finding["person_id"] == ben
    assert shell("change", "Ben", "--drop", finding["template_id"]) == 0
    assert shell("doctor", "--json", shell.folder / "found.json") == 0
    assert json.loads((shell.folder / "found.json").read_text())["findings"] == []
    assert shell("doctor", "--sheet", "sheet.txt") == 2


def test_import_takes_templates_and_judges_photos(shell: Shell) -> None:
    photo = shell.photo(near(BEN, 0.9, 3))
    vector = [float(value) for value in near(ANNA, 0.9, 4)]
    consent = {"given_by": "a", "given_at": "2020-01-01T00:00:00Z", "purpose": "p", "how": "h"}
    lines = [
        {"name": "Anna", "consent": consent, "model": "net@1", "templates": [{"vector": vector}]},
        {"name": "Ben", "consent": consent, "photos": [photo.name, "absent.png"]},
    ]
    file = photo.parent / "people.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert shell("import", file) == 1
    assert "2 people, 2 templates." in shell.out and "absent.png" in shell.out and "Anna" not in shell.out
    assert shell("identify", shell.photo(near(ANNA, 0.9, 8))) == 0
    file.write_text("{}")
    assert shell("import", file) == 2 and "Line 1" in shell.err
    file.write_bytes(b"\xff\xfe\n")
    assert shell("import", file) == 2
    assert shell("import", shell.folder / "absent.jsonl") == 2 and "cannot be read" in shell.err


def test_no_embedding_is_printed(shell: Shell) -> None:
    shell.enrol("Anna", ANNA, 2)
    with shell.opened() as gallery:
        value = np.format_float_positional(float(gallery.templates("Anna")[0].vector[0]), 4)
    for command in (["list"], ["show", "Anna"], ["show"], ["history"], ["doctor"]):
        assert shell(*command, "--json", "-") == 0
        assert value not in shell.out and "vector" not in shell.out


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="file names are text there")
def test_a_file_name_that_is_no_text(shell: Shell) -> None:
    odd = shell.folder / os.fsdecode(b"odd\xff.png")
    odd.write_bytes(shell.photo(ANNA).read_bytes())
    assert shell("enrol", odd, "--name", "Anna", *CONSENT) == 0
    assert shell("identify", odd, "--json", "-") == 0
    assert shell.json()[0]["source"].endswith(r"odd\udcff.png")
    assert shell("show", "Anna") == 0 and r"odd\udcff.png" in shell.out


def test_pictures_that_cannot_be_written(shell: Shell) -> None:
    (shell.folder / "file").touch()
    assert shell("identify", shell.photo(ANNA), "--save", shell.folder / "file") == 2
    assert "cannot be written to" in shell.err


def test_reasons_call_people_by_their_names(shell: Shell) -> None:
    for name, direction in (("Anna", ANNA), ("Ben", BEN)):
        assert shell("enrol", shell.photo(direction), "--name", name, *CONSENT) == 0
    assert shell("identify", shell.photo((ANNA + BEN) / np.float32(2**0.5))) == 3
    assert "too close to each other" in shell.out and "Anna (0.707)" in shell.out and "Ben (0.707)" in shell.out
