"""Takes a picture of every page of the console, and prints first paint, bytes, console errors and foreign requests.

Needs the extras server and video, playwright, a Chromium on the path, and the sample `astronaut`. Starts `mien serve`
on a gallery of its own in a temporary folder. Prints for each page when the browser
painted first (the mark of the page) and when the page's title was there, then the sums.

    python benchmarks/console_look.py --out DIR [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from mien.gallery.store.master import MasterKey
from mien.image import encode_image, open_photo
from mien.settings import load_settings
from mien.weights.fetch import ensure

PASSWORD = "a few words of mine"
LOOKS = {
    "en-light": ("en", "light", 1360, 860),
    "zh-dark": ("zh", "dark", 1360, 860),
    "zh-light": ("zh", "light", 1360, 860),
    "zh-light-phone": ("zh", "light", 390, 844),
    "en-dark-phone": ("en", "dark", 390, 844),
}
PLACES = {
    "try": "/try", "compare": "/compare", "people": "/people", "findings": "/people/findings", "live": "/live",
    "videos": "/videos", "settings": "/settings", "rates": "/settings/rates", "accounts": "/settings/accounts",
    "keys": "/settings/keys", "models": "/settings/models", "me": "/settings/me", "audit": "/audit",
}  # fmt: skip


@dataclass
class Told:
    """What a browser said of its pages."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    bytes: int = 0


def portrait(width: int = 640, height: int = 480) -> np.ndarray:
    """The head of the sample, as a webcam shows it; (H, W, 3) uint8 RGB."""
    pixels = open_photo(ensure("astronaut", load_settings())).pixels().pixels
    from PIL import Image

    head = Image.fromarray(pixels).crop((60, 0, 400, 255)).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(head)


def make_films(folder: Path) -> tuple[Path, Path]:
    """A film for the fake webcam (YUV4MPEG2) and one to upload (MP4): the portrait, which sways."""
    picture = portrait()
    fake, upload = folder / "webcam.y4m", folder / "talk.mp4"
    shifts = [int(12 * np.sin(index / 5)) for index in range(60)]
    frames = [np.roll(picture, shift, axis=1) for shift in shifts]
    with fake.open("wb") as out:
        out.write(b"YUV4MPEG2 W640 H480 F20:1 Ip A1:1 C420jpeg\n")
        for frame in frames[:40]:
            planes = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuvj420p").to_ndarray()
            out.write(b"FRAME\n" + planes.tobytes())
    with av.open(str(upload), "w") as box:
        stream = box.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for frame in frames:
            box.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        box.mux(stream.encode())
    return fake, upload


@contextmanager
def service(folder: Path, *more: str) -> Iterator[tuple[str, str]]:
    """The address and the one-time link of a fresh service."""
    environment = os.environ | {
        "MIEN_DATA_DIR": str(folder / "data"),
        "MIEN_GALLERY": str(folder / "gallery"),
        "MIEN_GALLERY_KEY": MasterKey.new().text,
        "MIEN_OFFLINE": "1",
    }
    command = [str(Path(sys.executable).with_name("mien")), "serve", "--port", "0", *more]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            found = re.search(r"http://\S+", lines[0]), re.search(r"http://\S+", lines[1])
            assert found[0] and found[1], lines
            yield found[0][0], found[1][0]
        finally:
            process.terminate()


def told_by(context: BrowserContext, address: str) -> Told:
    """Listens to every page of a context."""
    told = Told()

    def listen(page: Page) -> None:
        page.on("console", lambda said: told.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: told.errors.append(str(error)))
        page.on("request", lambda asked: None if own(asked.url, address) else told.foreign.append(asked.url))
        page.on("requestfinished", lambda asked: count(asked, told))

    context.on("page", listen)
    return told


def own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", f"blob:{address}"))


def count(asked: object, told: Told) -> None:
    try:
        sizes = asked.sizes()  # type: ignore[attr-defined]
        told.bytes += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    except Exception:  # noqa: BLE001 - the page may be gone by then
        return


def set_password(browser: Browser, link: str, address: str, out: Path) -> dict[str, object]:
    """Opens the link as the first administrator does; the session that comes of it."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{address}/")
    page.get_by_role("textbox", name="Password").wait_for()
    page.screenshot(path=out / "login.png")
    page.goto("about:blank")
    page.goto(link)
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("textbox", name="Once more").fill(PASSWORD)
    page.screenshot(path=out / "welcome.png")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("heading", name="Try it").wait_for()
    state = context.storage_state()
    context.close()
    return state  # type: ignore[return-value]


def fill(context: BrowserContext, address: str, upload: Path) -> dict[str, str]:
    """Two people, a key, a video; the ids that pages need."""
    request = context.request
    token = request.get(f"{address}/v1/session").json()["csrf"]
    headers = {"X-CSRF-Token": token, "Origin": address}
    ids = {}
    for name, group in (("Anna Weber", "night shift"), ("王小明", "白班")):
        person = (
            f'{{"name": "{name}", "groups": ["{group}"], "allow_duplicate": true, "consent": {{"given_by": "{name}",'
            ' "purpose": "Opening the door of the workshop", "how": "Signed form"}}'
        )
        photo = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encode_image(portrait(), ".jpg")}
        answer = request.post(f"{address}/v1/people", headers=headers, multipart={"person": person, "photos": photo})
        ids["other" if ids else "person"] = answer.json()["person"]["id"]
    request.post(f"{address}/v1/keys", headers=headers, data={"name": "door 1", "role": "operator", "days": 365})
    sent = request.post(
        f"{address}/v1/videos?name=talk.mp4&identify=true",
        headers=headers | {"Content-Type": "application/octet-stream"},
        data=upload.read_bytes(),
    ).json()
    ids["video"] = sent["id"]
    for _ in range(120):
        if request.get(f"{address}/v1/videos/{ids['video']}").json()["state"] in ("done", "failed"):
            break
        subprocess.run(["sleep", "1"], check=True)
    return ids


def look(context: BrowserContext, address: str, ids: dict[str, str], out: Path, name: str, only: str | None) -> None:
    """A picture of each page, whole, and what it took to paint it."""
    page = context.new_page()
    photo = out / "portrait.jpg"
    photo.write_bytes(encode_image(portrait(), ".jpg"))
    places = PLACES | {"person": f"/people/{ids['person']}", "report": f"/videos/{ids['video']}"}
    places["both"] = f"/people/{ids['person']}?with={ids['other']}"
    for place, path in places.items():
        if only and only != place:
            continue
        page.goto(address + path)
        page.locator("h1").first.wait_for()
        shown = page.evaluate("performance.now()")
        page.wait_for_timeout(1500)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
        if place == "try":
            take(page, out / f"{name}-try-empty.png")
            page.locator("input[type=file]").set_input_files(photo)
            page.locator(".face-card").wait_for(timeout=15_000)
        if place == "compare":
            for _ in range(2):
                page.locator("input[type=file]").first.set_input_files(photo)
            page.locator(".verdict").wait_for(timeout=15_000)
        page.wait_for_timeout(500)
        take(page, out / f"{name}-{place}.png")
        print(f"{name:16} {place:10} first paint {paint:6.0f} ms, title {shown:6.0f} ms")
    if not only or only == "webcam":
        webcam(page, address, out, name)
    page.close()


def take(page: Page, path: Path) -> None:
    """A picture of the whole page: the window grows first, so that plots can draw themselves anew."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(height, 4000))})
    page.wait_for_timeout(400)
    page.screenshot(path=path)
    page.set_viewport_size({"width": size["width"], "height": size["height"]})


def webcam(page: Page, address: str, out: Path, name: str) -> None:
    page.goto(address + "/try")
    page.locator(".mantine-SegmentedControl-label").last.click()
    page.locator(".mark").first.wait_for(timeout=30_000)
    page.wait_for_timeout(3000)
    take(page, out / f"{name}-webcam.png")
    page.locator("main .mantine-Button-root").first.click()
    page.get_by_role("dialog").wait_for(timeout=20_000)
    page.wait_for_timeout(600)
    page.screenshot(path=out / f"{name}-enrol.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", help="One page, by its name.")
    parser.add_argument("--look", choices=list(LOOKS), help="One look.")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as text, sync_playwright() as playwright:
        folder = Path(text)
        fake, upload = make_films(folder)
        arguments = [
            "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={fake}",
        ]  # fmt: skip
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        with service(folder, "--camera", f"door={upload}") as (address, link):
            show(browser, address, link, upload, asked)
        browser.close()


def show(browser: Browser, address: str, link: str, upload: Path, asked: argparse.Namespace) -> None:
    state = set_password(browser, link, address, asked.out)
    ids: dict[str, str] = {}
    for name, (language, scheme, width, height) in LOOKS.items():
        if asked.look and asked.look != name:
            continue
        context = browser.new_context(
            storage_state=state,  # type: ignore[arg-type]
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            locale="zh-CN" if language == "zh" else "en-GB",
            has_touch=width < 500,
        )
        context.add_init_script(f"try {{ localStorage.setItem('mien-language', '{language}') }} catch {{}}")
        told = told_by(context, address)
        ids = ids or fill(context, address, upload)
        look(context, address, ids, asked.out, name, asked.only)
        print(f"{name}: {told.bytes / 1e6:.2f} MB, {len(told.errors)} errors, {len(told.foreign)} foreign requests")
        for line in (*told.errors, *told.foreign):
            print("  ", line[:300])
        context.close()


if __name__ == "__main__":
    main()
