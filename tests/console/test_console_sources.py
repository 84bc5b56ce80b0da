"""What can be said of the page's sources without building them."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for path in (ROOT / "console" / "src").rglob("*.ts*") if path.name != "schema.d.ts")
TEXTS = {name: ROOT / "console" / "src" / "i18n" / f"{name}.json" for name in ("en", "zh")}


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def leaves(tree: object, path: str = "") -> dict[str, str]:
    if isinstance(tree, dict):
        return {key: text for name, one in tree.items() for key, text in leaves(one, f"{path}.{name}").items()}
    return {path.lstrip("."): str(tree)}


def texts(language: str) -> dict[str, str]:
    return leaves(json.loads(TEXTS[language].read_text(encoding="utf-8")))


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    gaps = {name: sorted(re.findall(r"{{(\w+)}}", text)) for name, text in english.items()}
    assert {name: sorted(re.findall(r"{{(\w+)}}", text)) for name, text in chinese.items()} == gaps
    assert not [name for name, text in (english | chinese).items() if not text.strip()]


def test_every_text_that_is_asked_for_is_there() -> None:
    known = {re.sub(r"_(zero|one|other)$", "", name) for name in texts("en")}
    asked = {key for path in SOURCES for key in re.findall(r"\bt\('([\w.]+)'", path.read_text(encoding="utf-8"))}
    assert len(asked) > 150 and asked - known == set()


def test_every_action_of_the_audit_log_has_words() -> None:
    """What the service writes, by its sources: the first text after the caller."""
    server = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "mien" / "server").rglob("*.py"))
    caller = r"(?:service, )?(?:replace\([^)]*\)|[\w.]+)(?: if [^,]+)?"
    written = set(re.findall(rf'(?:\.write|write_once|noted|note)(?:\(|,)\s*{caller}, "(\w+)"', server))
    words = {name.removeprefix("action.") for name in texts("en") if name.startswith("action.")}
    assert len(written) > 30 and written == words


def test_texts_are_in_the_two_files_alone() -> None:
    """Latin words between tags are texts that nobody translated; the service's own name is none."""
    found = {
        f"{path.name}: {word}"
        for path in SOURCES
        if path.suffix == ".tsx"
        for word in re.findall(r">\s*([A-Za-z][a-z]+(?: [a-z]+)*)\s*</", path.read_text(encoding="utf-8"))
    }
    assert {one for one in found if not one.endswith(": mien")} == set()


def test_no_address_of_elsewhere() -> None:
    pages = [*SOURCES, ROOT / "console" / "index.html", *(ROOT / "console" / "public").iterdir()]
    pages += [*(ROOT / "console" / "src").glob("*.css")]
    hosts = {host for path in pages for host in re.findall(r"https?://([\w.-]+)", path.read_text(encoding="utf-8"))}
    assert hosts <= {"www.w3.org"}
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]


def test_files_are_small() -> None:
    assert {path.name: n for path in SOURCES if (n := len(path.read_text(encoding="utf-8").splitlines())) > 300} == {}


def test_the_openapi_document_is_current() -> None:
    """Mend with `python docs/build_openapi.py`."""
    pytest.importorskip("fastapi", reason="needs the extra `server`")
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert written == module(ROOT / "docs" / "build_openapi.py").render()


def test_the_page_fits_the_openapi_document(tmp_path: Path) -> None:
    """Types are made of the document, and the page is checked against them."""
    console = ROOT / "console"
    if shutil.which("npm") is None or not (console / "node_modules" / "typescript").is_dir():
        pytest.skip("needs npm and `npm ci` in the folder console")
    done = subprocess.run(["npm", "run", "--silent", "check"], cwd=console, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
