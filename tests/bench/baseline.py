"""The baseline: an earlier commit of this project, built beside in `.cache/bench` with a .venv of its own pins.

`make bench BASE=a723b27` names the commit. What is compared with it are whole processes, by turns, so that a machine that is busy
meanwhile is busy for both; what counts is processor time, user and system, of a process and of all that it waited for.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from oso_dagster.settings import PROJECT_ROOT

BASE = "BENCH_BASE"
TURNS = int(os.environ.get("BENCH_TURNS", "3"))
"""How often each of the two is measured, after one time that warms caches up; the median counts."""


class BenchError(Exception):
    """What was to be measured did not work; the message says what, and the end of what it wrote."""


@dataclass(frozen=True)
class Tree:
    """A copy of this project with its .venv."""

    name: str
    root: Path

    def program(self, name: str) -> str:
        """The path of a program of its .venv."""
        return str(self.root / ".venv" / "bin" / name)

    def run(self, command: Sequence[str], home: Path, **settings: str) -> tuple[float, str]:
        """Run a program of the .venv on a home; seconds of processor, and what it printed. Raises BenchError."""
        usual = {name: value for name, value in os.environ.items() if not name.startswith(("OSO_", "DAGSTER_", "PYTHON"))}
        environment = usual | {"OSO_WORLD": "sandbox", "OSO_HOME": str(home), "COLUMNS": "200"} | settings
        home.mkdir(parents=True, exist_ok=True)
        with (home / "output").open("w+") as output:
            arguments = [self.program(command[0]), *command[1:]]
            process = subprocess.Popen(arguments, cwd=self.root, env=environment, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read()
        if process.returncode:
            raise BenchError(f"{self.name}: {' '.join(command)} ended with {process.returncode}: {text[-2000:]}")
        return usage.ru_utime + usage.ru_stime, text


def this_tree() -> Tree:
    """What is measured."""
    return Tree("this tree", PROJECT_ROOT)


def base_tree() -> Tree | None:
    """The commit that BENCH_BASE names, ready to run; None where it names none. Raises BenchError."""
    commit = os.environ.get(BASE)
    if not commit:
        return None
    root = PROJECT_ROOT / ".cache" / "bench" / commit
    if not (root / "pyproject.toml").exists():
        packed = subprocess.run(["git", "archive", commit], cwd=PROJECT_ROOT, capture_output=True, check=False)
        if packed.returncode:
            raise BenchError(f"{BASE}={commit}: {packed.stderr.decode().strip()}")
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(root, filter="data")
    python = str(Path(sys.base_prefix) / "bin" / "python3")
    subprocess.run([str(root / ".ci" / "setup")], cwd=root, env=_plain() | {"PYTHON": python}, check=True)
    return Tree(commit, root)


def by_turns(ways: Mapping[str, Callable[[int], float]], turns: int = TURNS) -> dict[str, float]:
    """The median seconds of each way, called one after the other with the number of the turn; turn 0 only warms up."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            seconds = way(turn)
            if turn:
                spent[name].append(seconds)
    return {name: median(times) for name, times in spent.items()}


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"SETUP_VENV", "VIRTUAL_ENV"}}
