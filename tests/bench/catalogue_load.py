"""The whole catalogue of the sandbox, loaded from nothing, against an earlier commit (`make bench ONLY=catalogue_load BASE=…`).

Each loads all that its own catalogue and its own sandbox have, in a home of its own; the sandbox's servers are not counted. What
is measured is `oso run` with every ingestion job, 14 partitions of each table that has some, as `oso run` does by itself. The
models, which no load reads, are read into the home before, and counted in a column of their own. `BENCH_JOBS="name …"` measures
some jobs, whatever they need of others being loaded before.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.due.cadence import in_order, jobs_of
from oso_dagster.sandbox.families import invents
from oso_dagster.sources import catalogue
from tests.bench.baseline import BASE, Tree, base_tree, by_turns, this_tree

GOAL = 1.0
SOME = frozenset(os.environ.get("BENCH_JOBS", "").split())
JOBS = "from oso_dagster.definitions import defs; print(*(job.name for job in defs.resolve_all_job_defs()), sep='\\n')"


def bench(console: Console) -> list[str]:
    """Load everything, by turns; the goals that were missed."""
    base = base_tree()
    if base is None:
        console.print(f"not measured: no commit to compare with: BASE=commit (in {BASE})")
        return []
    here = this_tree()
    invented = [source for source in catalogue() if source.retired is None and invents(source)]
    ours = [job.name for job in in_order(job for source in invented for job in jobs_of(source))]
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        _, listed = base.run(["python", "-c", JOBS], Path(scratch, "jobs"))
        # Jobs run in the order in which they are named, and some need what others land.
        places = {name: place for place, name in enumerate(ours)}
        theirs = sorted(
            (name for name in listed.split() if name.startswith("ingest_")), key=lambda name: places.get(name, len(ours))
        )
        chosen = {tree.name: [name for name in jobs if name in SOME or not SOME] for tree, jobs in ((base, theirs), (here, ours))}
        models: dict[str, float] = {}
        ways = {
            tree.name: lambda turn, tree=tree, jobs=jobs: loaded(
                tree, jobs, chosen[tree.name], models, Path(scratch, f"{tree.name}-{turn}")
            )
            for tree, jobs in ((base, theirs), (here, ours))
        }
        seconds = by_turns(ways)
    before, now = seconds.values()
    table = Table("tree", *(Column(name, justify="right") for name in ("jobs", "seconds of a processor", "its models, before")))
    for name, jobs in chosen.items():
        table.add_row(name, str(len(jobs)), f"{seconds[name]:.1f}", f"{models[name]:.1f}")
    console.print(table)
    console.print(f"÷ {base.name}: {now / before:.2f}")
    return [] if now <= GOAL * before else [f"at most {GOAL:g} × {base.name}: {now / before:.2f}"]


def loaded(tree: Tree, jobs: list[str], chosen: list[str], models: dict[str, float], home: Path) -> float:
    """Seconds of processor of a load of the `chosen` ones of `jobs` into a new home, behind the others, which are not counted.

    `models` gets the seconds that it takes to load the code location of a new home, most of which goes into reading models.
    """
    tree.run(["oso", "sandbox", "up"], home)
    try:
        models[tree.name], _ = tree.run(["python", "-c", JOBS], home)
        if others := [name for name in jobs if name not in chosen]:
            tree.run(["oso", "run", *others], home)
        return tree.run(["oso", "run", *chosen], home)[0]
    finally:
        tree.run(["oso", "sandbox", "down"], home)
