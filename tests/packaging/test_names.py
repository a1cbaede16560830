"""A variable, a parameter, a field and a function are named for what they hold: not `one`, `found`, `told` or `said`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.packaging.test_tree import ROOT, tracked

EMPTY = {"one", "found", "told", "said"}


def empty_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each binding of an empty name, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                pass
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case _:
                continue
        if name in EMPTY:
            yield node.lineno, name


def test_every_name_says_what_it_holds() -> None:
    # A macro's text is part of its models' fingerprints: another name there would compute them all anew.
    macros = ROOT / "sqlmesh_project"
    files: list[Path] = [path for path in tracked() if path.suffix == ".py" and not path.is_relative_to(macros)]
    empty = [
        f"{path.relative_to(ROOT)}:{line}: {name}" for path in files for line, name in empty_names(ast.parse(path.read_text()))
    ]
    assert empty == []


def test_an_empty_name_is_seen_wherever_it_is_bound() -> None:
    code = "one = 1\ndef told(said): return [found for found in said]\nfor one in (): pass\nif said := 1: pass\n"
    assert sorted(name for _, name in empty_names(ast.parse(code))) == ["found", "one", "one", "said", "said", "told"]
