"""How fast the directory is loaded: ours, the fastest imaginable way, and the usual one, in one run.

About 7,000 invented projects; `OSO_OSS_DIRECTORY_URL=file:///… make bench` takes a real directory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Column, Table

from tests.bench.ways import directory

REPEATS = 5


def bench(console: Console) -> list[str]:
    """Read, parse and load the directory three ways; the goals that were missed."""
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        return _load(console, Path(scratch))


def _load(console: Console, scratch: Path) -> list[str]:
    url = os.environ.get("OSO_OSS_DIRECTORY_URL") or directory.invented(scratch / "directory.git", datetime.now(UTC))
    snapshot = directory.fetched(url, scratch / "cache")
    ways: dict[str, Callable[[Path], int]] = {
        "floor: yaml-rs, Arrow, plain DuckDB": lambda folder: directory.floor(snapshot, folder),
        "ours: read, judge, dlt, guards, publish": lambda folder: directory.ours(url, scratch / "cache", folder),
        "PyYAML CSafeLoader, dlt with dicts": lambda folder: directory.with_dicts(snapshot, folder),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    rows: set[int] = set()
    for turn in range(REPEATS + 1):
        for number, (name, way) in enumerate(ways.items()):
            if number == 2 and turn not in {0, REPEATS}:  # twelve seconds each: once to warm up, once to measure
                continue
            folder = scratch / f"{turn}-{number}"
            folder.mkdir()
            began = perf_counter()
            rows.add(way(folder))
            if turn:  # the first turn pays for imports
                spent[name].append(perf_counter() - began)
    if len(rows) != 1:
        raise AssertionError(f"the ways disagree about the number of projects: {rows}")
    seconds = {name: median(times) for name, times in spent.items()}
    floor, ours, dicts = seconds.values()
    table = Table(
        "way",
        Column("seconds", justify="right"),
        Column("÷ floor", justify="right"),
        title=f"{rows.pop():,} projects: read, parse, load",
    )
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f}", f"{value / floor:.1f}")
    console.print(table)
    goals = {
        f"own work under 1 s: {ours:.2f} s": ours < 1,
        f"at most 3 × the floor: {ours / floor:.1f}": ours <= 3 * floor,
        f"at least 5 × faster than dicts: {dicts / ours:.1f}": dicts >= 5 * ours,
    }
    return [goal for goal, met in goals.items() if not met]


if __name__ == "__main__":
    sys.exit(1 if bench(Console()) else 0)
