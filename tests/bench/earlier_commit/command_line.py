"""What commands cost a processor, against an earlier commit (`make bench ONLY=command_line BASE=…`): each a process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from tests.bench.baseline import BASE, Tree, base_tree, by_turns, this_tree

GOALS = {"oso --help": 0.4, "oso sources list": 0.35, "oso slo report": 0.4}
"""The most that each may cost, as a share of what it cost before."""
TURNS = 5
LOADED = "ingest_oss_funding"
"""The job whose results the report is about."""


def bench(console: Console) -> list[str]:
    """Run each command, by turns; the goals that were missed."""
    base = base_tree()
    if base is None:
        console.print(f"not measured: no commit to compare with: BASE=commit (in {BASE})")
        return []
    table = Table("command", *(Column(name, justify="right") for name in (base.name, "this tree", "÷", "goal")))
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        homes = {tree: Path(scratch, tree.name) for tree in (base, this_tree())}
        for tree, home in homes.items():
            _fill(tree, home)
        for command, goal in GOALS.items():
            ways: dict[str, Callable[[int], float]] = {
                tree.name: partial(_spent, tree, command.split(), home) for tree, home in homes.items()
            }
            before, now = by_turns(ways, TURNS).values()
            table.add_row(command, f"{before:.2f}", f"{now:.2f}", f"{now / before:.2f}", f"{goal:g}")
            missed += [] if now <= goal * before else [f"{command} at most {goal:g} × {base.name}: {now / before:.2f}"]
    console.print(table)
    return missed


def _spent(tree: Tree, command: list[str], home: Path, _turn: int) -> float:
    return tree.run(command, home)[0]


def _fill(tree: Tree, home: Path) -> None:
    """A home with a load and its verdicts, its sandbox ended."""
    tree.run(["oso", "sandbox", "up"], home)
    try:
        tree.run(["oso", "run", LOADED, "evaluate_slos"], home)
    finally:
        tree.run(["oso", "sandbox", "down"], home)
