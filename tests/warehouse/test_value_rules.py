"""A value that its declared type would change is refused by name; keys are judged as they will be published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, RefusedError
from oso_dagster.domain.catalogue.source import Column, ColumnType, Table
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.warehouse.shop import SOURCE, TABLE

KEY = Column("id", ColumnType.VARCHAR, "the key", nullable=False)


def of(kind: ColumnType, **more: Any) -> Table:
    columns = (KEY, Column("v", kind, "a value"))
    return replace(TABLE, columns=columns, children=(), event_time=None, **more)


def load(warehouse: DuckDBWarehouse, table: Table, *values: Any, type_: pa.DataType | None = None) -> list[Any]:
    rows = pa.table({"id": [f"k{n}" for n in range(len(values))], "v": pa.array(values, type_)})
    warehouse.load(SOURCE, table, Extract("v", {"things": [rows]}), fingerprint="f")
    with warehouse.read() as connection:
        return [row[0] for row in connection.execute("SELECT v FROM shop.things ORDER BY id").fetchall()]


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("kind", "bad", "shown"),
    [
        pytest.param(ColumnType.BIGINT, 2.5, "2.5", id="a half is no whole number"),
        pytest.param(ColumnType.BIGINT, "1e3", "1e3", id="text with an exponent is no whole number"),
        pytest.param(ColumnType.BIGINT, "007", "007", id="leading zeros are part of a name"),
        pytest.param(ColumnType.BIGINT, True, "true", id="truth is no number"),
        pytest.param(ColumnType.BIGINT, Decimal(2**63), "9223372036854775808", id="a number that is too large"),
        pytest.param(ColumnType.BOOLEAN, 2, "2", id="two is no truth"),
        pytest.param(ColumnType.DECIMAL, "Infinity", "Infinity", id="infinity is no exact number"),
        pytest.param(ColumnType.DECIMAL, "2.5", "2.5", id="an exact number keeps its fraction"),
        pytest.param(ColumnType.DOUBLE, NAN, "nan", id="NaN would spoil every sum"),
        pytest.param(ColumnType.DOUBLE, -INFINITY, "-inf", id="so would infinity"),
        pytest.param(ColumnType.DOUBLE, "1e999", "1e999", id="text that becomes infinity"),
        pytest.param(ColumnType.DOUBLE, 2**53 + 1, "9007199254740993", id="a whole number that a double rounds"),
        pytest.param(ColumnType.DOUBLE, str(2**53 + 1), "9007199254740993", id="the same as text"),
        pytest.param(ColumnType.TIMESTAMP, "infinity", "infinity", id="a time without end"),
        pytest.param(ColumnType.TIMESTAMP, 1_700_000_000, "1700000000", id="a number is no time"),
        pytest.param(ColumnType.DATE, datetime(2026, 1, 7, 12, tzinfo=UTC), "2026-01-07 12:00:00", id="a day has no hour"),
        pytest.param(ColumnType.JSON, '{"a": NaN}', "NaN", id="NaN is not JSON"),
        pytest.param(ColumnType.JSON, '{"a": [1e999]}', "1e999", id="nor is what overflows"),
        pytest.param(ColumnType.JSON, "{'a': 1}", "a", id="nor is Python"),
    ],
)
def test_a_value_that_would_be_changed_is_refused_with_column_row_and_value(
    warehouse: DuckDBWarehouse, kind: ColumnType, bad: Any, shown: str
) -> None:
    with pytest.raises(
        RefusedError, match=r"shop.things: a column has changed its type: things.v is .* in the row id = k0"
    ) as error:
        load(warehouse, of(kind), bad)
    assert shown in str(error.value)
    assert f"no {kind.value}" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "good", "stored"),
    [
        (ColumnType.BIGINT, 3.0, 3),
        (ColumnType.BIGINT, "1000", 1000),
        (ColumnType.BOOLEAN, 1, True),
        (ColumnType.BOOLEAN, "false", False),
        (ColumnType.DECIMAL, str(10**37), Decimal(10**37)),
        (ColumnType.DOUBLE, "0.10", 0.1),
        (ColumnType.DOUBLE, 7, 7.0),
        (ColumnType.JSON, '{"hash": "0x9e123", "NaN": "a: NaN"}', '{"hash": "0x9e123", "NaN": "a: NaN"}'),
        (ColumnType.BIGINT, None, None),
    ],
)
def test_a_value_that_its_type_holds_arrives(warehouse: DuckDBWarehouse, kind: ColumnType, good: Any, stored: Any) -> None:
    assert load(warehouse, of(kind), good) == [stored]


CENTS = Column("v", ColumnType.DECIMAL, "a price", precision=6, scale=2)


def of_cents(**more: Any) -> Table:
    return replace(of(ColumnType.DECIMAL, **more), columns=(KEY, CENTS))


@pytest.mark.parametrize(
    ("good", "stored"),
    [
        ("12.5", "12.50"),
        ("12.500", "12.50"),
        ("-0.07", "-0.07"),
        ("7", "7.00"),
        (7, "7.00"),
        (12.5, "12.50"),
        (0.1, "0.10"),
        (Decimal("9999.990"), "9999.99"),
    ],
)
def test_an_exact_number_arrives_in_its_own_digits(warehouse: DuckDBWarehouse, good: Any, stored: str) -> None:
    (value,) = load(warehouse, of_cents(), good)
    assert str(value) == stored
    with warehouse.read() as connection:
        kinds = dict(connection.execute("SELECT column_name, data_type FROM duckdb_columns()").fetchall())
    assert kinds["v"] == "DECIMAL(6,2)"


@pytest.mark.parametrize("bad", ["12.505", "1e1", "10000", 0.125, 10_000, Decimal("0.001"), "NaN", "", "1,5"])
def test_a_number_with_other_digits_is_refused_with_row_and_value_and_never_rounded(warehouse: DuckDBWarehouse, bad: Any) -> None:
    with pytest.raises(RefusedError, match=r"things.v is .* in the row id = k0, which is no decimal\(6,2\)"):
        load(warehouse, of_cents(), bad)


def test_a_stored_column_gets_other_digits_only_when_they_hold_all_of_it(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, of_cents(), "12.34")
    wider = replace(of_cents(), columns=(KEY, replace(CENTS, precision=9, scale=4)))
    assert load(warehouse, wider, "12.3456") == [Decimal("12.3456")]
    with pytest.raises(RefusedError, match=r"what is there is no decimal\(6,2\): '12.3456' in the row id = k0"):
        load(warehouse, of_cents(), "1.00")


def test_a_column_that_holds_nothing_but_nulls_is_not_lost(warehouse: DuckDBWarehouse) -> None:
    assert load(warehouse, of(ColumnType.BIGINT), None, None, type_=pa.null()) == [None, None]


def test_where_it_is_declared_what_is_not_finite_means_no_value_and_is_counted(warehouse: DuckDBWarehouse) -> None:
    assert load(warehouse, of(ColumnType.DOUBLE, not_finite_is_null=("v",)), 1.0, NAN, INFINITY) == [1.0, None, None]
    assert warehouse.last_load("shop", "things").facts["values_nulled"] == {"v": 2}  # type: ignore[union-attr]


def test_keys_are_judged_as_they_will_be_published(warehouse: DuckDBWarehouse) -> None:
    column = Column("id", ColumnType.TIMESTAMP, "when", nullable=False)
    table = replace(TABLE, columns=(column,), primary_key=("id",), children=(), event_time=None)
    rows = pa.table({"id": ["2026-01-07", "2026-01-07 00:00:00"]})
    with pytest.raises(RefusedError, match=r"things has id = 2026-01-07 00:00:00.* 2 times"):
        warehouse.load(SOURCE, table, Extract("v", {"things": [rows]}), fingerprint="f")


def test_stored_values_are_not_changed_by_a_new_declaration(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, of(ColumnType.VARCHAR), "2.5")
    with pytest.raises(RefusedError, match=r"what is there is no bigint: '2.5' in the row id = k0"):
        load(warehouse, of(ColumnType.BIGINT), 3)
    assert load(warehouse, of(ColumnType.DOUBLE), 3.5) == [3.5]


def test_an_undeclared_column_that_changes_its_type_is_refused(warehouse: DuckDBWarehouse) -> None:
    table = replace(of(ColumnType.BIGINT), columns=(KEY,))
    assert load(warehouse, table, 7) == [7]
    with pytest.raises(RefusedError, match=r"v, which nobody declared, arrived as BIGINT before and is 7.5 \(DOUBLE\) now"):
        load(warehouse, table, 7.5)
