"""A real `mien serve` on loopback, and a headless Chromium whose webcam shows the sample photo."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra `server`")
pytest.importorskip("playwright.sync_api", reason="needs playwright, which the extra `test` brings")

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from mien.console import page_folder
from mien.gallery.store.master import MasterKey
from mien.image import encode_image
from mien.settings import Settings

PASSWORD = "a few words of mine"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ENGLISH = re.compile(r"[A-Za-z']+(?:,? [a-z']+){2,}")
STARTING_SECONDS = 60_000
# A machine that is busy with other things is slow, and no test is about that.
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class Console:
    """address: of the service. link: the one-time link that it printed at its first start."""

    address: str
    link: str


@dataclass
class Told:
    """What the browser said: errors on its console, and requests that left the service."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def portrait(weights: Settings) -> np.ndarray:
    """(480, 640, 3) uint8 RGB: the head of the sample `astronaut`, as a webcam would show it."""
    from mien.image import open_photo
    from mien.weights.fetch import ensure

    pixels = open_photo(ensure("astronaut", weights)).pixels().pixels
    head = Image.fromarray(pixels).crop((60, 0, 400, 255)).resize((640, 480), Image.Resampling.LANCZOS)
    return np.asarray(head)


@pytest.fixture(scope="session")
def photo(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait as a file."""
    path = tmp_path_factory.mktemp("photos") / "portrait.jpg"
    path.write_bytes(encode_image(portrait, ".jpg"))
    return path


@pytest.fixture(scope="session")
def film(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the fake webcam: the portrait, which sways, as Motion JPEG."""
    path = tmp_path_factory.mktemp("films") / "webcam.mjpeg"
    shifts = [int(12 * np.sin(index / 5)) for index in range(32)]
    path.write_bytes(b"".join(encode_image(np.roll(portrait, shift, axis=1), ".jpg") for shift in shifts))
    return path


@pytest.fixture(scope="package")
def console(weights: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One service for all tests; each makes the people and accounts that it needs."""
    if page_folder() is None:
        pytest.skip("the console's page is not built: `pip install -e .` builds it, see docs/console.md")
    with serving(tmp_path_factory.mktemp("serve")) as found:
        yield found


@contextmanager
def serving(folder: Path, *more: str, **settings: str) -> Iterator[Console]:
    """more: further arguments of `mien serve`. settings: of the server, by their names."""
    environment = os.environ | {
        "MIEN_DATA_DIR": str(folder / "data"),
        "MIEN_GALLERY": str(folder / "gallery"),
        "MIEN_GALLERY_KEY": MasterKey.new().text,
        "MIEN_SERVER_REQUESTS_PER_MINUTE": "100000",
    }
    environment |= {f"MIEN_SERVER_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-c", "from mien.cli.main import main; main()", "serve", "--port", "0", *more]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        address, link = (re.search(r"http://\S+", line) for line in lines)
        assert address and link, (folder / "log").read_text()
        yield Console(address[0], link[0])
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(30)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="package")
def browser(playwright: Playwright, film: Path) -> Iterator[Browser]:
    own = Path(playwright.chromium.executable_path)
    path = next(filter(None, map(shutil.which, BROWSERS)), None) or (str(own) if own.is_file() else None)
    if path is None:
        pytest.skip("there is no Chromium on the path")
    arguments = [
        "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]  # fmt: skip
    found = playwright.chromium.launch(executable_path=path, args=arguments)
    yield found
    found.close()


@pytest.fixture(scope="package")
def administrator(browser: Browser, console: Console) -> dict[str, object]:
    """What a browser keeps once the first administrator has opened the link and set a password."""
    return first_session(browser, console)


def first_session(browser: Browser, console: Console) -> dict[str, object]:
    """Spends the one-time link of the service's first start."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(console.link)
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("textbox", name="Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click(timeout=STARTING_SECONDS)
    page.get_by_role("heading", name="Try it").wait_for(timeout=STARTING_SECONDS)
    state = context.storage_state()
    context.close()
    return state  # type: ignore[return-value]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def context(browser: Browser, console: Console, administrator: object, told: Told) -> Iterator[BrowserContext]:
    """Logged in as the administrator, in English, light; tells of errors and of foreign requests."""
    made = new_context(browser, console, told, storage_state=administrator)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    found = context.new_page()
    found.set_default_timeout(20_000)
    return found


def new_context(browser: Browser, console: Console, told: Told, **options: object) -> BrowserContext:
    """A browser of its own; its pages tell `told` what goes wrong."""
    made = browser.new_context(**({"locale": "en-GB", "viewport": {"width": 1280, "height": 900}} | options))  # type: ignore[arg-type]

    def listen(page: Page) -> None:
        page.on("console", lambda said: told.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: told.errors.append(str(error)))
        own = (console.address, console.address.replace("http", "ws", 1), "data:", f"blob:{console.address}")
        page.on("request", lambda asked: None if asked.url.startswith(own) else told.foreign.append(asked.url))

    made.on("page", listen)
    return made


def english(page: Page) -> list[str]:
    """Three English words in a row that anybody sees; what is folded away is not seen."""
    return ENGLISH.findall(page.locator("body").inner_text())


def without_choices(state: object) -> object:
    """As a browser that has not chosen a language yet."""
    assert isinstance(state, dict)
    copied = json.loads(json.dumps(state))
    for origin in copied["origins"]:
        origin["localStorage"] = [one for one in origin["localStorage"] if one["name"] == "mien-session"]
    return copied


@pytest.fixture
def enrolled(context: BrowserContext, console: Console, photo: Path) -> Iterator[Callable[[str], str]]:
    """Puts the person of the photo on record by the API, and gives the id; everybody is forgotten after the test."""
    yield lambda name: enrol(context, console, name, photo)
    headers = signed(context, console)
    for one in context.request.get(f"{console.address}/v1/people").json()["items"]:
        context.request.delete(f"{console.address}/v1/people/{one['id']}", headers=headers)


def enrol(context: BrowserContext, console: Console, name: str, photo: Path) -> str:
    """As the fixture, with nobody to forget it."""
    consent = {"given_by": name, "purpose": "tests", "how": "said so"}
    person = json.dumps({"name": name, "allow_duplicate": True, "consent": consent})
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo.read_bytes()}
    answer = context.request.post(
        f"{console.address}/v1/people", headers=signed(context, console), multipart={"person": person, "photos": file}
    )
    assert answer.status == 201, answer.text()
    found: str = answer.json()["person"]["id"]
    return found


def forget(context: BrowserContext, console: Console, person: str) -> None:
    """For somebody whom a test put on record without the fixture."""
    answer = context.request.delete(f"{console.address}/v1/people/{person}", headers=signed(context, console))
    assert answer.status in (200, 404)


def signed(context: BrowserContext, console: Console) -> dict[str, str]:
    token: str = context.request.get(f"{console.address}/v1/session").json()["csrf"]
    return {"X-CSRF-Token": token, "Origin": console.address}
