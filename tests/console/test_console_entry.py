"""Getting in: the one-time link, the password, and a session that ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.conftest import PASSWORD, Console, Told, new_context


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_role("textbox", name="Name").fill("admin")
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_stranger_is_led_to_the_login_and_back(browser: Browser, console: Console, administrator: object) -> None:
    told = Told()
    context = new_context(browser, console, told)
    page = context.new_page()
    page.goto(f"{console.address}/people")
    expect(page).to_have_url(f"{console.address}/login")
    log_in(page)
    expect(page).to_have_url(f"{console.address}/people")
    assert told == Told()
    context.close()


def test_a_wrong_password_is_told_with_its_cure(browser: Browser, console: Console, administrator: object) -> None:
    context = new_context(browser, console, Told())
    page = context.new_page()
    page.goto(console.address)
    log_in(page, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
    expect(page.get_by_role("alert")).to_contain_text("one-time link")
    context.close()


def test_a_link_works_once(browser: Browser, console: Console, administrator: object) -> None:
    context = new_context(browser, console, Told())
    page = context.new_page()
    page.goto(console.link)
    expect(page.get_by_role("alert")).to_contain_text("used before")
    assert "welcome=" not in page.url
    context.close()


def test_a_session_that_ended_leads_to_the_login_and_back(
    browser: Browser, console: Console, administrator: object
) -> None:
    context = new_context(browser, console, Told())
    page = context.new_page()
    page.goto(console.address)
    log_in(page)
    page.get_by_role("heading", name="Try it").wait_for()
    context.clear_cookies()
    page.get_by_role("link", name="People").click()
    expect(page).to_have_url(f"{console.address}/login")
    log_in(page)
    expect(page).to_have_url(f"{console.address}/people")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{console.address}/login")
    page.goto(f"{console.address}/audit")
    expect(page).to_have_url(f"{console.address}/login")
    context.close()


def test_an_account_is_made_enters_by_its_link_and_sees_what_its_role_may(
    browser: Browser, console: Console, page: Page
) -> None:
    page.goto(f"{console.address}/settings/accounts")
    page.get_by_role("textbox", name="Name").fill("vera")
    page.get_by_role("combobox", name="Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Make an account").click()
    link = page.locator("pre").inner_text()
    context = new_context(browser, console, Told())
    other = context.new_page()
    other.goto(link)
    other.get_by_role("textbox", name="New password").fill("short")
    other.get_by_role("textbox", name="Once more").fill("other")
    other.get_by_role("button", name="Set the password").click()
    expect(other.get_by_text("The two are not the same.")).to_be_visible()
    for name in ("New password", "Once more"):
        other.get_by_role("textbox", name=name).fill(PASSWORD)
    other.get_by_role("button", name="Set the password").click()
    expect(other.get_by_role("link", name="People").first).to_be_visible()
    assert not other.get_by_role("link", name="Audit").count()
    assert not other.get_by_role("link", name="Compare").count()
    context.close()


def test_a_key_is_shown_once(console: Console, page: Page) -> None:
    page.goto(f"{console.address}/settings/keys")
    page.get_by_role("textbox", name="What it is for").fill("door 7")
    page.get_by_role("button", name="Make a key").click()
    assert page.locator("pre").inner_text().startswith("mien_")
    page.reload()
    expect(page.get_by_role("cell", name="door 7")).to_be_visible()
    assert not page.locator("pre").count()
    page.get_by_role("row", name="door 7").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/people/x", "/settings/rates"])
def test_every_address_of_the_page_has_a_nonce_of_its_own(context: BrowserContext, console: Console, path: str) -> None:
    answers = [context.request.get(console.address + path) for _ in range(2)]
    policies = {answer.headers["content-security-policy"] for answer in answers}
    assert len(policies) == 2 and all("unsafe" not in policy for policy in policies)
