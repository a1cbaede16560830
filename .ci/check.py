"""Checks one changed file in seconds: its style, the types, and the tests nearest to it. `make check ONLY=path` calls it.

Nearest are: a test file itself; for a source, what the catalogue asks of it and its own tests; for another module, the tests in
its room that import it, or what needs no server of the whole room where none does. `make test` remains the judge.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGE = "oso_dagster"
FAST = "not server and not browser and not slow"
NO_TESTS = 5
"""How pytest ends when it has collected none."""


def tests_for(path: PurePath) -> list[str]:
    """Say what pytest takes for a file of the tree, given by its path in the tree."""
    parts = path.parts
    if parts[0] == "tests":
        return [str(path)] if path.name.startswith("test_") else _importing(path, _room(path.parent.parts[1:]))
    if parts[:2] == (PACKAGE, "sources") and path.stem != "__init__":
        own = sorted(str(test.relative_to(ROOT)) for test in (ROOT / "tests" / "sources").glob(f"test_{path.stem}*.py"))
        return ["tests/sources/test_catalogue.py", *own, "-k", " or ".join([path.stem, *(Path(test).stem for test in own)])]
    if parts[0] == PACKAGE:
        return _importing(path, _room(path.parent.parts[1:]))
    if parts[0] == "sqlmesh_project":
        return ["tests/sqlmesh_project"]
    return ["tests/packaging"]


def _room(parts: Sequence[str]) -> Path:
    """Find the folder of tests for these folders of the package: the deepest that there is."""
    room = ROOT / "tests" / Path(*parts)
    while not room.is_dir():
        room = room.parent
    return room


def _importing(path: PurePath, room: Path) -> list[str]:
    """Find the test files of a room that import a module, or name it as a file; without any, the room itself."""
    package, module = ".".join(path.parent.parts), path.stem
    wanted = re.compile(rf"\b{re.escape(package)}\.{module}\b|from {re.escape(package)} import [^\n]*\b{module}\b")
    tests = [str(test.relative_to(ROOT)) for test in sorted(room.rglob("test_*.py")) if wanted.search(test.read_text())]
    if not tests and room == ROOT / "tests":
        return [f"tests/test_{module}.py"] if (room / f"test_{module}.py").exists() else ["tests/test_definitions.py"]
    return tests or ["-m", FAST, str(room.relative_to(ROOT))]


def main(asked: Sequence[str]) -> int:
    """Run the checks at the same time; print what they found, and how long it took."""
    begun = time.monotonic()
    path = Path(asked[0]).resolve() if len(asked) == 1 else None
    if path is None or not path.is_relative_to(ROOT) or not path.exists():
        sys.stderr.write("check: name one file of this tree: make check ONLY=path\n")
        return 2
    inside = path.relative_to(ROOT)
    tests = tests_for(inside)
    commands: list[list[str | Path]] = [[BIN / "pytest", "-n", "0", *tests]]
    if inside.suffix == ".py":
        commands += [[BIN / "ruff", "check", "--quiet", inside], [BIN / "ruff", "format", "--quiet", "--diff", inside]]
        commands += [[BIN / "mypy", "--no-error-summary"]] if inside.parts[0] == PACKAGE else []
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    started = [(command, subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=same, text=True)) for command in commands]
    failed = False
    for command, process in reversed(started):
        output, _ = process.communicate()
        wrong = process.returncode not in ({0, NO_TESTS} if command[0] == BIN / "pytest" else {0})
        failed |= wrong
        if wrong or process.returncode == NO_TESTS:
            sys.stdout.write(output)
    state = "failed" if failed else "passed"
    sys.stdout.write(f"check: {inside} {state} in {time.monotonic() - begun:.0f} s, with {' '.join(tests)}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
