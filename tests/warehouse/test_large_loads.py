"""Loads of more rows than are judged at a time: the same answers, and no more memory."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import ROWS_ADDED, ROWS_CHANGED, ROWS_REMOVED, Extract, RefusedError
from oso_dagster.domain.catalogue.source import Column, ColumnType
from oso_dagster.warehouse.arrow_schemas import gathered
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from oso_dagster.warehouse.guards import _GROUPED
from tests.support.clock import clock
from tests.warehouse.shop import SOURCE, TABLE

MANY = _GROUPED + 20_000
NARROW = replace(
    TABLE,
    columns=(Column("id", ColumnType.BIGINT, "the key", nullable=False), Column("n", ColumnType.BIGINT, "a number")),
    children=(),
    event_time=None,
    events_may_stop=None,
)


def extract(ids: list[int], n: int) -> Extract:
    rows = pa.table({"id": pa.array(ids, pa.int64()), "n": pa.array([n] * len(ids), pa.int64())})
    return Extract("v1", {"things": rows.to_batches(max_chunksize=50_000)})


def test_keys_that_stand_twice_among_many_rows_are_named_and_nothing_is_published(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", world="live", cache=tmp_path, lock_timeout_seconds=5, clock=clock)
    ids = list(range(MANY))
    with pytest.raises(RefusedError) as refusal:
        warehouse.load(SOURCE, NARROW, extract([*ids, 3, MANY - 1, 3], 1), fingerprint="f")
    assert sorted(re.findall(r"id = (\d+) (\d) times", str(refusal.value))) == [(str(MANY - 1), "2"), ("3", "3")]
    first = warehouse.load(SOURCE, NARROW, extract(ids, 1), fingerprint="f")
    second = warehouse.load(SOURCE, NARROW, extract([*ids[1:], MANY], 2), fingerprint="f")
    counts = [[loaded.record.facts[name] for name in (ROWS_ADDED, ROWS_CHANGED, ROWS_REMOVED)] for loaded in (first, second)]
    assert counts == [[MANY, 0, 0], [1, MANY - 1, 1]]


def test_batches_are_put_together_only_where_their_columns_are_the_same() -> None:
    plain, wider = pa.table({"id": [1]}), pa.table({"id": [2], "n": [3]})
    assert [table.to_pylist() for table in gathered([plain, plain.to_batches()[0], wider, plain])] == [
        [{"id": 1}, {"id": 1}],
        [{"id": 2, "n": 3}],
        [{"id": 1}],
    ]
    empty = plain.slice(0, 0)
    assert [table.schema for table in gathered([empty, empty])] == [empty.schema], "a table without rows is one all the same"
