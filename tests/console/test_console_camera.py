"""A service with a camera, which is a small web server here, and with an organisation's login, which is one too."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mien.image import encode_image
from tests.console.conftest import Console, Told, enrol, first_session, new_context, serving, signed

pytest.importorskip("av", reason="needs the extra `video`")
pytest.importorskip("authlib", reason="needs the extra `oidc`")

from tests.server.made_up_issuer import CLIENT, SECRET, Issuer, running_issuer

PICTURES_A_SECOND = 4


@dataclass
class Door:
    """A camera that sends the portrait as Motion JPEG, while it is plugged in."""

    pictures: list[bytes]
    plugged_in: threading.Event = field(default_factory=threading.Event)

    def parts(self) -> Iterator[bytes]:
        for picture in itertools.cycle(self.pictures):
            if not self.plugged_in.wait(0):
                return
            head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            yield head.encode() + picture + b"\r\n"
            time.sleep(1 / PICTURES_A_SECOND)


@pytest.fixture(scope="module")
def door(portrait: np.ndarray) -> Iterator[tuple[Door, str]]:
    """The camera, and its address."""
    made = Door([encode_image(np.roll(portrait, shift, axis=1), ".jpg") for shift in (0, 4, 8, 4)])
    made.plugged_in.set()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None: ...

        def do_GET(self) -> None:
            there = made.plugged_in.is_set()
            self.send_response(200 if there else 503)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cut")
            self.end_headers()
            for part in made.parts():
                self.wfile.write(part)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made, f"http://127.0.0.1:{server.server_port}/video"
        made.plugged_in.clear()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as made:
        yield made


@pytest.fixture(scope="module")
def guarded(
    console: Console, door: tuple[Door, str], issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """A second service; the first one has neither."""
    login = {"oidc_issuer": issuer.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with serving(tmp_path_factory.mktemp("guarded"), "--camera", f"door={door[1]}", **login) as found:
        yield found


@pytest.fixture(scope="module")
def chief(browser: Browser, guarded: Console) -> Iterator[BrowserContext]:
    """Its administrator."""
    made = new_context(browser, guarded, Told(), storage_state=first_session(browser, guarded))
    yield made
    made.close()


def test_a_camera_is_shown_with_who_is_in_view_and_says_when_it_is_gone(
    chief: BrowserContext, guarded: Console, door: tuple[Door, str], photo: Path
) -> None:
    enrol(chief, guarded, "Doris", photo)
    page = chief.new_page()
    page.goto(f"{guarded.address}/live")
    camera = page.get_by_role("region", name="door")
    expect(camera).to_contain_text("running")
    expect(camera).to_contain_text("In view: Doris")
    picture = camera.get_by_role("img", name="Picture of the camera door")
    assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 640
    feed = page.get_by_role("listitem")
    expect(feed.filter(has_text="Came into view").first).to_contain_text("door")
    expect(feed.filter(has_text="Recognised").first).to_contain_text("Doris")
    door[0].plugged_in.clear()
    expect(camera).to_contain_text("lost")
    expect(camera).to_contain_text("connected anew as soon as it is there again")
    expect(picture).to_have_count(0)
    expect(feed.filter(has_text="Camera lost")).to_have_count(1)
    page.close()


def test_whoever_has_an_account_comes_in_by_the_organisations_login(
    browser: Browser, chief: BrowserContext, guarded: Console, issuer: Issuer
) -> None:
    context = new_context(browser, guarded, Told())
    page = context.new_page()
    by_organisation(page, guarded)
    expect(page).to_have_url(f"{guarded.address}/login?refused=no-account")
    expect(page.get_by_role("alert")).to_contain_text("You are logged in there, and have no account here")
    expect(page.get_by_role("alert")).to_contain_text("Ask an administrator")
    account = {"name": issuer.claims["email"], "role": "viewer"}
    chief.request.post(f"{guarded.address}/v1/accounts", headers=signed(chief, guarded), data=account)
    by_organisation(page, guarded)
    expect(page).to_have_url(re.compile("/people$"))
    expect(page.get_by_text(issuer.claims["email"])).to_be_visible()
    context.close()


def by_organisation(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/login")
    page.get_by_role("link", name="Log in with your organisation").click()
