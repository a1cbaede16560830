"""Thirty days of three small tables in one run, as a program: `python partitions_of_a_run.py HOME DAYS` prints processor seconds.

It is run by the Python of this tree and by that of an earlier commit, whose modules were called otherwise: nothing else of this
project is imported. What is counted begins with the run: Dagster is imported, and its instance made, by then.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from moved_modules import module  # in this folder, which is the program's

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES, ROWS = 3, 40

loading = module("domain.catalogue.loading", "domain.loading")
partitions = module("domain.catalogue.partitions", "domain.partitions")
source = module("domain.catalogue.source", "domain.source")
assets = module("orchestration.ingest.table_assets", "orchestration.ingest")
runner = module("orchestration.ingest.jobs.in_process", "orchestration.in_process")
settings = module("settings")


def sales(request: Any) -> Any:
    """The rows of a day, made at once."""
    day, kind = request.window.start, source.ColumnType
    times = [day + timedelta(minutes=number) for number in range(ROWS)]
    made = {
        kind.BIGINT: lambda name: pa.array(range(ROWS), pa.int64()),
        kind.VARCHAR: lambda name: pa.array([f"{name} {number}" for number in range(ROWS)]),
        kind.DOUBLE: lambda name: pa.array([number / 2 for number in range(ROWS)]),
        kind.TIMESTAMP: lambda name: pa.array(times, pa.timestamp("us", tz="UTC")),
    }
    rows = pa.table({column.name: made[column.type](column.name) for column in COLUMNS})
    return loading.Extract(request.window.key, {request.table: [rows]})


KINDS = source.ColumnType
COLUMNS = (
    source.Column("sold_at", KINDS.TIMESTAMP, "when"),
    source.Column("id", KINDS.BIGINT, "which", nullable=False),
    source.Column("shop", KINDS.VARCHAR, "where"),
    source.Column("article", KINDS.VARCHAR, "what"),
    source.Column("price", KINDS.DOUBLE, "for how much"),
)


def known(made: Any, *values: Any, **named: Any) -> Any:
    """An instance, without the values that were not declared yet."""
    return made(*values, **{name: value for name, value in named.items() if name in signature(made).parameters})


def by_day() -> Any:
    """A partition a day."""
    return known(partitions.Partitions, partitions.PartitionKind.DAILY, START, due_after=timedelta(hours=4))


def shop() -> Any:
    """The source."""
    tables = tuple(
        known(
            source.Table,
            name=f"sales_{number}",
            description="Sales by day",
            columns=COLUMNS,
            primary_key=("sold_at", "id"),
            disposition=source.Disposition.REPLACE_PARTITION,
            extract=sales,
            schedule=source.Schedule("0 2 * * *"),
            cost=source.Cost(1, 1),
            event_time="sold_at",
            events_may_stop="invented",
            partitions=by_day(),
            range_in_one_run=True,
        )
        for number in range(TABLES)
    )
    return source.Source("shop", "Shop", "https://example.org", "MIT", "team:data", source.Stability.UNSTABLE, tables)


def main(home: Path, days: int) -> None:
    """Load the days, and count their rows."""
    os.environ |= {"OSO_HOME": str(home), "OSO_WORLD": "sandbox", "DAGSTER_EVENT_BATCH_SIZE": "1000"}
    here = settings.read_settings([])
    made = assets.ingest_assets(here, [shop()])
    here.dagster_home.mkdir(parents=True)
    (here.dagster_home / "dagster.yaml").write_text((settings.PROJECT_ROOT / "dagster.yaml").read_text())
    os.environ["DAGSTER_HOME"] = str(here.dagster_home)
    job = dg.define_asset_job("ingest_shop", selection=dg.AssetSelection.assets(*made))
    definitions = dg.Definitions(assets=made, jobs=[job], executor=dg.in_process_executor)
    windows = [by_day().window(f"{START + timedelta(days=n):%Y-%m-%d}") for n in range(days)]
    with dg.DagsterInstance.get() as instance:
        began = os.times()
        failures = runner.Runner(definitions, instance).run("ingest_shop", windows)
        ended = os.times()
    if failures:
        sys.exit("; ".join(failures))
    resources = module("orchestration.resources")
    with resources.warehouse_of(here).read() as connection:
        for number in range(TABLES):
            (rows,) = connection.execute(f"SELECT count(*) FROM shop.sales_{number}").fetchone()
            if rows != ROWS * days:
                sys.exit(f"{rows} rows")
    print(sum(ended[:4]) - sum(began[:4]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
