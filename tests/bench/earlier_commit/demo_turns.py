"""`oso demo` in a new home, by turns with an earlier commit (`make bench ONLY=demo_turns BASE=…`).

By the clock, and in seconds of a processor; the clock says something only on a machine that does nothing else. What the demo
loads has grown since a723b27: beside the seconds stands how many runs it made.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Column, Table

from tests.bench.baseline import BASE, Tree, base_tree, this_tree

GOAL = 0.5
TURNS = int(os.environ.get("BENCH_TURNS", "3"))


def bench(console: Console) -> list[str]:
    """Run it, by turns; the goals that were missed."""
    base = base_tree()
    if base is None:
        console.print(f"not measured: no commit to compare with: BASE=commit (in {BASE})")
        return []
    trees = (base, this_tree())
    clock: dict[str, list[float]] = {tree.name: [] for tree in trees}
    spent: dict[str, list[float]] = {tree.name: [] for tree in trees}
    runs: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        for turn in range(TURNS):
            for tree in trees:
                home = Path(scratch, f"{tree.name}-{turn}")
                began = time.monotonic()
                spent[tree.name].append(tree.run(["oso", "demo"], home)[0])
                clock[tree.name].append(time.monotonic() - began)
                runs[tree.name] = _runs(home)
    table = Table("tree", *(Column(name, justify="right") for name in ("by the clock, s", "of a processor, s", "runs")))
    for tree in trees:
        table.add_row(tree.name, f"{median(clock[tree.name]):.0f}", f"{median(spent[tree.name]):.0f}", str(runs[tree.name]))
    console.print(table)
    share = _ratio(clock, *trees)
    console.print(f"÷ {base.name}: {share:.2f} by the clock, {_ratio(spent, *trees):.2f} of a processor")
    console.print(f"load average {os.getloadavg()[1]:.1f}: above 3 the clock measures what else the machine does")
    return [] if share <= GOAL else [f"by the clock at most {GOAL} × {base.name}: {share:.2f}"]


def _ratio(seconds: dict[str, list[float]], base: Tree, tree: Tree) -> float:
    return median(seconds[tree.name]) / median(seconds[base.name])


def _runs(home: Path) -> int:
    with closing(sqlite3.connect(home / "sandbox" / "dagster" / "history" / "runs.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
