"""An invented source with one table and a child, and loads of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.domain.catalogue.source import Child, Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse

DAY = datetime(2026, 1, 7, tzinfo=UTC)
TABLE = Table(
    name="things",
    description="Things 'quoted'",
    columns=(
        Column("id", ColumnType.BIGINT, "the key", nullable=False),
        Column("tags", ColumnType.VARCHARS, "a list"),
        Column("seen_at", ColumnType.TIMESTAMP, "when; it's UTC"),
        Column("wei", ColumnType.DECIMAL, "exact"),
        Column("doc", ColumnType.JSON, "as it came"),
    ),
    children=(Child("parts", "Parts", (Column("id", ColumnType.BIGINT, "k"), Column("n", ColumnType.BIGINT, "n")), ("id", "n")),),
    primary_key=("id",),
    disposition=Disposition.REPLACE,
    extract=lambda _: Extract("v", {}),
    schedule=Schedule("0 2 * * *"),
    cost=Cost(1, 1),
    event_time="seen_at",
    events_may_stop="invented",
)
SOURCE = Source("shop", "Shop", "https://example.org", "MIT", "team:data", Stability.UNSTABLE, (TABLE,))


def things(ids: Sequence[int], *, at: datetime = DAY, **extra: Any) -> pa.Table:
    columns = {
        "id": pa.array(ids, pa.int64()),
        "tags": pa.array([["a", "b,'c"] for _ in ids], pa.list_(pa.string())),
        "seen_at": pa.array([at for _ in ids], pa.timestamp("us", tz="UTC")),
        "wei": pa.array([10**37 for _ in ids], pa.decimal128(38, 0)),
        "doc": pa.array(['{"a": [1]}' for _ in ids], pa.string()),
    }
    return pa.table(columns | extra)


def extract(rows: pa.Table | list[pa.Table], parts: int = 1, version: str = "v1") -> Extract:
    batches = rows if isinstance(rows, list) else [rows]
    ids = [i for batch in batches for i in batch["id"].to_pylist()]
    nested = pa.table(
        {"id": pa.array(ids * parts, pa.int64()), "n": pa.array([n for n in range(parts) for _ in ids], pa.int64())}
    )
    return Extract(version, {"things": iter(batches), "things__parts": [nested]}, {"sha": version})


def load(warehouse: DuckDBWarehouse, rows: pa.Table | list[pa.Table], table: Table = TABLE, **options: Any) -> Any:
    parts = options.pop("parts", 1)
    return warehouse.load(SOURCE, table, extract(rows, parts, options.pop("version", "v1")), fingerprint="f", **options)


def ids(warehouse: DuckDBWarehouse, table: str = "things") -> list[int]:
    with warehouse.read() as connection:
        return [row[0] for row in connection.execute(f"SELECT id FROM shop.{table} ORDER BY ALL").fetchall()]
