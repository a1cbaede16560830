"""What the warehouse holds beside a second count, and the platform's own table for readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount
from oso_dagster.domain.catalogue.source import Column, ColumnType
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from oso_dagster.warehouse.held import held_counts
from tests.warehouse.shop import DAY, SOURCE, TABLE, load, things

TOMORROW = DAY + timedelta(days=1)


def held(warehouse: DuckDBWarehouse, how: Held, *counts: TrueCount, table: Any = TABLE) -> list[int]:
    with warehouse.read() as connection:
        return held_counts(connection, SOURCE, table, SecondCount("Things", lambda _: counts, how), counts)


def test_rows_distinct_values_and_totals_are_counted_by_category(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1, 2, 3, 3][:3]))
    assert held(warehouse, Held(), TrueCount("", 1, 1)) == [3]
    assert held(warehouse, Held(Measure.SUM, "id"), TrueCount("", 1, 1)) == [6]
    assert held(warehouse, Held(Measure.DISTINCT, "doc"), TrueCount("", 1, 1)) == [1]
    assert held(warehouse, Held(category="id"), TrueCount("2", 1, 1), TrueCount("9", 1, 1)) == [1, 0]


def test_only_the_span_and_the_items_that_were_asked_are_counted(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, [things([1, 2]), things([3], at=TOMORROW)])
    today, later = TrueCount("", 1, 1, DAY, TOMORROW), TrueCount("", 1, 1, TOMORROW)
    assert held(warehouse, Held(), today) == [2]
    assert held(warehouse, Held(), later) == [1]
    assert held(warehouse, Held(item="id"), replace(today, items=("2", "3"))) == [1]


def test_a_count_that_the_declaration_cannot_place_is_an_error_and_no_zero(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1]))
    with pytest.raises(ValueError, match=r"shop.things: the second count is of some items"):
        held(warehouse, Held(), TrueCount("", 1, 1, items=("1",)))
    timeless = replace(TABLE, event_time=None, events_may_stop=None)
    with pytest.raises(ValueError, match="no column says when a row happened"):
        held(warehouse, Held(), TrueCount("", 1, 1, DAY), table=timeless)


def test_a_table_of_the_platform_is_replaced_whole_with_its_comments(warehouse: DuckDBWarehouse) -> None:
    columns = (Column("name", ColumnType.VARCHAR, "Its name"), Column("share", ColumnType.DOUBLE, "A share"))
    warehouse.replace_platform_table("coverage", "What is held", columns, {"name": ["a", "b"], "share": [0.5, None]})
    warehouse.replace_platform_table("coverage", "What is held", columns, {"name": ["c"], "share": [None]})
    with warehouse.read() as connection:
        assert connection.execute("SELECT * FROM platform.coverage").fetchall() == [("c", None)]
        comment = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'coverage'").fetchone()
    assert comment == ("What is held",)
    with pytest.raises(duckdb.Error):
        warehouse.replace_platform_table("coverage", "What is held", columns, {"name": ["d"], "share": ["no number"]})
    with warehouse.read() as connection:
        assert connection.execute("SELECT name FROM platform.coverage").fetchall() == [("c",)]
