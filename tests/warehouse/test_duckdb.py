"""A load is all or nothing, idempotent, guarded, and remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from oso_dagster.domain.loading import Extract, Loaded, RefusedError
from oso_dagster.domain.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.source import Child, Column, ColumnType, Contract, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.warehouse.duckdb import DuckDBWarehouse, WorldMismatchError

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
)
SOURCE = Source("shop", "Shop", "https://example.org", "MIT", "team:data", Stability.UNSTABLE, (TABLE,))


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb", world="sandbox", cache=tmp_path / "cache", lock_timeout_seconds=10)


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


def test_rows_land_with_declared_types_and_lists_stay_lists(warehouse: DuckDBWarehouse) -> None:
    loaded = load(warehouse, [things([1, 2]), things([3])], parts=2)
    with warehouse.read() as connection:
        kinds = dict(
            connection.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'things'").fetchall()
        )
        row = connection.execute("SELECT tags, wei, doc->'a' FROM shop.things WHERE id = 1").fetchone()
    assert kinds == {
        "id": "BIGINT",
        "tags": "VARCHAR[]",
        "seen_at": "TIMESTAMP WITH TIME ZONE",
        "wei": "DECIMAL(38,0)",
        "doc": "JSON",
    }
    assert row == (["a", "b,'c"], 10**37, "[1]")
    assert dict(loaded.record.rows) == {"things": 3, "things__parts": 6}


def test_readers_see_neither_staging_nor_dlt_tables(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    with warehouse.read() as connection:
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    assert [name for (name,) in tables] == ["platform.identity", "platform.loads", "shop.things", "shop.things__parts"]


def test_loading_twice_gives_the_same_rows_and_the_record_comes_back_as_written(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1, 2]))
    loaded = load(warehouse, things([1, 2]), version="v2")
    assert ids(warehouse) == [1, 2]
    assert ids(warehouse, "things__parts") == [1, 2]
    assert warehouse.last_load("shop", "things") == loaded.record
    assert loaded.record.facts == {"sha": "v2", "newest_event": DAY.isoformat()}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (things([]), "no rows arrived"),
        (things([1, 2, 3]), "3 rows would replace 10; at least 8"),
        (things([1, 1, *range(2, 11)]), "id = 1 2 times"),
        (things([None, *range(2, 11)]), "has no id in 1 rows"),  # type: ignore[list-item]
        (things(range(10)).drop_columns(["wei"]), "columns were lost: things.wei"),
    ],
    ids=["empty", "shrunk", "duplicate key", "missing key", "lost column"],
)
def test_a_load_that_fails_a_guard_changes_nothing(warehouse: DuckDBWarehouse, rows: pa.Table, words: str) -> None:
    before = load(warehouse, things(range(10))).record
    with pytest.raises(RefusedError, match=words) as caught:
        load(warehouse, rows)
    assert [finding.check for finding in caught.value.findings if not finding.passed]
    assert ids(warehouse) == list(range(10))
    assert warehouse.last_load("shop", "things") == before
    load(warehouse, things(range(11)))
    assert len(ids(warehouse)) == 11


def test_a_changed_type_is_refused_by_name(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    with pytest.raises(RefusedError, match=r"shop.things: a column has changed its type"):
        load(warehouse, things([2]).set_column(3, "wei", pa.array(["much"])))
    assert ids(warehouse) == [1]


def test_a_child_that_loses_most_rows_refuses_the_whole_load(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things(range(20)), parts=4)
    with pytest.raises(RefusedError, match=r"shop.things__parts: 20 rows would replace 80"):
        load(warehouse, things(range(20)), parts=1)


def test_a_person_can_allow_the_shrinking(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things(range(10)))
    load(warehouse, things([1]), allow_shrink=True)
    assert ids(warehouse) == [1]


def test_a_new_column_arrives_and_is_reported_and_older_loads_without_it_still_land(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    loaded = load(warehouse, things([1], colour=pa.array(["red"])))
    assert loaded.new_columns == ["things.colour"]
    assert load(warehouse, things([1])).new_columns == []


def test_a_column_that_only_some_batches_of_a_load_have_arrives_with_nulls_for_the_others(warehouse: DuckDBWarehouse) -> None:
    batches = [things([1]), things([2], colour=pa.array(["red"])), things([3])]
    loaded = warehouse.load(SOURCE, replace(TABLE, children=()), Extract("v", {"things": batches}), fingerprint="f")
    assert loaded.record.facts["unknown_fields"] == ["things.colour (VARCHAR)"]
    with warehouse.read() as connection:
        assert connection.execute("SELECT id, colour FROM shop.things ORDER BY 1").fetchall() == [
            (1, None),
            (2, "red"),
            (3, None),
        ]


def test_an_extract_that_breaks_off_changes_nothing_and_leaves_nothing_pending(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))

    def broken() -> Iterator[pa.Table]:
        yield things([7])
        raise ConnectionResetError("reset by peer")

    with pytest.raises(Exception, match="reset by peer"):
        warehouse.load(SOURCE, TABLE, Extract("v", {"things": broken(), "things__parts": []}), fingerprint="f")
    assert ids(warehouse) == [1]
    load(warehouse, things([2]))
    assert ids(warehouse) == [2]


def test_merge_replaces_rows_with_the_same_key_and_keeps_the_others(warehouse: DuckDBWarehouse) -> None:
    table = replace(TABLE, disposition=Disposition.MERGE, children=())
    for batch in (things([1, 2]), things([2, 3], at=DAY + timedelta(1))):
        warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f")
    with warehouse.read() as connection:
        rows = connection.execute("SELECT id, seen_at = ? FROM shop.things ORDER BY id", [DAY]).fetchall()
    assert rows == [(1, True), (2, False), (3, False)]


def test_a_partition_that_is_empty_now_loses_its_old_rows_and_no_others(warehouse: DuckDBWarehouse) -> None:
    partitions = Partitions(PartitionKind.DAILY, DAY)
    cut = replace(TABLE, disposition=Disposition.REPLACE_PARTITION, partitions=partitions, children=())
    table = replace(cut, may_be_empty=True)
    days = [Window(f"2026-01-0{7 + n}", DAY + timedelta(n), DAY + timedelta(n + 1)) for n in range(2)]
    for window, batch in ((days[0], things([1])), (days[1], things([2], at=days[1].start)), (days[0], things([]))):  # type: ignore[arg-type]
        warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f", window=window)
    assert ids(warehouse) == [2]
    assert warehouse.last_load("shop", "things", "2026-01-07").row_count == 0  # type: ignore[union-attr]
    with pytest.raises(RefusedError, match=r"shop.things\[2026-01-08\]: no rows arrived"):
        warehouse.load(SOURCE, cut, Extract("v", {"things": [things([])]}), fingerprint="f", window=days[1])
    assert ids(warehouse) == [2]


@pytest.mark.parametrize("disposition", [Disposition.MERGE, Disposition.APPEND])
def test_a_table_that_only_grows_may_have_nothing_new_but_not_begin_with_nothing(
    warehouse: DuckDBWarehouse, disposition: Disposition
) -> None:
    table = replace(TABLE, disposition=disposition, children=())

    def bring(batch: pa.Table, table: Table = table) -> Loaded:
        return warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f")

    with pytest.raises(RefusedError, match="no rows arrived"):
        bring(things([]))
    assert bring(things([1, 2])).table_rows == 2
    assert bring(things([2, 3])).table_rows == 3
    nothing = bring(things([]))
    assert (nothing.record.row_count, nothing.table_rows) == (0, 3)
    (arrived,) = [finding for finding in nothing.findings if finding.check == "arrived"]
    assert (arrived.passed, arrived.message[:26]) == (True, "nothing new since the load")
    with pytest.raises(RefusedError, match="no rows arrived"):  # declared otherwise by now: it was asked for as a whole
        warehouse.load(SOURCE, table, Extract("v", {"things": [things([])]}), fingerprint="other")


def test_declared_tables_exist_before_anything_was_loaded_with_their_comments(warehouse: DuckDBWarehouse) -> None:
    warehouse.ensure_tables([SOURCE])
    warehouse.ensure_tables([SOURCE])
    with warehouse.read() as connection:
        comments = connection.execute("SELECT comment FROM duckdb_columns() WHERE column_name = 'seen_at'").fetchall()
        described = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'things'").fetchall()
    assert comments == [("when; it's UTC",)]
    assert described == [("Things 'quoted'",)]
    assert warehouse.last_load("shop", "things") is None


def test_a_file_of_one_world_refuses_another(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    load(warehouse, things([1]))
    other = DuckDBWarehouse(tmp_path / "w.duckdb", world="live", cache=tmp_path / "cache", lock_timeout_seconds=1)
    with pytest.raises(WorldMismatchError, match="'sandbox', not 'live'"):
        load(other, things([2]))


def test_an_extract_without_a_declared_table_is_refused(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(RefusedError, match="things__parts"):
        warehouse.load(SOURCE, TABLE, Extract("v", {"things": [things([1])]}), fingerprint="f")


def test_reading_before_the_first_load_says_so(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(FileNotFoundError, match="nothing has been loaded"), warehouse.read():
        pass


def test_a_column_that_is_declared_later_and_a_changed_description_reach_the_comments(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    wide = replace(TABLE, columns=(*TABLE.columns, Column("w", ColumnType.BIGINT, "new")))
    load(warehouse, things([2], w=pa.array([7], pa.int64())), wide)
    assert comments(warehouse) == {"": TABLE.description} | {column.name: column.description for column in wide.columns}
    told = (replace(wide.columns[0], description="what tells one from another"), *wide.columns[1:])
    warehouse.ensure_tables([replace(SOURCE, tables=(replace(wide, description="Other things", columns=told),))])
    assert comments(warehouse) == {"": "Other things"} | {column.name: column.description for column in told}


def test_a_column_that_arrived_as_text_gets_its_type_when_it_is_declared(warehouse: DuckDBWarehouse) -> None:
    table = replace(TABLE, disposition=Disposition.MERGE, children=())
    warehouse.load(SOURCE, table, Extract("v", {"things": [things([1], w=pa.array(["7"]))]}), fingerprint="f")
    wide = replace(table, columns=(*TABLE.columns, Column("w", ColumnType.BIGINT, "new")))
    batch = things([2], w=pa.array([8], pa.int64()))
    warehouse.load(SOURCE, wide, Extract("v", {"things": [batch]}), fingerprint="g")
    with warehouse.read() as connection:
        assert connection.execute("SELECT id, w FROM shop.things ORDER BY 1").fetchall() == [(1, 7), (2, 8)]
    odd = replace(table, columns=(*TABLE.columns, Column("odd", ColumnType.BIGINT, "new")))
    batch = things([3], odd=pa.array(["seven"]))
    warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f")
    with pytest.raises(RefusedError, match=r'"shop"."things".odd: what is there as text is no BIGINT'):
        warehouse.load(SOURCE, odd, Extract("v", {"things": [things([4], odd=pa.array([4]))]}), fingerprint="g")
    assert ids(warehouse) == [1, 2, 3]


def comments(warehouse: DuckDBWarehouse) -> dict[str, str]:
    """What the table and its columns say."""
    ask = "SELECT {} comment FROM {} WHERE schema_name = 'shop' AND table_name = 'things'"
    with warehouse.read() as connection:
        tables = connection.execute(ask.format("'',", "duckdb_tables()")).fetchall()
        return dict(tables + connection.execute(ask.format("column_name,", "duckdb_columns()")).fetchall())


def test_under_a_frozen_contract_what_nobody_declared_stops_the_load_and_else_it_warns(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    with pytest.raises(RefusedError, match=r"shop.things: not declared, but there upstream: things.w \(BIGINT\)"):
        load(warehouse, things([2], w=pa.array([7], pa.int64())), replace(TABLE, contract=Contract.FREEZE))
    assert ids(warehouse) == [1]
    loaded = load(warehouse, things([2], w=pa.array([7], pa.int64())))
    (schema,) = [finding for finding in loaded.findings if finding.check == "schema"]
    assert (schema.passed, schema.blocking, loaded.new_columns) == (False, False, ["things.w"])
    assert loaded.record.facts["unknown_fields"] == ["things.w (BIGINT)"]
    assert ids(warehouse) == [2]


def test_under_a_reporting_contract_what_nobody_declared_is_told_and_never_published(warehouse: DuckDBWarehouse) -> None:
    """Whatever a source hands over: the declaration alone says what may be seen."""
    table = replace(TABLE, contract=Contract.REPORT)
    loaded = load(warehouse, things([1], w=pa.array([7], pa.int64())), table)
    (schema,) = [finding for finding in loaded.findings if finding.check == "schema"]
    assert (schema.passed, schema.blocking, loaded.new_columns) == (False, False, [])
    assert loaded.record.facts["unknown_fields"] == ["things.w (BIGINT)"]
    with warehouse.read() as connection:
        assert "w" not in {row[0] for row in connection.execute("DESCRIBE shop.things").fetchall()}
