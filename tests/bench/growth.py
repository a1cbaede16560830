"""How each cost grows with what there is more of, and by which exponent: `make bench ONLY=growth`.

Each part is a process of its own, measured at four sizes in seconds of processor; `BENCH_PARTS="rows …"` takes some. A cost is
taken for `fixed + slope × size ^ k`: what it costs to begin would hide the growth in a plain line through logarithms. Fitted is
the exponent for which numpy.polyfit leaves the least, as a share of each cost. Where the largest size costs hardly more than the
smallest, it is 0.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.settings import PROJECT_ROOT
from tests.bench.baseline import BenchError

SIZES = {
    "definitions": ("assets", (50, 230, 1080, 5000)),
    "judging": ("assets", (50, 230, 1080, 5000)),
    "ledger": ("hours of 500 assets", (6, 24, 96, 384)),
    "loads": ("days", (3, 9, 27, 81)),
    "models": ("models", (10, 30, 90, 270)),
    "partitions": ("days", (50, 150, 450, 1350)),
    "rows": ("rows", (25_000, 75_000, 225_000, 675_000)),
}
"""What grows in each part of `ways/growing.py`, and its sizes."""
SOME = os.environ.get("BENCH_PARTS", "").split()
GOAL = 1.1
"""Linear, and what a fit of four points may be off."""
FLAT = 1.25
"""A cost that grows less than this from the smallest size to the largest does not grow: a machine differs as much by itself."""
_STEP = 0.01


@dataclass(frozen=True)
class Growth:
    """One cost: seconds of processor at each size, in the order of the sizes."""

    cost: str
    unit: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    @property
    def exponent(self) -> float:
        """By which power of the size the cost grows, without what is fixed of it; 0 where it does not grow."""
        return exponent(self.sizes, self.seconds)

    @property
    def last_unit(self) -> float:
        """Milliseconds that one more costs, between the two largest sizes."""
        return (self.seconds[-1] - self.seconds[-2]) / (self.sizes[-1] - self.sizes[-2]) * 1000


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The exponent of `fixed + slope × size ^ k`, `fixed` not below zero, with the least square of relative errors."""
    if seconds[-1] < FLAT * seconds[0]:
        return 0.0
    of_size, measured = np.array(sizes, float) / sizes[-1], np.array(seconds, float)
    errors: dict[float, float] = {}
    for power in np.arange(_STEP, 3, _STEP):
        slope, fixed = np.polyfit(of_size**power, measured, 1, w=1 / measured)
        if fixed < 0:
            grown = of_size**power / measured
            slope, fixed = grown.sum() / (grown**2).sum(), 0.0
        errors[float(power)] = float((((fixed + slope * of_size**power) / measured - 1) ** 2).sum())
    return min(errors, key=errors.__getitem__)


def bench(console: Console) -> list[str]:
    """Measure every part at its sizes; the costs that grow faster than linear."""
    headings = ("sizes", "seconds of a processor", "exponent", "ms for one more")
    table = Table("cost", "grows with", *(Column(name, justify="right") for name in headings), title="How each cost grows")
    missed = []
    for part in SOME or SIZES:
        for growth in measured(part):
            seconds = " ".join(f"{each:.3g}" for each in growth.seconds)
            sizes = " ".join(f"{size:,}" for size in growth.sizes)
            table.add_row(growth.cost, growth.unit, sizes, seconds, f"{growth.exponent:.2f}", f"{growth.last_unit:.3g}")
            if growth.exponent > GOAL:
                missed.append(f"{growth.cost}: by {growth.unit} to the power of {growth.exponent:.2f}, not {GOAL}")
    console.print(table)
    return missed


def measured(part: str) -> list[Growth]:
    """The costs of a part. Raises BenchError where it failed."""
    unit, sizes = SIZES[part]
    command = [sys.executable, "-m", "tests.bench.ways.growing", part, *map(str, sizes)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{part} at {sizes} failed: {done.stderr[-2000:]}")
    costs = json.loads(done.stdout.splitlines()[-1])
    return [Growth(cost, unit, sizes, seconds) for cost, seconds in costs.items()]
