"""A load is all or nothing, idempotent, guarded, and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.catalogue.source import Disposition, Table
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse, WorldMismatchError
from tests.support.clock import clock
from tests.warehouse.shop import DAY, SOURCE, TABLE, ids, load, things


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
    own = ["platform.coverage", "platform.identity", "platform.loads", "platform.sprints", "platform.verdicts"]
    assert [name for (name,) in tables] == [*own, "shop.things", "shop.things__parts"]


def test_loading_twice_gives_the_same_rows_and_the_record_comes_back_as_written(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things([1, 2]))
    loaded = load(warehouse, things([1, 2]), version="v2")
    assert ids(warehouse) == [1, 2]
    assert ids(warehouse, "things__parts") == [1, 2]
    assert warehouse.last_load("shop", "things") == loaded.record
    changes = {"rows_added": 0, "rows_changed": 0, "rows_removed": 0}
    assert loaded.record.facts == {"sha": "v2", "newest_event": DAY.isoformat()} | changes


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (things([]), "no rows arrived"),
        (things([1, 2, 3]), "3 rows would replace 10; at least 8"),
        (things([1, 1, *range(2, 11)]), "id = 1 2 times"),
        (things([None, *range(2, 11)]), "has no id in 1 rows"),  # type: ignore[list-item]
        (things(range(10)).drop_columns(["wei"]), "columns are missing: things.wei"),
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


def test_a_child_that_loses_most_rows_refuses_the_whole_load(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things(range(20)), parts=4)
    with pytest.raises(RefusedError, match=r"shop.things__parts: 20 rows would replace 80"):
        load(warehouse, things(range(20)), parts=1)


def test_a_person_can_allow_the_shrinking(warehouse: DuckDBWarehouse) -> None:
    load(warehouse, things(range(10)))
    load(warehouse, things([1]), allow_shrink=True)
    assert ids(warehouse) == [1]


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
    table = replace(TABLE, disposition=Disposition.MERGE, keeps_deleted="invented", children=())
    for batch in (things([1, 2]), things([2, 3], at=DAY + timedelta(1))):
        warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f")
    with warehouse.read() as connection:
        rows = connection.execute("SELECT id, seen_at = ? FROM shop.things ORDER BY id", [DAY]).fetchall()
    assert rows == [(1, True), (2, False), (3, False)]


def test_a_partition_that_is_empty_now_loses_its_old_rows_and_no_others(warehouse: DuckDBWarehouse) -> None:
    partitions = Partitions(PartitionKind.DAILY, DAY, due_after=timedelta(days=1))
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
    table = replace(TABLE, disposition=disposition, keeps_deleted="invented", children=())

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


def test_a_file_of_one_world_refuses_another(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    load(warehouse, things([1]))
    other = DuckDBWarehouse(tmp_path / "w.duckdb", world="live", cache=tmp_path / "cache", lock_timeout_seconds=1, clock=clock)
    with pytest.raises(WorldMismatchError, match="'sandbox', not 'live'"):
        load(other, things([2]))


def test_an_extract_without_a_declared_table_is_refused(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(RefusedError, match="things__parts"):
        warehouse.load(SOURCE, TABLE, Extract("v", {"things": [things([1])]}), fingerprint="f")


def test_reading_before_the_first_load_says_so(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(FileNotFoundError, match="nothing has been loaded"), warehouse.read():
        pass
