"""The documents say what is: every command, option, setting and error is in them, and what they repeat is equal."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer.main

from mien.cli.main import COMMANDS
from mien.errors import MienError
from mien.gallery.store.master import MasterKey
from mien.image import encode_image
from mien.server.config import ServerConfig
from mien.settings import Settings, load_settings
from mien.weights.catalog import Catalog

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
GUIDES = sorted((ROOT / "docs").glob("*.md"))
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"

INSTALL = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/mien demo"
TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/mien weights pull && .venv/bin/pytest"

TEXTS = {".md", ".py", ".toml", ".json", ".svg", ".yml", ".yaml", ".cfg", ".txt", ""}
ROOMS = ("src", "tests", "docs", "benchmarks", ".ci", ".github")
# Everybody's machine has other folders; these say where the author's were.
PLACES = re.compile(r"(?<![\w.~$}\)])/(?:work|root|home|tmp|opt|mnt|Users)/\w")
HOSTS = {
    "arxiv.org", "creativecommons.org", "doi.org", "docs.python.org", "github.com", "json-schema.org",
    "keepachangelog.com", "semver.org", "vis-www.cs.umass.edu", "www.apache.org", "www.iso.org", "www.w3.org",
    "www.kaggle.com", "www.rfc-editor.org",
}  # fmt: skip
RESERVED = re.compile(r"(.*\.)?(example|invalid|test|localhost|example\.(com|net|org))|192\.0\.2\.\d+|127\.0\.0\.1")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Fenced blocks as (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def rows_of(text: str) -> list[list[str]]:
    """The cells of the table of figures, without its head."""
    table = text.partition("<!-- figures:start -->")[2].partition("<!-- figures:end -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def options() -> Iterator[tuple[str, str]]:
    """Every command of the command line with each of its options: ("mien weights pack", "--out")."""
    for name, (module, _) in COMMANDS.items():
        command = typer.main.get_command(import_module(module).app)
        inner = getattr(command, "commands", {})
        found = [(f"mien {name} {sub}", item) for sub, item in inner.items()]
        # Some do something without a command behind them, too.
        if not inner or getattr(command, "invoke_without_command", False):
            found.insert(0, (f"mien {name}", command))
        for title, one in found:
            yield title, ""
            for option in one.params:
                yield from ((title, text) for text in option.opts if text.startswith("--"))


def errors() -> set[type[MienError]]:
    """All errors that mien defines; one without a code of its own is its parent to whoever gets it."""
    for path in (ROOT / "src" / "mien").rglob("*.py"):
        if "(MienError)" in read(path):
            import_module(".".join(path.relative_to(ROOT / "src").with_suffix("").parts))
    found, waiting = set(), [MienError]
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting += one.__subclasses__()
    return {one for one in found if one.__module__.startswith("mien.") and "code" in vars(one)}


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_reference", ROOT / "docs" / "build_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_commands_and_options_are_documented(command: str, option: str) -> None:
    """An option counts where a page names it and its command."""
    pages = [text for text in map(read, GUIDES) if command in text]
    assert pages, f"no page in docs names `{command}`"
    assert not option or any(re.search(rf"{option}(?![\w-])", text) for text in pages)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_index_has_every_command(name: str) -> None:
    row = re.search(rf"^\| `mien {name}` \| \[\S+\]\((\S+)\)", read(ROOT / "docs" / "README.md"), re.MULTILINE)
    assert row and f"mien {name}" in read(ROOT / "docs" / row[1])


@pytest.mark.parametrize("error", sorted(errors(), key=lambda one: one.code), ids=lambda one: one.code)
def test_error_codes_are_documented(error: type[MienError]) -> None:
    assert f"| `{error.code}` | `{error.__name__}` |" in read(ROOT / "docs" / "errors.md")


def test_error_codes_are_unique_and_no_more_are_documented() -> None:
    codes = sorted(one.code for one in errors())
    assert len(set(codes)) == len(codes)
    assert sorted(re.findall(r"^\| `([a-z-]+)` \| `", read(ROOT / "docs" / "errors.md"), re.MULTILINE)) == codes


def test_settings_are_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", read(ROOT / "docs" / "settings.md"), re.MULTILINE)
    own = [(name, f"MIEN_{name.upper()}") for name in Settings.model_fields]
    assert rows == own + [(name, f"MIEN_SERVER_{name.upper()}") for name in ServerConfig.model_fields]


def test_the_first_two_blocks_are_the_two_commands() -> None:
    """`.ci/run` takes the first line of the first two `sh` blocks."""
    for page in (README, CHINESE):
        assert [text for language, text in blocks(read(page)) if language == "sh"] == [f"{INSTALL}\n", f"{TEST}\n"]


def test_the_first_screen_shows_both_commands() -> None:
    assert TEST in "\n".join(read(README).splitlines()[:30])


def test_both_readmes_have_the_same_commands() -> None:
    assert blocks(read(README)) == blocks(read(CHINESE))


def test_both_readmes_have_the_same_figures() -> None:
    english, chinese = rows_of(read(README)), rows_of(read(CHINESE))
    assert len(english) > 10 and {len(row) for row in english} == {4}
    assert [row[2:] for row in english] == [row[2:] for row in chinese]


def test_both_readmes_have_the_same_links_and_sections() -> None:
    english, chinese = ({*links(read(page))} - {"README.zh-CN.md", "README.md"} for page in (README, CHINESE))
    assert {one for one in english if one[0] != "#"} == {one for one in chinese if one[0] != "#"}
    heads = [re.findall(r"^#+(?= )", prose(read(page)), re.MULTILINE) for page in (README, CHINESE)]
    assert heads[0] == heads[1]


def test_no_figure_is_missing() -> None:
    assert not [row for row in rows_of(read(README)) if "TBD" in "".join(row)]


def test_figures_name_programs_that_exist() -> None:
    for row in rows_of(read(README)):
        if script := re.search(r"benchmarks/\w+\.py", row[3]):
            assert (ROOT / script[0]).is_file(), script[0]
        assert row[3] == "same" or re.fullmatch(r"`(mien|python) .+`", row[3]), row[3]


def test_commands_in_the_readme_exist() -> None:
    known = {(command, option) for command, option in options()}
    commands = {command for command, _ in known}
    shell = [text for language, text in blocks(read(README)) if language != "python"]
    text = "\n".join(shell + [row[3].strip("`") for row in rows_of(read(README))])
    for line in re.findall(r"(?<![\w/])mien [a-z].*", text.replace(".venv/bin/", "")):
        title = max((one for one in commands if re.match(rf"{one}(?![\w-])", line)), key=len, default=None)
        assert title, line
        for option in re.findall(r"(?<=\s)--[a-z-]+", line.partition("&&")[0]):
            assert (title, option) in known, line


def test_the_python_example_runs(weights: Settings, astronaut: np.ndarray, tmp_path: Path) -> None:
    for name in ("photo.jpg", "one.jpg", "two.jpg"):
        (tmp_path / name).write_bytes(encode_image(astronaut, ".jpg"))
    example = next(text for language, text in blocks(read(README)) if language == "python")
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Box(") and len(done.stdout.splitlines()[-1]) > 20


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "gallery.md"], ids=lambda page: page.name)
def test_the_gallery_examples_run(page: Path, weights: Settings, astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    for name in ("photo.jpg", "one.jpg", "visitor.jpg", "anna/1.jpg", "anna/2.jpg"):
        (tmp_path / name).write_bytes(encode_image(astronaut, ".jpg"))
    example = next(text for language, text in blocks(read(page)) if language == "python" and "Gallery" in text)
    environment = os.environ | {"MIEN_GALLERY_KEY": MasterKey.new().text}
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "True" in done.stdout and "Anna" in done.stdout and "is at or over" in done.stdout


def test_notice_names_every_card() -> None:
    text = read(ROOT / "NOTICE")
    entries = re.findall(
        r"^(\w[\w.-]*) +(\S.*)\n +Licence: (.+)\n +Origin: (.+)\n +Fetched from: (.+)$", text, re.MULTILINE
    )
    own = {card.name: card for card in Catalog.load(load_settings()).cards() if card.sources}
    assert {name: entry for name, *entry in entries} == {
        name: [card.title, card.license, card.origin, fetched_from(card.sources[0])] for name, card in own.items()
    }


def fetched_from(source: object) -> str:
    return f"the wheel {source.wheel} {source.version}" if hasattr(source, "wheel") else str(source)


def test_models_page_names_every_model() -> None:
    text = read(ROOT / "docs" / "models.md")
    for card in Catalog.load(load_settings()).cards():
        if card.sources and card.task != "sample":
            row = rf"^\| `{card.name}` \|.* \| {card.bytes / 1e6:.1f} MB \| {card.license} \| {card.commercial} \|"
            assert re.search(row, text, re.MULTILINE), card.name


def test_the_reference_is_current() -> None:
    """Mend with `python docs/build_reference.py`."""
    assert read(ROOT / "docs" / "reference.md") == reference().render()


def test_the_architecture_page_has_the_floors() -> None:
    """As `test_structure.py` enforces them."""
    spec = importlib.util.spec_from_file_location("structure", Path(__file__).with_name("test_structure.py"))
    assert spec and spec.loader
    structure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(structure)
    text = read(ROOT / "docs" / "architecture.md")
    rows = re.findall(r"^\| (\d+) \| (`.+`) \|$", text, re.MULTILINE)
    floors = {int(number) - 1: set(re.findall(r"\w+", rooms)) for number, rooms in rows}
    assert floors == dict(enumerate(structure.FLOORS))
    described = set(re.findall(r"^\| `(\w+)` \| [^`|]", text, re.MULTILINE)) | {"detect"}
    assert set(structure.FLOOR_OF) - described <= {"settings", "cli", "analyze", "compare", "face"}


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(read(page)):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(read(target)), link


def anchors(text: str) -> set[str]:
    """What GitHub makes of headings."""
    heads = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_page_is_in_the_index(page: Path) -> None:
    assert page.name == "README.md" or f"]({page.name})" in read(ROOT / "docs" / "README.md")


def tracked() -> list[Path]:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in TEXTS and path.is_file()]
    files += [path for path in ROOT.glob("*") if path.suffix in TEXTS and path.is_file()]
    made = ("__pycache__", ".egg-info", "/.")  # by tools, the environments of the benchmarks among them
    return [path for path in files if not any(mark in f"/{path.relative_to(ROOT)}" for mark in made)]


def test_no_file_names_this_machine() -> None:
    """No absolute folder of a developer's machine, no address but those that readers need."""
    found = []
    for path in tracked():
        if path.suffix == ".npy":
            continue
        text = read(path)
        hosts = {host for host in re.findall(r"https?://([\w.-]+)", text) if not RESERVED.fullmatch(host)} - HOSTS
        places = PLACES.findall(text)
        if hosts or places:
            found.append((path.relative_to(ROOT).as_posix(), hosts, places))
    assert found == []
