"""Thirty days of three small tables in one run, against an earlier commit (`make bench ONLY=small_partitions BASE=…`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from tests.bench.baseline import BASE, Tree, base_tree, by_turns, this_tree

GOAL = 1 / 3
DAYS, TABLES = 30, 3
WAY = Path(__file__).parent / "ways" / "partitions_of_a_run.py"


def bench(console: Console) -> list[str]:
    """Load them, by turns; the goals that were missed."""
    base = base_tree()
    if base is None:
        console.print(f"not measured: no commit to compare with: BASE=commit (in {BASE})")
        return []
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        ways = {
            tree.name: lambda turn, tree=tree: loaded(tree, Path(scratch, f"{tree.name}-{turn}")) for tree in (base, this_tree())
        }
        before, now = by_turns(ways).values()
    table = Table("tree", *(Column(name, justify="right") for name in ("seconds of a processor", "ms a partition")))
    for name, seconds in ((base.name, before), ("this tree", now)):
        table.add_row(name, f"{seconds:.1f}", f"{seconds / DAYS / TABLES * 1000:.0f}")
    console.print(table)
    console.print(f"÷ {base.name}: {now / before:.2f}")
    return [] if now <= GOAL * before else [f"at most {GOAL:.2f} × {base.name}: {now / before:.2f}"]


def loaded(tree: Tree, home: Path) -> float:
    """Seconds of processor of the run, with all that it imports but Dagster."""
    _, printed = tree.run(["python", str(WAY), str(home / "oso"), str(DAYS)], home)
    return float(printed.split()[-1])
