from __future__ import annotations

import io
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from mien.errors import WeightsFetchFailed
from mien.weights.card import HttpsSource
from mien.weights.https import HttpsOnly, download_https

SOURCE = HttpsSource("https://example.org/toy")


def answer(monkeypatch: pytest.MonkeyPatch, content: bytes | Exception) -> list[float]:
    """Let every address answer so; the list gets the timeouts that were asked for."""
    timeouts: list[float] = []

    def opened(self: object, request: urllib.request.Request, timeout: float) -> io.BytesIO:
        timeouts.append(timeout)
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    return timeouts


def test_downloads_with_a_timeout_and_reports(tmp_path: Path, monkeypatch, recorder) -> None:
    timeouts = answer(monkeypatch, b"12345")
    download_https(SOURCE, 5, tmp_path / "out", recorder)
    assert (tmp_path / "out").read_bytes() == b"12345"
    assert timeouts[0] > 0
    assert "example.org" in recorder.began[0]
    assert recorder.done[-1] == 5
    assert recorder.open == 0


def test_never_writes_more_than_the_card_says(tmp_path: Path, monkeypatch, recorder) -> None:
    answer(monkeypatch, b"x" * 10_000_000)
    with pytest.raises(WeightsFetchFailed, match="more than"):
        download_https(SOURCE, 1000, tmp_path / "out", recorder)
    assert (tmp_path / "out").stat().st_size <= 1000
    assert recorder.open == 0


def test_a_short_answer_is_refused(tmp_path: Path, monkeypatch, recorder) -> None:
    answer(monkeypatch, b"1234")
    with pytest.raises(WeightsFetchFailed, match="4 of 5"):
        download_https(SOURCE, 5, tmp_path / "out", recorder)


@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), urllib.error.URLError("no route"), ConnectionResetError()]
)
def test_a_network_error_names_the_address(tmp_path: Path, monkeypatch, recorder, error: Exception) -> None:
    answer(monkeypatch, error)
    with pytest.raises(WeightsFetchFailed, match=r"https://example\.org/toy"):
        download_https(SOURCE, 5, tmp_path / "out", recorder)
    assert recorder.open == 0


@pytest.mark.parametrize("address", ["http://example.org/toy", "ftp://example.org/toy", "file:///etc/passwd"])
def test_a_redirect_away_from_https_is_refused(address: str) -> None:
    request = urllib.request.Request(SOURCE.https)
    with pytest.raises(urllib.error.URLError, match="not https"):
        HttpsOnly().redirect_request(request, io.BytesIO(), 302, "Found", Message(), address)


def test_a_redirect_to_https_is_followed() -> None:
    request = urllib.request.Request(SOURCE.https)
    there = HttpsOnly().redirect_request(request, io.BytesIO(), 302, "Found", Message(), "https://cdn.example.org/toy")
    assert there is not None
    assert there.full_url == "https://cdn.example.org/toy"
