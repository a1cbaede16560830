"""The comparison of two warehouses finds a row that differs, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from oso_dagster.warehouse.lakehouse.parity import compared_tables
from oso_dagster.warehouse.lakehouse.warehouse import LakehouseWarehouse
from tests.support.clock import clock
from tests.warehouse.shop import load, things


@pytest.fixture
def file(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb", world="sandbox", cache=tmp_path / "other", lock_timeout_seconds=10, clock=clock)


def test_equal_loads_are_equal_and_a_row_more_or_another_value_is_shown(
    file: DuckDBWarehouse, warehouse: LakehouseWarehouse, tmp_path: Path
) -> None:
    names = ["shop.things", "shop.things__parts"]
    for each in (file, warehouse):
        load(each, things([1, 2, 3]))
    assert [(r.equal, r.rows) for r in compared_tables(file, warehouse, tmp_path / "w.duckdb", names, 3)] == [
        (True, (3, 3)),
        (True, (3, 3)),
    ]
    load(warehouse, things([1, 2, 3, 4]), version="v2")
    parent, child = compared_tables(file, warehouse, tmp_path / "w.duckdb", names, 3)
    assert (parent.only, child.only, parent.equal) == ((0, 1), (0, 1), False)
    assert parent.examples[0][0] == "trino"
    assert parent.examples[0][1][0] == 4
    (without,) = compared_tables(file, warehouse, tmp_path / "w.duckdb", names[:1], 3, without={"shop.things": "id = 4"})
    assert (without.equal, without.rows) == (True, (3, 3))


def test_a_table_that_one_side_has_not_is_a_difference(
    file: DuckDBWarehouse, warehouse: LakehouseWarehouse, tmp_path: Path
) -> None:
    load(file, things([1]))
    (result,) = compared_tables(file, warehouse, tmp_path / "w.duckdb", ["shop.things"], 3)
    assert not result.equal
    assert "shop" in result.problem
