"""People: added, found, corrected, merged, removed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page, expect

from mien.image import encode_image
from tests.console.conftest import Console, Told, signed


def test_a_person_is_added_with_photos_and_found_again(
    page: Page, console: Console, photo: Path, told: Told, enrolled: object
) -> None:
    page.goto(f"{console.address}/people")
    page.get_by_role("button", name="Add a person").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[type=file]").set_input_files([photo, photo])
    expect(form.get_by_role("img", name="Photo 2")).to_be_visible()
    form.get_by_role("button", name="Leave out Photo 2").click()
    form.get_by_role("textbox", name="Name").fill("Svetlana")
    form.get_by_role("checkbox", name="The person has agreed").check()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Svetlana")
    expect(page.locator(".photos img")).to_have_count(1)
    expect(page.get_by_text("Enrolled", exact=True)).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Number elsewhere").fill("4711")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("4711")).to_be_visible()
    page.get_by_role("link", name="People").last.click()
    page.get_by_role("searchbox").fill("4711")
    expect(page.get_by_role("link", name="Svetlana")).to_be_visible()
    page.get_by_role("searchbox").fill("nobody of this name")
    expect(page.get_by_text("Nobody is called")).to_be_visible()
    assert told == Told()


def test_one_who_is_on_record_is_enrolled_only_by_somebody_who_has_looked(
    page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]
) -> None:
    enrolled("Peggy")
    page.goto(f"{console.address}/people")
    page.get_by_role("button", name="Add a person").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[type=file]").set_input_files(photo)
    form.get_by_role("textbox", name="Name").fill("Peggy again")
    form.get_by_role("checkbox", name="The person has agreed").check()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("looks like")
    form.get_by_role("checkbox", name="enrol anyway").check()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Peggy again")
    page.goto(f"{console.address}/people/findings")
    expect(page.get_by_role("heading", name="One person, twice on record")).to_be_visible()
    page.goto(f"{console.address}/try")
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.locator(".face-card")).to_contain_text("Two people on record look alike")
    page.get_by_role("link", name="Look at both").click()
    both = page.get_by_role("dialog")
    expect(both.locator("figure strong")).to_have_count(2)
    expect(both.get_by_role("combobox", name="Who stays")).to_have_value(re.compile("Peggy"))
    both.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(re.compile(r"/people/[a-z2-7]{26}$"))
    page.goto(f"{console.address}/people/findings")
    page.get_by_role("link", name="Peggy again").first.click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Merge").click()
    page.get_by_role("combobox", name="Who stays").fill("Peggy")
    page.get_by_role("option", name="Peggy ·").click()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Peggy")


def test_not_this_person_says_first_what_would_change(
    page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]
) -> None:
    """The person's own photo is the only one here; the service does not let it be used against them."""
    page.goto(f"{console.address}/people/{enrolled('Judith')}")
    card = page.locator("section", has=page.get_by_role("heading", name="Not this person"))
    card.locator("input[type=file]").set_input_files(photo)
    expect(card).to_contain_text("From now on such a face is not called by this name")
    card.get_by_role("button", name="It is not this person").click()
    expect(card.get_by_role("alert")).to_contain_text("The photo is one of the person's own")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("alert")).to_have_count(0)


def test_not_this_person_is_stored_counts_and_can_be_taken_back(
    page: Page, console: Console, portrait: np.ndarray, tmp_path: Path, enrolled: Callable[[str], str]
) -> None:
    """The mirrored portrait is called by the name of the portrait, and no copy of it."""
    twin = tmp_path / "twin.jpg"
    twin.write_bytes(encode_image(np.ascontiguousarray(portrait[:, ::-1] // 2), ".jpg"))
    person = enrolled("Ruth")

    def asked() -> Locator:
        page.goto(f"{console.address}/try")
        page.locator("input[type=file]").set_input_files(twin)
        return page.locator(".who-is-it .headline")

    expect(asked()).to_have_text("Ruth")
    page.goto(f"{console.address}/people/{person}")
    card = page.locator("section", has=page.get_by_role("heading", name="Not this person"))
    card.locator("input[type=file]").set_input_files(twin)
    card.get_by_role("button", name="It is not this person").click()
    expect(card.get_by_role("listitem").filter(has_text="Said by admin")).to_have_count(1)
    page.reload()
    expect(card.get_by_role("listitem").filter(has_text="Said by admin")).to_have_count(1)
    expect(page.get_by_role("listitem").filter(has_text="Correction: not this person")).to_have_count(1)
    expect(asked()).to_have_text("Nobody on record")
    page.goto(f"{console.address}/people/{person}")
    card.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("listitem").filter(has_text="Correction taken back")).to_have_count(1)
    expect(card.get_by_role("listitem").filter(has_text="Said by admin")).to_have_count(0)


def test_photos_like_somebody_else_are_added_only_by_somebody_who_has_looked(
    page: Page, console: Console, photo: Path, tmp_path: Path, enrolled: Callable[[str], str]
) -> None:
    enrolled("Olga")
    letter = tmp_path / "letter.jpg"
    letter.write_bytes(b"no photo at all")
    page.goto(f"{console.address}/people/{enrolled_without_photos(page, console, 'Olga, too')}")
    card = page.locator("section", has=page.get_by_role("heading", name="Photos on record"))
    card.locator("input[type=file]").set_input_files([letter, photo])
    expect(card.get_by_role("alert")).to_contain_text("This looks like Olga")
    expect(card.get_by_role("button", name="Enrol", exact=True)).to_be_disabled()
    card.get_by_role("checkbox", name="enrol anyway").check()
    card.get_by_role("button", name="Enrol", exact=True).click()
    expect(card.locator(".photos img")).to_have_count(1)
    expect(card.get_by_role("alert")).to_have_count(0)
    expect(card.get_by_role("checkbox", name="enrol anyway")).to_have_count(0)


def enrolled_without_photos(page: Page, console: Console, name: str) -> str:
    person = {"name": name, "consent": {"given_by": name, "purpose": "tests", "how": "said so"}}
    answer = page.request.post(
        f"{console.address}/v1/people", headers=signed(page.context, console), multipart={"person": json.dumps(person)}
    )
    return str(answer.json()["person"]["id"])


def test_somebody_who_is_not_there(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/people/{'a' * 26}")
    expect(page.get_by_role("alert")).to_contain_text("There is no person")


def test_the_dial_says_what_a_rate_means_now(
    page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]
) -> None:
    enrolled("Dial")
    page.goto(f"{console.address}/settings/rates")
    expect(page.locator(".dial")).to_contain_text("With 1 person on record, about 10 of 1,000 strangers")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".dial")).to_contain_text("about 20 of 1,000 strangers")
    page.get_by_role("button", name="Use this rate").click()
    page.get_by_text("Saved").wait_for()
    page.reload()
    expect(page.locator(".dial-number")).to_have_text("1 in 50")
