"""Videos and what happens: an upload becomes a report, an event comes by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.console.conftest import Console, Told

av = pytest.importorskip("av", reason="needs the extra `video`")


@pytest.fixture
def talk(portrait: np.ndarray, tmp_path: Path) -> Path:
    """Two seconds of the portrait."""
    path = tmp_path / "talk.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for index in range(20):
            box.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(portrait, index, axis=1), format="rgb24")))
        box.mux(stream.encode())
    return path


def test_a_video_becomes_a_report(page: Page, console: Console, talk: Path, told: Told) -> None:
    page.goto(f"{console.address}/videos")
    page.locator("input[type=file]").set_input_files(talk)
    page.get_by_role("link", name="Open the report").click(timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("talk.mp4")
    expect(page.get_by_role("img", name="Plot of the faces in view")).to_be_visible()
    expect(page.get_by_role("img", name="Apparent expressions of Face 1")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("link", name="Table").click()
    assert got.value.path().read_text().count("\n") > 5
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No videos yet")).to_be_visible()
    assert told == Told()


def test_an_upload_that_is_faster_than_the_list_is_in_it(page: Page, console: Console, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_bytes(b"no video at all")
    first: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET" and not first:
            first.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/v1/videos?*", hold)
    page.goto(f"{console.address}/videos")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/v1/videos" in answer.url):
        page.locator("input[type=file]").set_input_files(path)
    page.wait_for_timeout(500)
    for route, answer in first:
        route.fulfill(response=answer)
    expect(page.locator(".job")).to_contain_text("Failed", timeout=60_000)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".job")).to_have_count(0)


def test_events_come_by_themselves(page: Page, console: Console, photo: Path, enrolled: Callable[[str], str]) -> None:
    page.goto(f"{console.address}/live")
    expect(page.get_by_text("No cameras are set up")).to_be_visible()
    expect(page.get_by_role("img", name="New events appear here")).to_be_visible()
    event = page.get_by_role("listitem").filter(has_text="Person enrolled").filter(has_text="Somebody Who Comes")
    expect(event).to_have_count(0)
    enrolled("Somebody Who Comes")
    expect(event).to_have_count(1)
