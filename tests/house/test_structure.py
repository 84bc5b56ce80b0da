"""The house: imports flow down, sizes stay in budget, nothing dangerous, every test file is collected."""

from __future__ import annotations

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "mien"
FILES = sorted(SOURCE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

# From the ground up. A module imports from its own floor or from below.
FLOORS = [
    {"ahead", "console", "errors", "memory", "record", "face", "engine"},
    {"image", "settings", "weights", "align", "decide", "draw", "track", "attention"},
    {"detect", "landmark", "quality", "embed", "expression"},
    {"dataset"},
    {"train"},
    {"analyze"},
    {"compare", "gallery", "cluster"},
    {"evaluate", "video"},
    {"redact"},
    {"server"},
    {"client"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FORBIDDEN_NAMES = {"utils", "common", "helpers", "core"}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "__import__"}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> set[str]:
    """Modules that are imported anywhere in a file, inside functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{item.name}" for item in node.names}
    return found


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body and function.end_lineno else 0


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent != SOURCE or path.stem != "__init__"], ids=name_of
)
def test_imports_flow_down(path: Path) -> None:
    own = FLOOR_OF[room_of(path)]
    rooms = {name.split(".")[1] for name in imported(TREES[path]) if name.startswith("mien.")} & set(FLOOR_OF)
    assert {room: FLOOR_OF[room] for room in rooms if FLOOR_OF[room] > own} == {}


def test_imports_have_no_circle() -> None:
    """Between files, not only rooms; what a function imports when called counts too."""
    names = {name_of(path) for path in FILES}
    arrows = {name_of(path): (imported(tree) & names) - {name_of(path)} for path, tree in TREES.items()}
    arrows.pop("mien")
    done: set[str] = set()
    for start in arrows:
        walk_down(start, arrows, done, ())


def walk_down(name: str, arrows: dict[str, set[str]], done: set[str], trail: tuple[str, ...]) -> None:
    assert name not in trail, f"circle: {' -> '.join([*trail, name])}"
    if name in done:
        return
    for below in arrows.get(name, set()) - {"mien"}:
        walk_down(below, arrows, done, (*trail, name))
    done.add(name)


def test_size_budgets() -> None:
    sizes = [lines_of(function) for tree in TREES.values() for function in functions(tree)]
    files = [len(path.read_text(encoding="utf-8").splitlines()) for path in FILES]
    assert quantiles(sizes, n=10)[-1] <= 25
    assert max(sizes) <= 60
    assert quantiles(files, n=10)[-1] <= 300
    assert max(files) <= 500


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_parameters(path: Path) -> None:
    """At most six; a command of the command line may have eleven, since each is an option that a user sees."""
    limit = 11 if room_of(path) == "cli" else 6
    for function in functions(TREES[path]):
        arguments = function.args
        count = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])
        own = 1 if arguments.args and arguments.args[0].arg in ("self", "cls") else 0
        assert count - own <= limit, f"{function.name} takes {count - own}"


def test_no_junk_drawers() -> None:
    assert not [path for path in FILES if {part.removesuffix(".py") for part in path.parts} & FORBIDDEN_NAMES]


def test_no_top_level_name_is_a_room() -> None:
    import mien

    assert not set(mien.__all__) & set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_dangerous(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(TREES[path])}
    assert not roots & FORBIDDEN_IMPORTS
    calls = {
        node.func.id for node in ast.walk(TREES[path]) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & FORBIDDEN_CALLS
    allowed = [
        keyword
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "allow_pickle"
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    assert not allowed


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_public_name_is_documented(path: Path) -> None:
    assert ast.get_docstring(TREES[path]), "the file has no docstring"
    missing = [name for name, node in public_definitions(TREES[path]) if not ast.get_docstring(node)]
    assert missing == []


def public_definitions(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = []
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            found.append((node.name, node))
            if isinstance(node, ast.ClassDef):
                inner = [item for item in node.body if isinstance(item, kinds) and not item.name.startswith("_")]
                found += [(f"{node.name}.{item.name}", item) for item in inner]
    return found


def test_every_test_file_is_collected() -> None:
    files = {path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("conftest.py", "__init__.py")}
    for path in files:
        if not path.name.startswith("test_"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not [one.name for one in functions(tree) if one.name.startswith("test")], (
                f"{path.name} is not collected"
            )
    names = sorted(path.name for path in files)
    assert [a for a, b in pairwise(names) if a == b] == [], "two test files share a name"


def test_import_is_light() -> None:
    """`import mien` loads none of the heavy packages."""
    code = "import sys, mien; print(sorted({'numpy', 'cv2', 'openvino', 'onnx', 'PIL', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
