"""Try it and Compare: photos in, answers in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from mien.image import encode_image
from tests.console.conftest import Console, Told


def give(page: Page, *photos: Path) -> None:
    for photo in photos:
        page.locator("input[type=file]").first.set_input_files(photo)


def test_a_photo_is_described(page: Page, console: Console, photo: Path, told: Told) -> None:
    page.goto(f"{console.address}/try")
    give(page, photo)
    card = page.locator(".face-card")
    expect(card).to_contain_text("Happiness")
    expect(card).to_contain_text("/ 100")
    page.get_by_role("checkbox", name="Show the points").check()
    expect(page.locator(".overlay circle")).to_have_count(468)
    card.get_by_role("button", name="fine").click()
    expect(card.get_by_text("Sharpness")).to_be_visible()
    assert told == Told()


def test_somebody_on_record_is_named(page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]) -> None:
    enrolled("Eileen")
    page.goto(f"{console.address}/try")
    give(page, photo)
    page.locator(".face-card").get_by_role("link", name="Eileen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Eileen")


def test_a_photo_without_a_face_and_a_file_that_is_none(page: Page, console: Console, tmp_path: Path) -> None:
    page.goto(f"{console.address}/try")
    empty, broken = tmp_path / "grey.png", tmp_path / "broken.jpg"
    empty.write_bytes(encode_image(np.full((240, 320, 3), 128, np.uint8), ".png"))
    broken.write_bytes(b"no photo at all")
    give(page, empty)
    expect(page.get_by_text("There is no face in this photo.")).to_be_visible()
    page.get_by_role("button", name="Another photo").click()
    give(page, broken)
    expect(page.get_by_role("alert")).to_contain_text("image-format")
    expect(page.get_by_role("alert")).to_contain_text("JPEG")
    expect(page.locator(".overlay")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Show the points")).to_have_count(0)


def test_two_photos_are_compared_and_the_score_is_on_the_curve(
    page: Page, console: Console, photo: Path, tmp_path: Path, told: Told
) -> None:
    page.goto(f"{console.address}/compare")
    expect(page.get_by_role("button", name="Choose a photo: Second photo")).to_be_visible()
    give(page, photo, photo)
    expect(page.locator(".verdict-word")).to_have_text("The same person")
    expect(page.get_by_role("img", name="Curve from score")).to_be_visible()
    page.get_by_role("combobox", name="Accepted false matches").select_option("0.01")
    expect(page.locator(".verdict")).to_contain_text("1 in 100")
    empty = tmp_path / "grey.png"
    empty.write_bytes(encode_image(np.full((240, 320, 3), 128, np.uint8), ".png"))
    page.get_by_role("button", name="Start over").click()
    give(page, photo, empty)
    expect(page.locator(".verdict-word")).to_have_text("Cannot be decided")
    expect(page.locator(".verdict")).to_contain_text("There is no face in the second photo")
    assert told == Told()
    letter = tmp_path / "letter.jpg"
    letter.write_bytes(b"no photo at all")
    page.get_by_role("button", name="Start over").click()
    give(page, letter, photo)
    expect(page.get_by_role("alert")).to_contain_text("The first photo cannot be read")


def test_the_answer_is_seen_without_scrolling(page: Page, console: Console, photo: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{console.address}/compare")
    give(page, photo, photo)
    expect(page.locator(".verdict-word")).to_be_in_viewport(ratio=1)
    expect(page.locator(".verdict p").nth(1)).to_be_in_viewport(ratio=1)


def test_a_stranger_enrols_by_webcam_and_is_recognised(
    page: Page, console: Console, told: Told, enrolled: object
) -> None:
    page.goto(f"{console.address}/try")
    page.get_by_text("Webcam", exact=True).click()
    expect(page.locator(".mark")).to_have_count(1)
    page.get_by_role("button", name="Enrol this face").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("Valentina")
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(form.get_by_text("Without the person's consent nobody is enrolled.")).to_be_visible()
    form.get_by_role("checkbox", name="The person has agreed").check()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.locator(".mark-label")).to_have_text("Valentina", timeout=30_000)
    assert told == Told()
    page.goto(f"{console.address}/people")
    page.get_by_role("link", name="Valentina").click()
    remove(page, "Valentina")


def remove(page: Page, name: str) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Remove this person").click()
    page.get_by_role("dialog").get_by_role("textbox").fill(name)
    page.get_by_role("button", name="Remove for good").click()
    receipt = page.get_by_role("region", name=f"{name} is removed")
    expect(receipt).to_contain_text("Signature")
    expect(page.locator("main img")).to_have_count(0)
    with page.expect_download() as got:
        receipt.get_by_role("button", name="Save the receipt").click()
    assert "signature" in json.loads(got.value.path().read_text())
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("People")


def test_a_look_up_asks_for_its_reason_where_one_is_needed(
    page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]
) -> None:
    enrolled("Reason")
    page.goto(f"{console.address}/settings")
    page.get_by_role("switch", name="Look-ups need a reason").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved").wait_for()
    page.goto(f"{console.address}/try")
    give(page, photo)
    page.get_by_role("textbox", name="What is this look-up for?").fill("Lost badge")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator(".face-card").get_by_role("link", name="Reason")).to_be_visible()
    page.get_by_text("Webcam", exact=True).click()
    page.get_by_role("textbox", name="What is this session for?").fill("Opening the door")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator(".mark-label")).to_have_text("Reason", timeout=30_000)
    page.goto(f"{console.address}/audit")
    row = page.get_by_role("row").filter(has_text="Lost badge").first
    expect(row).to_contain_text("Looked up by photo")
    expect(row).to_contain_text("named")
    expect(row.get_by_role("link", name="Reason")).to_be_visible()
    page.get_by_role("combobox", name="Action").click()
    page.get_by_role("option", name="Live session begun").click()
    expect(page.get_by_role("row").filter(has_text="Looked up by photo")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="Opening the door").first).to_contain_text("with names")
    page.get_by_role("combobox", name="Action").fill("Recognised")
    page.get_by_role("option", name="Recognised").click()
    page.get_by_role("combobox", name="Whom or what").click()
    page.get_by_role("option", name="Reason").click()
    expect(page.get_by_role("row").filter(has_text="Opening the door")).to_contain_text("in a live session")
    page.get_by_role("button", name="Verify the log").click()
    expect(page.get_by_text("The log is whole")).to_be_visible()
    page.goto(f"{console.address}/settings")
    page.get_by_role("switch", name="Look-ups need a reason").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved").wait_for()
