"""How long the code location takes to import, against Dagster alone, in one run."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Column, Table

REPEATS = 5


def bench(console: Console) -> list[str]:
    """Import nothing, Dagster and the code location, each in a process of its own; the goals that were missed."""
    modules = {"nothing": "pass", "dagster": "import dagster", "the code location": "import oso_dagster.definitions"}
    spent: dict[str, list[float]] = {name: [] for name in modules}
    for turn in range(REPEATS + 1):
        for name, code in modules.items():
            began = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            if turn:  # the first turn writes bytecode and SQLMesh's manifest
                spent[name].append(perf_counter() - began)
    bare, dagster, location = (median(times) for times in spent.values())
    ratio = (location - bare) / (dagster - bare)
    table = Table("import", Column("seconds", justify="right"), title="Loading the code location")
    for name, times in spent.items():
        table.add_row(name, f"{median(times):.2f}")
    console.print(table)
    console.print(f"÷ importing dagster alone: {ratio:.2f}")
    return [] if ratio <= 1.5 else [f"at most 1.5 × importing dagster: {ratio:.2f}"]


if __name__ == "__main__":
    sys.exit(1 if bench(Console()) else 0)
