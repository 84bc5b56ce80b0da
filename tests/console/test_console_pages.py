"""Every page: in both languages and themes, on a phone, by keyboard, without errors and foreign requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.console.conftest import Console, Told, english, enrol, forget, new_context, without_choices

PLACES = {
    "/try": ("Try it", "试一试"),
    "/compare": ("Compare", "比对"),
    "/people": ("People", "人员"),
    "/people/findings": ("Check-up", "人员库检查"),
    "/live": ("Live", "实时"),
    "/videos": ("Videos", "视频"),
    "/settings": ("Settings", "设置"),
    "/settings/rates": ("Settings", "设置"),
    "/settings/accounts": ("Settings", "设置"),
    "/settings/keys": ("Settings", "设置"),
    "/settings/models": ("Settings", "设置"),
    "/settings/me": ("Settings", "设置"),
    "/audit": ("Audit", "审计"),
}
LOOKS = {
    "english, light": {"locale": "en-GB", "color_scheme": "light"},
    "中文, dark": {"locale": "zh-CN", "color_scheme": "dark"},
    "phone": {"locale": "en-GB", "color_scheme": "dark", "viewport": {"width": 375, "height": 740}, "has_touch": True},
}
GRAVE = {"serious", "critical"}
STILL = """() => !document.querySelector('.mantine-Loader-root')
    && document.getAnimations().every(one => one.playState !== 'running')"""


class Settling:
    """Knows when a page has all that it asked for, and nothing in it moves."""

    def __init__(self, page: Page) -> None:
        self._page, self._pending = page, set[Request]()
        page.on("request", lambda asked: self._pending.add(asked))
        page.on("requestfinished", lambda asked: self._pending.discard(asked))
        page.on("requestfailed", lambda asked: self._pending.discard(asked))

    def wait(self) -> None:
        """The stream of events goes on for ever."""
        while [one for one in self._pending if not one.url.endswith("/stream")]:
            self._page.wait_for_timeout(10)
        self._page.wait_for_function(STILL)


def faults(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe
    # Half a megabyte, once a document.
    found = (axe("") if page.evaluate("'axe' in window") else axe()).run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in GRAVE]


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page(look: str, browser: Browser, console: Console, administrator: object, photo: Path) -> None:
    told = Told()
    context = new_context(browser, console, told, storage_state=without_choices(administrator), **LOOKS[look])
    person = enrol(context, console, "Pages", photo)
    page = context.new_page()
    chinese = LOOKS[look]["locale"] == "zh-CN"
    wrong: dict[str, object] = {}
    settling = Settling(page)
    page.goto(console.address)
    page.get_by_role("heading", level=1).wait_for()
    for path, titles in (PLACES | {f"/people/{person}": ("Pages", "Pages")}).items():
        page.evaluate("path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }", path)
        expect(page).to_have_title(f"{titles[chinese]} · mien")
        expect(page.get_by_role("heading", level=1)).to_have_text(titles[chinese])
        settling.wait()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = [*faults(page), *([f"{wide} px too wide"] if wide > 0 else []), *(english(page) if chinese else [])]
        if found:
            wrong[path] = found
    forget(context, console, person)
    context.close()
    assert wrong == {}
    assert told == Told()


def test_the_gate_has_no_faults(browser: Browser, console: Console, administrator: object) -> None:
    context = new_context(browser, console, Told(), color_scheme="dark")
    page = context.new_page()
    page.goto(console.address)
    page.get_by_role("heading", name="Log in").wait_for()
    assert faults(page) == []
    context.close()


def test_language_and_theme_are_remembered(page: Page, console: Console, told: Told) -> None:
    page.goto(f"{console.address}/people")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitem", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("人员")
    page.get_by_role("button", name="外观").click()
    page.get_by_role("menuitem", name="深色").click()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("人员")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate("document.documentElement.dataset.mantineColorScheme") == "dark"
    assert told == Told()


def test_the_keyboard_reaches_the_content_past_the_menu(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/people")
    page.get_by_role("heading", name="People").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Check-up")).to_be_focused()


def test_a_phone_has_all_pages_in_its_menu(browser: Browser, console: Console, administrator: object) -> None:
    context = new_context(browser, console, Told(), storage_state=administrator, viewport={"width": 375, "height": 740})
    page = context.new_page()
    page.goto(f"{console.address}/try")
    page.get_by_role("button", name="More").click()
    page.get_by_role("dialog").get_by_role("link", name="Audit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit")
    expect(page.get_by_role("dialog")).to_have_count(0)
    context.close()


def test_a_page_weighs_little(context: BrowserContext, console: Console) -> None:
    """All that a first visit fetches, as it is sent."""
    page, sizes = context.new_page(), []
    page.on("requestfinished", lambda asked: sizes.append(asked.sizes()["responseBodySize"]))
    settling = Settling(page)
    page.goto(f"{console.address}/settings/rates")
    page.get_by_text("When two photos are compared").wait_for()
    settling.wait()
    assert 50_000 < sum(sizes) < 1_500_000


def test_the_licences_of_its_libraries_come_with_the_page(context: BrowserContext, console: Console) -> None:
    text = context.request.get(f"{console.address}/licences.txt").text()
    assert "react-dom 19" in text and "@mantine/core" in text and text.count("Permission is hereby granted") > 10


def test_the_service_that_is_gone_is_told(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/try")
    page.route("**/v1/calibrations", lambda route: route.abort())
    page.route("**/v1/models", lambda route: route.fulfill(status=500, body="no JSON"))
    page.goto(f"{console.address}/settings/models")
    expect(page.get_by_role("alert").first).to_be_visible()
