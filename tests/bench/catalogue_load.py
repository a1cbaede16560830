"""The whole catalogue of the sandbox, loaded from nothing, against an earlier commit (`make bench ONLY=catalogue_load BASE=…`).

Each loads all that its own catalogue and its own sandbox have, in a home of its own; the sandbox's servers are not counted. What
is measured is `oso run` with every ingestion job, 14 partitions of each table that has some, as `oso run` does by itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.due.cadence import in_order, jobs_of
from oso_dagster.sandbox.families import invents
from oso_dagster.sources import catalogue
from tests.bench.baseline import BASE, Tree, base_tree, by_turns, this_tree

GOAL = 1.0
JOBS = "from oso_dagster.definitions import defs; print(*(job.name for job in defs.resolve_all_job_defs()), sep='\\n')"


def bench(console: Console) -> list[str]:
    """Load everything, by turns; the goals that were missed."""
    base = base_tree()
    if base is None:
        console.print(f"not measured: no commit to compare with: BASE=commit (in {BASE})")
        return []
    invented = [source for source in catalogue() if source.retired is None and invents(source)]
    ours = [job.name for job in in_order(job for source in invented for job in jobs_of(source))]
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        _, listed = base.run(["python", "-c", JOBS], Path(scratch, "jobs"))
        # Jobs run in the order in which they are named, and some need what others land.
        places = {name: place for place, name in enumerate(ours)}
        theirs = sorted(
            (name for name in listed.split() if name.startswith("ingest_")), key=lambda name: places.get(name, len(ours))
        )
        ways = {
            tree.name: lambda turn, tree=tree, jobs=jobs: loaded(tree, jobs, Path(scratch, f"{tree.name}-{turn}"))
            for tree, jobs in ((base, theirs), (this_tree(), ours))
        }
        seconds = by_turns(ways)
    before, now = seconds.values()
    table = Table("tree", Column("jobs", justify="right"), Column("seconds of a processor", justify="right"))
    table.add_row(base.name, str(len(theirs)), f"{before:.1f}")
    table.add_row("this tree", str(len(ours)), f"{now:.1f}")
    console.print(table)
    console.print(f"÷ {base.name}: {now / before:.2f}")
    return [] if now <= GOAL * before else [f"at most {GOAL:g} × {base.name}: {now / before:.2f}"]


def loaded(tree: Tree, jobs: list[str], home: Path) -> float:
    """Seconds of processor of a load of everything into a new home."""
    tree.run(["oso", "sandbox", "up"], home)
    try:
        return tree.run(["oso", "run", *jobs], home)[0]
    finally:
        tree.run(["oso", "sandbox", "down"], home)
