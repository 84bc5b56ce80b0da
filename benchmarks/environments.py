"""An environment of its own for each peer, made at the first run, and made anew where it should hold something else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

PEERS = Path(__file__).parent / ".peers"


def python_of(folder: Path, requirements: Sequence[str], alone: Sequence[str] = ()) -> str | None:
    """The Python of the environment in `folder`; None where pip cannot make it.

    requirements: installed with their dependencies. alone: installed without, after them.
    """
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    wanted = [list(requirements), list(alone)]
    if _is_made(folder, wanted):
        return python
    print(f"making the environment {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    for names, options in zip(wanted, ([], ["--no-deps"]), strict=True):
        command = [python, "-m", "pip", "install", "--quiet", *options, *names]
        if names and subprocess.run(command, check=False).returncode:
            return None
    _made(folder, wanted)
    return python


def node_modules(folder: Path, packages: dict[str, str]) -> Path | None:
    """The folder `node_modules` in `folder` with these packages, name to version; None where npm cannot, or no node is.

    Nothing that a package would run at its installation is run.
    """
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        return None
    if not _is_made(folder, packages):
        print(f"making the environment {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        manifest = {"private": True, "dependencies": packages}
        (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            return None
        _made(folder, packages)
    return folder / "node_modules"


def _is_made(folder: Path, wanted: object) -> bool:
    done = folder / "installed.json"
    return done.is_file() and done.read_text(encoding="utf-8") == json.dumps(wanted)


def _made(folder: Path, wanted: object) -> None:
    (folder / "installed.json").write_text(json.dumps(wanted), encoding="utf-8")
