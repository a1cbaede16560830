"""What becomes of columns: declared ones, new ones, changed ones, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, RefusedError
from oso_dagster.domain.catalogue.source import Column, ColumnType, Disposition, SchemaContract
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.warehouse.shop import SOURCE, TABLE, ids, load, things


def test_a_changed_type_is_refused_by_name(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    with pytest.raises(RefusedError, match=r"shop.things: a column has changed its type"):
        load(warehouse, things([2]).set_column(3, "wei", pa.array(["much"])))
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


def test_declared_tables_exist_before_anything_was_loaded_with_their_comments(warehouse: DuckDBWarehouse) -> None:
    warehouse.ensure_tables([SOURCE])
    warehouse.ensure_tables([SOURCE])
    with warehouse.read() as connection:
        comments = connection.execute("SELECT comment FROM duckdb_columns() WHERE column_name = 'seen_at'").fetchall()
        described = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'things'").fetchall()
    assert comments == [("when; it's UTC",)]
    assert described == [("Things 'quoted'",)]
    assert warehouse.last_load("shop", "things") is None


def test_a_column_that_is_declared_later_and_a_changed_description_reach_the_comments(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    wide = replace(TABLE, columns=(*TABLE.columns, Column("w", ColumnType.BIGINT, "new")))
    load(warehouse, things([2], w=pa.array([7], pa.int64())), wide)
    assert comments(warehouse) == {"": TABLE.description} | {column.name: column.description for column in wide.columns}
    columns = (replace(wide.columns[0], description="what tells one from another"), *wide.columns[1:])
    warehouse.ensure_tables([replace(SOURCE, tables=(replace(wide, description="Other things", columns=columns),))])
    assert comments(warehouse) == {"": "Other things"} | {column.name: column.description for column in columns}


def test_readers_find_a_column_that_was_declared_since_the_last_load(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    wide = replace(TABLE, columns=(*TABLE.columns, Column("w", ColumnType.BIGINT, "new")))
    for _ in range(2):
        warehouse.ensure_tables([replace(SOURCE, tables=(wide,))])
    with warehouse.read() as connection:
        assert connection.execute("SELECT id, w FROM shop.things").fetchall() == [(1, None)]
    assert comments(warehouse)["w"] == "new"
    load(warehouse, things([2], w=pa.array([7], pa.int64())), wide)
    assert ids(warehouse) == [2]


def test_a_column_that_arrived_as_text_gets_its_type_when_it_is_declared(warehouse: DuckDBWarehouse) -> None:
    table = replace(TABLE, disposition=Disposition.MERGE, keeps_deleted="invented", children=())
    warehouse.load(SOURCE, table, Extract("v", {"things": [things([1], w=pa.array(["7"]))]}), fingerprint="f")
    wide = replace(table, columns=(*TABLE.columns, Column("w", ColumnType.BIGINT, "new")))
    batch = things([2], w=pa.array([8], pa.int64()))
    warehouse.load(SOURCE, wide, Extract("v", {"things": [batch]}), fingerprint="g")
    with warehouse.read() as connection:
        assert connection.execute("SELECT id, w FROM shop.things ORDER BY 1").fetchall() == [(1, 7), (2, 8)]
    odd = replace(table, columns=(*TABLE.columns, Column("odd", ColumnType.BIGINT, "new")))
    batch = things([3], odd=pa.array(["seven"]))
    warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f")
    with pytest.raises(RefusedError, match=r'"shop"."things".odd: what is there is no bigint: .seven. in the row id = 3'):
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
    with pytest.raises(RefusedError, match=r"shop.things: upstream has columns that are not declared: things.w \(BIGINT\)"):
        load(warehouse, things([2], w=pa.array([7], pa.int64())), replace(TABLE, contract=SchemaContract.FREEZE))
    assert ids(warehouse) == [1]
    loaded = load(warehouse, things([2], w=pa.array([7], pa.int64())))
    (schema,) = [finding for finding in loaded.findings if finding.check == "schema"]
    assert (schema.passed, schema.blocking, loaded.new_columns) == (False, False, ["things.w"])
    assert loaded.record.facts["unknown_fields"] == ["things.w (BIGINT)"]
    assert ids(warehouse) == [2]


def test_under_a_reporting_contract_what_nobody_declared_is_told_and_never_published(warehouse: DuckDBWarehouse) -> None:
    """Whatever a source hands over: the declaration alone says what may be seen."""
    table = replace(TABLE, contract=SchemaContract.REPORT)
    loaded = load(warehouse, things([1], w=pa.array([7], pa.int64())), table)
    (schema,) = [finding for finding in loaded.findings if finding.check == "schema"]
    assert (schema.passed, schema.blocking, loaded.new_columns) == (False, False, [])
    assert loaded.record.facts["unknown_fields"] == ["things.w (BIGINT)"]
    with warehouse.read() as connection:
        assert "w" not in {row[0] for row in connection.execute("DESCRIBE shop.things").fetchall()}
