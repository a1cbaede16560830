"""Checks one changed file in seconds: its style, the types, and the tests nearest to it. `make check ONLY=path` calls it.

Nearest are: a test file itself; for a source, what the catalogue asks of it and its own tests; for a file of the SQLMesh project,
its lint and its unit tests; for another module, the tests in its room that name most of what it defines, or else all of the room.
They run in this order until their seconds of processor time are spent (`SECONDS=60` for more), and it is said how many were left
out. `make test` remains the judge.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
BIN = Path(sys.executable).parent
PACKAGE = "oso_dagster"
FAST = ["-m", "not server and not browser and not slow"]
SECONDS = 7.0
"""How long the tests may take of a processor: the one that is running then may take the rest of ten seconds."""
MOST_FILES = 3
PROJECT = "tests/sqlmesh_project/test_project.py"


def tests_for(path: PurePath) -> list[str]:
    """Say what pytest takes for a file of the tree, given by its path in the tree: the nearest first."""
    parts = path.parts
    if parts[0] == "tests":
        if path.name.startswith("test_"):
            return [str(path)]
        return [*FAST, *(_naming(path, TESTS) if path.stem != "conftest" else [str(path.parent)])]
    if parts[0] == "sqlmesh_project":
        return [PROJECT] if parts[1] == "linter" else [PROJECT, "-k", "passes_its_lint_and_its_unit_tests or landed"]
    if parts[0] != PACKAGE:
        return [*FAST, *(_naming(path, TESTS / "packaging") if path.suffix != ".md" else ["tests/packaging/test_docs.py"])]
    if parts[1] != "sources" or path.stem == "__init__":
        return [*FAST, *_naming(path, _room(path.parent.parts[1:]))]
    own = sorted(str(test.relative_to(ROOT)) for test in (TESTS / "sources").glob(f"test_{path.stem}*.py"))
    return ["-m", "not browser and not slow", "-k", path.stem, "tests/sources/test_catalogue.py", *own]


def _room(parts: Sequence[str]) -> Path:
    """Find the folder of tests for these folders of the package: the deepest that there is."""
    room = TESTS / Path(*parts)
    while not room.is_dir():
        room = room.parent
    return room


def _naming(path: PurePath, room: Path) -> list[str]:
    """Find the few test files of a room that name a file, or most of what a module defines; without any, the room itself."""
    names = _names(path) if path.parts[0] == PACKAGE else set[str]()
    scores = {test: _score(test, path, names) for test in sorted(room.rglob("test_*.py"))}
    near = sorted((test for test, score in scores.items() if score), key=lambda test: -scores[test])[:MOST_FILES]
    return [str(test.relative_to(ROOT)) for test in near or [room if room != TESTS else TESTS / "test_definitions.py"]]


def _names(path: PurePath) -> set[str]:
    """Give what a module defines for others; nothing of another kind of file, or of one that cannot be read."""
    if path.suffix != ".py" or not (ROOT / path).exists():
        return set()
    try:
        body = ast.parse((ROOT / path).read_text()).body
    except SyntaxError:
        return set()
    defined = (node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
    return {name for name in defined if not name.startswith("_")}


def _score(test: Path, path: PurePath, names: Iterable[str]) -> int:
    """Weigh how near a test file is: it has the module's name, it imports it or names the file, it has names of what is in it."""
    text = test.read_text()
    if re.search(r"^pytestmark = .*\b(server|browser|slow)\b", text, re.MULTILINE):
        return 0
    if path.suffix != ".py" or path.parts[0] not in {PACKAGE, "tests"}:
        return int(bool(re.search(rf"(?<![\w.]){re.escape(path.name)}\b", text)))
    package, module = re.escape(".".join(path.parent.parts)), re.escape(path.stem)
    imports = re.search(rf"\b{package}\.{module}\b|from {package} import [^\n]*\b{module}\b", text)
    named = sum(bool(re.search(rf"\b{name}\b", text)) for name in names)
    return 1000 * (path.parts[0] == PACKAGE and test.stem == f"test_{path.stem}") + 100 * bool(imports) + named


@dataclass
class Budget:
    """A plugin of pytest: once the processor time is spent, no further test starts."""

    seconds: float
    ran: int = 0
    left: int = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """Leave the test out, silently, when nothing is left of the time; the first one always runs."""
        if self.ran and sum(os.times()[:4]) > self.seconds:
            self.left += 1
            return True
        self.ran += 1
        return None


def main(asked: Sequence[str]) -> int:
    """Run the checks at the same time; print what they found, and how long it took."""
    begun = time.monotonic()
    path = Path(asked[0]).resolve() if len(asked) in {1, 2} else None
    if path is None or not path.is_relative_to(ROOT) or not path.exists():
        sys.stderr.write("check: name one file of this tree: make check ONLY=path\n")
        return 2
    inside, budget = path.relative_to(ROOT), Budget(float(asked[1]) if asked[1:] else SECONDS)
    os.chdir(ROOT)
    os.environ.setdefault("CHECK_CACHE", str(ROOT / ".cache" / "check"))
    tests = tests_for(inside)
    started = {command: _started(command) for command in _style(inside)}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = pytest.main(["-n", "0", *tests], plugins=[budget])
    failed = code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    if failed or code == pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.stdout.write(printed.getvalue())
    for process in started.values():
        output, _ = process.communicate()
        failed |= process.returncode != 0
        sys.stdout.write(output if process.returncode else "")
    counted = f"{budget.ran} tests" + (f", {budget.left} more left out (SECONDS=60 for them)" if budget.left else "")
    state = "failed" if failed else "passed"
    sys.stdout.write(f"check: {inside} {state} in {time.monotonic() - begun:.0f} s, with {counted}: {' '.join(tests)}\n")
    return int(failed)


def _style(path: Path) -> list[tuple[str, ...]]:
    """Give the commands that judge the style and the types of a file."""
    if path.suffix != ".py":
        return []
    ruff, file = str(BIN / "ruff"), str(path)
    types = [(str(BIN / "mypy"), "--no-error-summary")] if path.parts[0] == PACKAGE else []
    return [(ruff, "check", "--quiet", file), (ruff, "format", "--quiet", "--diff", file), *types]


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
