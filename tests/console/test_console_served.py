"""The page as it is served, and the service without one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="needs the extra `server`")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from mien.server.page import Page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page of three files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<meta content="__OIDC__"><script nonce="__CSP_NONCE__"></script>')
    (tmp_path / "assets" / "index-1a2b.js").write_text("console.log(1);" * 200)
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "build.json").write_text("{}")
    return tmp_path


def client_of(folder: Path) -> TestClient:
    app = Starlette(routes=Page(folder).routes())
    app.state.config = SimpleNamespace(oidc_issuer="")
    return TestClient(app)


def test_each_visit_has_a_nonce_of_its_own(folder: Path) -> None:
    client, seen = client_of(folder), set()
    for path in ("/", "/people", "/people/abc", "/settings/rates"):
        answer = client.get(path)
        nonce = answer.text.partition('nonce="')[2].partition('"')[0]
        assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"] and len(nonce) > 20
        assert answer.headers["Cache-Control"] == "no-store" and 'content="no"' in answer.text
        seen.add(nonce)
    assert len(seen) == 4


def test_files_are_packed_and_kept_by_browsers(folder: Path) -> None:
    client = client_of(folder)
    script = client.get("/assets/index-1a2b.js")
    assert script.headers["Content-Type"].startswith("text/javascript") and len(script.text) == 3000
    assert script.headers["Content-Encoding"] == "gzip" and "immutable" in script.headers["Cache-Control"]
    plain = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.text == script.text
    again = client.get("/favicon.svg", headers={"If-None-Match": client.get("/favicon.svg").headers["ETag"]})
    assert again.status_code == 304 and again.content == b""


def test_nothing_else_is_served(folder: Path) -> None:
    client = client_of(folder)
    for path in ("/build.json", "/index.html", "/assets/", "/assets/../build.json", "/elsewhere", "/v1/people"):
        assert client.get(path).status_code == 404, path


def test_a_browser_that_is_lost_gets_the_page_and_programs_do_not(folder: Path) -> None:
    client, browser = client_of(folder), {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.get("/nowhere", headers=browser)
    assert (
        answer.status_code == 404 and "<script" in answer.text and "nonce-" in answer.headers["Content-Security-Policy"]
    )
    for path in ("/v1/nowhere", "/health/nowhere", "/metrics", "/assets/gone.js", "/gone.png"):
        assert "<script" not in client.get(path, headers=browser).text, path
    assert client.post("/nowhere", headers=browser).status_code == 404


def test_without_a_page_it_says_how_to_get_it(tmp_path: Path) -> None:
    page = Page(tmp_path)
    assert page.missing and "pip install" in page.missing
    answer = client_of(tmp_path).get("/")
    assert answer.status_code == 200 and "pip install" in answer.text
