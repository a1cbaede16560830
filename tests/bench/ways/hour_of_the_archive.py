"""An hour of GH Archive, loaded from a server: `python hour_of_the_archive.py URL SCRATCH ROWS` prints processor seconds.

It is run by the Python of this tree and by that of an earlier commit, whose modules were called otherwise. What is counted is the
load, from the first request to the published partition; imports, which are the process's, are not.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

from moved_modules import module  # in this folder, which is the program's

DAY = datetime(2025, 9, 1, tzinfo=UTC)

loading = module("domain.catalogue.loading", "domain.loading")
github = module("sources.github")
warehouses = module("warehouse.embedded.warehouse", "warehouse.duckdb")
TABLE = github.SOURCE.tables[0]


def rows_of(url: str, scratch: Path, facts: dict[str, Any]) -> Any:
    """The hour's events in batches, as the source reads those of a day."""
    try:
        from oso_dagster.connectors import gharchive
    except ImportError:
        from oso_dagster.connectors.github import archive, archive_files, archive_gaps

        archive_files.HOURS = 1
        day = archive_files.Day(url, DAY, late_hours=0)
        tries = archive_gaps.Tries(scratch / "tries.json", DAY.date())
        return archive.read(day, TABLE.columns, scratch / "files", facts, archive_gaps.Floors(), tries)
    gharchive.HOURS = 1
    return gharchive.read(gharchive.Day(url, DAY), TABLE.columns, scratch / "files", facts)


def main(url: str, scratch: Path, expected: int) -> None:
    """Load the hour, and count its rows."""
    kind = warehouses.DuckDBWarehouse
    clock = {"clock": lambda: datetime.now(UTC)} if "clock" in signature(kind).parameters else {}
    began = os.times()
    warehouse = kind(scratch / "w.duckdb", world="live", cache=scratch, lock_timeout_seconds=60, **clock)
    facts: dict[str, Any] = {}
    extract = loading.Extract("bench", {TABLE.name: rows_of(url, scratch, facts)}, facts)
    window = TABLE.partitions.window("2025-09-01")
    rows = warehouse.load(github.SOURCE, TABLE, extract, fingerprint="bench", window=window).record.row_count
    ended = os.times()
    if rows != expected:
        sys.exit(f"{rows} rows")
    print(sum(ended[:4]) - sum(began[:4]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
