"""Writes docs/reference.md from the docstrings of the public modules.

    python docs/build_reference.py

Reads the source without running it, so that the page is the same on every Python.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src"

# In the order in which a reader needs them.
PUBLIC = (
    "mien.analyze",
    "mien.compare",
    "mien.face",
    "mien.image",
    "mien.detect.policy",
    "mien.align.view",
    "mien.quality.profiles",
    "mien.quality.measures",
    "mien.expression.frame",
    "mien.expression.policy",
    "mien.expression.classes",
    "mien.decide.verify",
    "mien.decide.calibration",
    "mien.decide.subject",
    "mien.gallery.gallery",
    "mien.gallery.asking",
    "mien.gallery.kept",
    "mien.gallery.people",
    "mien.gallery.store.records",
    "mien.gallery.search.labels",
    "mien.gallery.enrol",
    "mien.gallery.identify",
    "mien.gallery.doctor",
    "mien.gallery.transfer",
    "mien.gallery.store.receipt",
    "mien.gallery.store.master",
    "mien.gallery.place",
    "mien.gallery.errors",
    "mien.cluster.people",
    "mien.draw",
    "mien.settings",
    "mien.weights.card",
    "mien.weights.catalog",
    "mien.weights.fetch",
    "mien.weights.pack",
    "mien.weights.own",
    "mien.engine.session",
    "mien.evaluate.people",
    "mien.evaluate.pairs",
    "mien.evaluate.templates",
    "mien.evaluate.calibrating",
    "mien.evaluate.verification",
    "mien.evaluate.identification",
    "mien.evaluate.clustering",
    "mien.dataset.faces",
    "mien.dataset.read",
    "mien.dataset.ferplus",
    "mien.dataset.fairface",
    "mien.evaluate.expression",
    "mien.evaluate.fairness",
    "mien.train.recipe",
    "mien.train.run",
    "mien.train.export",
    "mien.record",
    "mien.errors",
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def render() -> str:
    """The whole page."""
    made = "Made from the docstrings by `docs/build_reference.py`: do not edit."
    short = f"`from mien import ...` gives what most programs need: {_exported()}."
    parts = ["# API reference", f"{made} {short}", "\n".join(f"- [`{name}`](#{_anchor(name)})" for name in PUBLIC)]
    for name in PUBLIC:
        parts += _module(name)
    return "\n\n".join(part for part in parts if part) + "\n"


def _module(name: str) -> Iterator[str]:
    tree = _parse(name)
    yield f"## {name}"
    yield ast.get_docstring(tree) or ""
    for home, wanted in _homes(name, tree):
        body = _parse(home).body
        for index, node in enumerate(body):
            if isinstance(node, Definition) and _is_wanted(node.name, wanted):
                yield from _definition(node)
            elif constant := _constant(node, body[index + 1 : index + 2], wanted):
                yield constant


def _homes(name: str, tree: ast.Module) -> list[tuple[str, set[str] | None]]:
    """Where the public names of a module are defined, and which they are; None: all."""
    if not _path(name).name.startswith("__init__"):
        return [(name, None)]
    return [
        (node.module, {item.name for item in node.names})
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mien.")
    ]


def _is_wanted(name: str, wanted: set[str] | None) -> bool:
    return not name.startswith("_") and (wanted is None or name in wanted)


def _definition(node: Definition) -> Iterator[str]:
    yield f"### {node.name}"
    yield _code(_class_head(node) if isinstance(node, ast.ClassDef) else _head(node))
    yield ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        for item in node.body:
            if isinstance(item, Function) and (not item.name.startswith("_") or item.name == "__call__"):
                yield f"#### `{node.name}.{item.name}`"
                yield _code(_head(item))
                yield ast.get_docstring(item) or ""


def _head(node: Function) -> str:
    decorators = "".join(f"@{ast.unparse(one)}\n" for one in node.decorator_list)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{decorators}def {node.name}({ast.unparse(node.args)}){returns}"


def _class_head(node: ast.ClassDef) -> str:
    """The class with its bases, its fields where it is a dataclass or an enumeration, and else its constructor."""
    bases = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    lines = [f"class {node.name}{bases}"]
    plain = (ast.AnnAssign, ast.Assign)
    lines += [f"    {ast.unparse(item)}" for item in node.body if isinstance(item, plain) and not _is_private(item)]
    lines += [f"    {_head(item)}" for item in node.body if isinstance(item, Function) and item.name == "__init__"]
    return "\n".join(lines)


def _is_private(node: ast.Assign | ast.AnnAssign) -> bool:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return ast.unparse(target).startswith("_") or ast.unparse(target) == "model_config"


def _constant(node: ast.stmt, after: list[ast.stmt], wanted: set[str] | None) -> str:
    """A constant with a docstring below it."""
    if not (isinstance(node, ast.AnnAssign) and after and isinstance(after[0], ast.Expr)):
        return ""
    text = after[0].value
    name = ast.unparse(node.target)
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str) and _is_wanted(name, wanted)):
        return ""
    return f"### {name}\n\n{text.value}"


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _path(name: str) -> Path:
    folder = SOURCE.joinpath(*name.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _parse(name: str) -> ast.Module:
    return ast.parse(_path(name).read_text(encoding="utf-8"))


def _exported() -> str:
    """The names that `mien` itself gives."""
    for node in _parse("mien").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ", ".join(f"`{name}`" for name in sorted(ast.literal_eval(node.value)))
    raise LookupError("mien has no __all__")


if __name__ == "__main__":
    (DOCS / "reference.md").write_text(render(), encoding="utf-8")
