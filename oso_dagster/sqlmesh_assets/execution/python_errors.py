"""Errors of Python models: the exception that was raised last, the line of the project's file that failed, then the frames.

SQLMesh executes a normalized copy of each function, whose line numbers are those of no file, and raises an error that holds
nothing but a formatted trace. Both are undone here.
"""

from __future__ import annotations

import ast
import traceback
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlmesh.utils.errors import PythonModelEvalError

_COPY = "<string>"
"""The file name of code that SQLMesh has kept as text."""

_FRAMES = 12
"""No more frames are named: the innermost."""


def python_cause(error: BaseException, code: Mapping[str, Any], roots: Collection[Path]) -> str | None:
    """The cause in words if a Python model raised it, else None.

    `code` is what SQLMesh keeps of the model's functions, by name; `roots` are the folders of the project.
    """
    raised = error.__context__ if isinstance(error, PythonModelEvalError) else None
    if raised is None:
        return None
    frames = [_named(frame, line, code, roots) for frame, line in _walked(raised.__traceback__)]
    own = [place for place, of_project in frames if of_project]
    first = traceback.format_exception_only(raised)[-1].strip()
    lines = [f"{first} ({own[-1]})" if own else first]
    lines += [f"  {place}" for place, _ in reversed(frames[-_FRAMES:])]
    lines += [f"because of {traceback.format_exception_only(before)[-1].strip()}" for before in _earlier(raised)]
    return "\n".join(lines)


def _walked(trace: TracebackType | None) -> Iterator[tuple[Any, int]]:
    """The code and the line of each frame from the model's function on, outermost first."""
    entries = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)]
    begin = next((number for number, (code, _) in enumerate(entries) if code.co_filename == _COPY), 0)
    yield from entries[begin:]


def _earlier(error: BaseException) -> Iterator[BaseException]:
    """What an exception was raised from, or while handling, the newest first."""
    seen = {id(error)}
    current = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _named(frame: Any, line: int, code: Mapping[str, Any], roots: Collection[Path]) -> tuple[str, bool]:
    """`file:line in function`, and whether it is code of the project."""
    function = frame.co_qualname
    if frame.co_filename != _COPY:
        library = Path(frame.co_filename).parts[-2:]
        return f"{'/'.join(library)}:{line} in {function}", False
    executable = code.get(function.partition(".")[0])
    if executable is None or not executable.path:
        return f"in {function}", True
    number = next((at for root in roots if (at := line_in_file(executable.payload, line, root / executable.path))), None)
    return f"{executable.path}{f':{number}' if number else ''} in {function}", True


def line_in_file(payload: str, line: int, file: Path) -> int | None:
    """The line of `file` at which the statement begins that is at `line` of the normalized copy; None when they differ."""
    try:
        (copy,) = ast.parse(payload).body
        tree = ast.parse(file.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    name = getattr(copy, "name", None)
    for original in tree.body:
        if getattr(original, "name", None) != name:
            continue
        before, after = list(_statements(copy)), list(_statements(original))
        if [_bare(node) for node in before] == [_bare(node) for node in after]:
            inside = [pair for pair in zip(before, after, strict=True) if pair[0].lineno <= line <= (pair[0].end_lineno or 0)]
            return inside[-1][1].lineno if inside else None
    return None


def _statements(of: ast.stmt) -> Iterator[ast.stmt]:
    """The statements of a function or class, outer ones first; without docstrings, which the copy has lost."""
    for child in ast.iter_child_nodes(of):
        docstring = (
            isinstance(of, (ast.FunctionDef, ast.ClassDef))
            and child is of.body[0]
            and isinstance(child, ast.Expr)
            and isinstance(child.value, ast.Constant)
            and isinstance(child.value.value, str)
        )
        if isinstance(child, ast.stmt) and not docstring:
            yield child
            yield from _statements(child)
        elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
            yield from (each for inner in child.body for each in (inner, *_statements(inner)))


def _bare(node: ast.stmt) -> str:
    """What a statement that holds no others says; of one that does, its kind alone."""
    return type(node).__name__ if hasattr(node, "body") else ast.unparse(node)
