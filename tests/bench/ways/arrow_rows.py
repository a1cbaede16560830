"""Arrow rows through one Dagster run, as a program: `python arrow_rows.py WAY HOME FILE` prints what it took.

FILE is a Parquet file, read in batches by both. What is counted begins with the run: all that it imports is imported by then, and
its instance is made. `peak` is what the process held more than at that moment, at most, in MiB. No postponed annotations in this
file: Dagster reads those of an asset's function.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 20_000
CHECKS = 9
"""Those that ours has of such a table."""
IMPORTED = ("dlt", "dlt.destinations", "dlt.destinations.impl.duckdb.duck", "pandas", "dlt.common.libs.pyarrow")
"""What a run of either imports when it needs it."""


def batches(file: Path) -> Iterator[pa.Table]:
    """The rows of the file, a batch at a time."""
    with pq.ParquetFile(file) as reader:
        for batch in reader.iter_batches(BATCH):
            yield pa.Table.from_batches([batch])


def ours(home: Path, file: Path) -> tuple[dg.Definitions, Path]:
    """A source of one table, as this platform loads it: staged, judged, published."""
    from oso_dagster.domain.catalogue.loading import Extract
    from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
    from oso_dagster.orchestration.ingest.table_assets import ingest_assets
    from oso_dagster.settings import read_settings

    importlib.import_module("oso_dagster.warehouse.embedded.warehouse")
    settings = read_settings([])
    columns = (
        Column("sold_at", ColumnType.TIMESTAMP, "when"),
        Column("id", ColumnType.BIGINT, "which", nullable=False),
        Column("shop", ColumnType.VARCHAR, "where"),
        Column("article", ColumnType.VARCHAR, "what"),
        Column("buyer", ColumnType.VARCHAR, "who"),
        Column("pieces", ColumnType.BIGINT, "how many"),
        Column("price", ColumnType.DOUBLE, "for how much"),
        Column("paid", ColumnType.BOOLEAN, "whether it was paid"),
    )
    table = Table(
        name="sales",
        description="Sales",
        columns=columns,
        primary_key=("id",),
        disposition=Disposition.REPLACE,
        extract=lambda request: Extract("v1", {"sales": batches(file)}),
        schedule=Schedule("0 2 * * *"),
        cost=Cost(1, 1),
        event_time="sold_at",
        events_may_stop="invented",
    )
    source = Source("shop", "Shop", "https://example.org", "MIT", "team:data", Stability.UNSTABLE, (table,))
    assets = ingest_assets(settings, [source])
    return dg.Definitions(assets=assets, executor=dg.in_process_executor), settings.warehouse_path


def theirs(home: Path, file: Path) -> tuple[dg.Definitions, Path]:
    """The same rows by the public integration, as its documentation has it."""
    import dlt
    from dagster_dlt import DagsterDltResource, dlt_assets  # type: ignore[import-not-found]

    path = home / "theirs.duckdb"
    rows = dlt.resource(lambda: batches(file), name="sales", write_disposition="replace")
    pipeline = dlt.pipeline(
        "shop", pipelines_dir=str(home / "dlt"), destination=dlt.destinations.duckdb(str(path)), dataset_name="shop"
    )

    @dlt.source(name="shop")
    def shop() -> Any:
        return rows

    @dlt_assets(dlt_source=shop(), dlt_pipeline=pipeline)
    def sales(context: dg.AssetExecutionContext, dlt: DagsterDltResource) -> Iterator[Any]:
        yield from dlt.run(context=context)

    return dg.Definitions(assets=[sales], resources={"dlt": DagsterDltResource()}, executor=dg.in_process_executor), path


def floor(home: Path, file: Path) -> tuple[dg.Definitions, Path]:
    """The bare operation: the rows drawn into DuckDB in one transaction, nothing staged; as many checks as ours, none looks."""
    path = home / "floor.duckdb"
    specs = [dg.AssetCheckSpec(f"check_{number}", asset="sales") for number in range(CHECKS)]

    @dg.asset(check_specs=specs)
    def sales() -> dg.MaterializeResult:
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET threads = 1; SET preserve_insertion_order = false; CREATE SCHEMA shop; BEGIN")
            for number, batch in enumerate(batches(file)):
                connection.register("batch", batch)
                connection.execute("INSERT INTO shop.sales FROM batch" if number else "CREATE TABLE shop.sales AS FROM batch")
            connection.execute("COMMIT")
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name=spec.name) for spec in specs])

    return dg.Definitions(assets=[sales], executor=dg.in_process_executor), path


WAYS: dict[str, Callable[[Path, Path], tuple[dg.Definitions, Path]]] = {
    "ours": ours,
    "ours, own event store": ours,
    "floor": floor,
    "dagster-dlt": theirs,
}
OWN_STORE = "ours, own event store"
"""The way that has the instance that the platform ships, `dagster.yaml`; the others have Dagster's."""


def held(name: str) -> float:
    """MiB that the kernel says that this process holds (VmRSS), or has held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


def main(way: str, home: Path, file: Path) -> None:
    """Load the rows once, and count them."""
    os.environ |= {"OSO_HOME": str(home / "oso"), "OSO_WORLD": "sandbox", "DAGSTER_EVENT_BATCH_SIZE": "1000"}
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DAGSTER_HOME": str(home / "dagster")}
    (home / "dagster").mkdir(parents=True)
    shipped = Path(__file__).parents[3] / "dagster.yaml"
    (home / "dagster" / "dagster.yaml").write_text(shipped.read_text() if way == OWN_STORE else "telemetry: {enabled: false}\n")
    for name in IMPORTED:
        importlib.import_module(name)
    importlib.import_module("dlt").config.get("anything")  # dlt finds its settings when it is first asked for one
    definitions, path = WAYS[way](home, file)
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        Path("/proc/self/clear_refs").write_text("5")  # the most that was held is counted from here on
        before, began = held("VmRSS"), os.times()
        succeeded = job.execute_in_process(instance=instance, raise_on_error=True).success
        ended, peak = os.times(), held("VmHWM")
    with duckdb.connect(str(path), read_only=True) as connection:
        ((rows, total),) = connection.execute("SELECT count(*), sum(id) FROM shop.sales").fetchall()
    seconds = sum(ended[:4]) - sum(began[:4])
    print(json.dumps({"seconds": seconds, "peak": peak - before, "whole": peak, "rows": rows, "total": int(total)}))
    sys.exit(not succeeded)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
