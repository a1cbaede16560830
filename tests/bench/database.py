"""`python -m tests.bench.database`: 200,000 rows from a real PostgreSQL, ours against a bare connectorx read and load."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import connectorx
import duckdb
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.upstreams import op_atlas
from oso_dagster.sandbox.world.world import DEFAULT_SEED, generate
from oso_dagster.sources.op_atlas import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.support.database import execute, serving

ROWS = 200_000
REPEATS = 3
GOAL = 2.0
_TABLE = next(table for table in SOURCE.tables if table.name == "project_repository")
_MAKE = f"""
TRUNCATE "ProjectRepository";
INSERT INTO "ProjectRepository" (id, type, url, verified, "openSource", "containsContracts", crate, "npmPackage", name,
    description, "createdAt", "updatedAt", "projectId")
SELECT gen_random_uuid()::text, 'github', 'https://github.com/sbx-bench/repository-' || n, n % 2 = 0, true, n % 3 = 0, false,
    false, 'repository-' || n, repeat('words ', (n % 20)::int), now() - n * interval '1 minute', now() - n * interval '1 second',
    gen_random_uuid()::text
FROM generate_series(1, {ROWS}) AS n;
ANALYZE"""


def bench(console: Console) -> list[str]:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        folder = Path(scratch)
        with serving(generate(DEFAULT_SEED, datetime.now(UTC)), folder / "world") as port:
            execute(port, _MAKE)
            seconds = _measure(postgres.address(port, op_atlas.DATABASE), folder)
    floor = seconds["bare: connectorx, plain DuckDB"]
    table = Table(
        "way", Column("seconds", justify="right"), Column("÷ bare", justify="right"), title=f"{ROWS:,} rows from PostgreSQL"
    )
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f}", f"{value / floor:.1f}")
    console.print(table)
    ratio = seconds["ours: read, judge, dlt, guards, publish"] / floor
    return [] if ratio <= GOAL else [f"at most {GOAL:g} × a bare read and load: {ratio:.2f}"]


def _measure(url: str, folder: Path) -> dict[str, float]:
    ways: dict[str, Callable[[str, Path], int]] = {
        "bare: connectorx, plain DuckDB": _bare,
        "ours: read, judge, dlt, guards, publish": _ours,
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(REPEATS + 1):
        for name, way in ways.items():
            place = folder / f"{turn}{name[:4]}"
            place.mkdir()
            began = perf_counter()
            if way(url, place) != ROWS:
                raise AssertionError(f"{name}: not all rows arrived")
            if turn:  # the first turn pays for imports
                spent[name].append(perf_counter() - began)
    return {name: median(times) for name, times in spent.items()}


def _bare(url: str, folder: Path) -> int:
    rows = connectorx.read_sql(url, 'SELECT * FROM "ProjectRepository"', return_type="arrow")
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        connection.register("arrived", rows)
        connection.execute("CREATE TABLE project_repository AS FROM arrived")
    return int(rows.num_rows)


def _ours(url: str, folder: Path) -> int:
    warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder, lock_timeout_seconds=60, clock=clock)
    extracted = _TABLE.extract(ExtractRequest(SOURCE.name, _TABLE.name, datetime.now(UTC), folder, {"url": url}))
    return warehouse.load(SOURCE, _TABLE, extracted, fingerprint="bench").record.row_count  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(1 if bench(Console()) else 0)
