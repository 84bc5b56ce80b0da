"""Accounts beside the first: their links, what they may see, and one session in all tabs of a browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect

from mien.image import encode_image
from tests.console.conftest import PASSWORD, Console, Told, forget, new_context


def make_account(page: Page, console: Console, name: str, role: str = "viewer") -> str:
    """The account's link."""
    page.goto(f"{console.address}/settings/accounts")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("combobox", name="Role", exact=True).select_option(role)
    page.get_by_role("button", name="Make an account").click()
    return page.locator("section", has_text=f"One-time link for {name}").locator("pre").inner_text()


def test_each_link_says_whose_it_is_and_none_is_lost(page: Page, console: Console) -> None:
    first = make_account(page, console, "linus")
    page.get_by_role("textbox", name="Name").fill("lena")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("heading", name="One-time link for lena")).to_be_visible()
    expect(page.locator("section", has_text="One-time link for linus").locator("pre")).to_have_text(first)
    page.get_by_role("textbox", name="Name").fill("lena")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert")).to_be_in_viewport()
    page.get_by_role("tab", name="Models").click()
    page.get_by_role("tab", name="Accounts").click()
    expect(page.locator("pre")).to_have_count(2)
    page.get_by_role("button", name="Actions for linus").click()
    page.get_by_role("menuitem", name="New one-time link").click()
    expect(page.locator("section", has_text="One-time link for linus").locator("pre")).not_to_have_text(first)
    expect(page.locator("pre")).to_have_count(2)


def test_a_name_of_spaces_is_not_sent(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/settings/accounts")
    page.get_by_role("textbox", name="Name").fill("   ")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_text("The name is missing.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_reload_before_the_password_is_set_keeps_the_form(browser: Browser, console: Console, page: Page) -> None:
    link = make_account(page, console, "rita")
    context = new_context(browser, console, Told())
    other = context.new_page()
    other.goto(link)
    other.get_by_text("For the account rita.").wait_for()
    other.reload()
    expect(other.get_by_text("For the account rita.")).to_be_visible()
    expect(other.get_by_role("alert")).to_have_count(0)
    other.goto("about:blank")
    other.goto(link)
    for name in ("New password", "Once more"):
        other.get_by_role("textbox", name=name).fill(PASSWORD)
    other.get_by_role("button", name="Set the password").click()
    expect(other).to_have_url(f"{console.address}/people")
    expect(other.get_by_role("link", name="Check-up")).to_have_count(0)
    other.goto(f"{console.address}/try")
    expect(other.get_by_role("heading", level=1)).to_have_text("This page is for others")
    other.get_by_role("link", name="To the first page").click()
    expect(other).to_have_url(f"{console.address}/people")
    context.close()


def test_logging_out_logs_all_tabs_out(browser: Browser, console: Console, page: Page) -> None:
    link = make_account(page, console, "tom", "operator")
    context = new_context(browser, console, Told())
    one = context.new_page()
    one.goto(link)
    for name in ("New password", "Once more"):
        one.get_by_role("textbox", name=name).fill(PASSWORD)
    one.get_by_role("button", name="Set the password").click()
    one.get_by_role("heading", name="Try it").wait_for()
    two = context.new_page()
    two.goto(f"{console.address}/people")
    two.get_by_role("heading", name="People").wait_for()
    one.get_by_role("button", name="Log out").click()
    expect(two).to_have_url(f"{console.address}/login")
    one.get_by_role("textbox", name="Name").fill("tom")
    one.get_by_role("textbox", name="Password").fill(PASSWORD)
    one.get_by_role("button", name="Log in").click()
    expect(two).to_have_url(f"{console.address}/people")
    context.close()


def test_an_address_that_is_none_is_told(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="To the first page").click()
    expect(page).to_have_url(f"{console.address}/try")


def test_photos_that_were_not_kept_are_named_with_why(
    page: Page, console: Console, photo: Path, tmp_path: Path
) -> None:
    grey, letter = tmp_path / "grey.png", tmp_path / "letter.jpg"
    grey.write_bytes(encode_image(np.full((240, 320, 3), 128, np.uint8), ".png"))
    letter.write_bytes(b"no photo at all")
    page.goto(f"{console.address}/people")
    page.get_by_role("button", name="Add a person").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[type=file]").set_input_files([grey, letter])
    form.get_by_role("textbox", name="Name").fill("Nora")
    form.get_by_role("checkbox", name="The person has agreed").check()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(form.get_by_role("alert")).to_be_in_viewport()
    expect(form.get_by_role("alert")).to_contain_text("This is no photo that can be read")
    expect(form.get_by_role("checkbox", name="enrol anyway")).to_have_count(0)
    form.locator("input[type=file]").set_input_files([photo])
    expect(form.get_by_role("img", name="Photo 3").first).to_be_visible()
    form.get_by_role("button", name="Enrol", exact=True).click()
    expect(form.get_by_role("heading", name="Nora is enrolled")).to_be_visible()
    expect(form.locator(".judged")).to_contain_text("grey.png")
    expect(form.locator(".judged")).to_contain_text("letter.jpg")
    form.get_by_role("button", name="Done").click()
    expect(page).to_have_url(re.compile("/people/[a-z2-7]{26}$"))
    forget(page.context, console, page.url.rpartition("/")[2])
