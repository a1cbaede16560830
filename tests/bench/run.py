"""`make bench`: how fast the platform is, as ratios against named baselines measured in the same run.

Every module of this folder, of `earlier_commit` and of `peers`, with a function `bench(console)` is a subject; it prints its
tables and returns the goals that it missed, in words. `python -m tests.bench.run NAME …` takes some of them.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable

from rich.console import Console

import tests.bench
import tests.bench.earlier_commit
import tests.bench.peers


def subjects() -> dict[str, Callable[[Console], list[str]]]:
    """The benchmarks by the name of their module."""
    modules = {
        module.name: importlib.import_module(f"{package.__name__}.{module.name}")
        for package in (tests.bench, tests.bench.earlier_commit, tests.bench.peers)
        for module in pkgutil.iter_modules(package.__path__)
    }
    return {name: module.bench for name, module in modules.items() if hasattr(module, "bench")}


def main(names: list[str]) -> int:
    """Measure what is named, or everything; 1 when a goal is missed, 2 when a name is unknown."""
    console, known = Console(), subjects()
    if unknown := set(names) - set(known):
        console.print(
            f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}", highlight=False
        )
        return 2
    missed: list[str] = []
    for name in names or sorted(known):
        console.rule(name.replace("_", " "))
        missed += [f"{name}: {goal}" for goal in known[name](console)]
    for goal in missed:
        console.print(f"[red]missed:[/red] {goal}", highlight=False)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
