"""Loads of more rows than are judged at a time: the same answers, and no more memory."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import randbytes

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import ROWS_ADDED, ROWS_CHANGED, ROWS_REMOVED, Extract, RefusedError
from oso_dagster.domain.catalogue.source import Column, ColumnType, Disposition
from oso_dagster.warehouse import staging
from oso_dagster.warehouse.arrow_schemas import gathered
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from oso_dagster.warehouse.guards import _GROUPED
from tests.support.clock import clock
from tests.warehouse.shop import DAY, SOURCE, TABLE

MANY = _GROUPED + 20_000
NARROW = replace(
    TABLE,
    columns=(Column("id", ColumnType.BIGINT, "the key", nullable=False), Column("n", ColumnType.BIGINT, "a number")),
    children=(),
    event_time=None,
    events_may_stop=None,
)

WIDE = replace(
    NARROW,
    columns=(*NARROW.columns, Column("at", ColumnType.TIMESTAMP, "when"), Column("text", ColumnType.VARCHAR, "a long one")),
)


def wide_rows(count: int, day: int, width: int) -> Extract:
    """Rows 0 to `count` of a day, each with a text of `width` characters."""
    batches = [
        pa.table(
            {
                "id": pa.array(range(begin, begin + 500), pa.int64()),
                "n": pa.array([day] * 500, pa.int64()),
                "at": pa.array([DAY + timedelta(day)] * 500, pa.timestamp("us", tz="UTC")),
                "text": pa.array([randbytes(width // 2).hex() for _ in range(500)]),
            }
        )
        for begin in range(0, count, 500)
    ]
    return Extract("v", {"things": batches})


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


def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As large a load as the test has is too large for it."""
    for name in ("_MEMORY", "_MORE_MEMORY"):
        monkeypatch.setattr(staging, name, 24 * 2**20)


@pytest.mark.slow
def test_a_merge_of_more_than_fits_in_the_memory_of_a_load_spills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the rows comes again: then DuckDB builds its joins of those that came, not of those that are there."""
    little_memory(monkeypatch)
    wide = replace(WIDE, disposition=Disposition.MERGE, keeps_deleted="invented", newest_by=("at",))
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", world="live", cache=tmp_path, lock_timeout_seconds=5, clock=clock)
    loads = [
        warehouse.load(SOURCE, wide, wide_rows(count, day, 2_000), fingerprint="f") for day, count in ((1, 30_000), (2, 15_000))
    ]
    assert [[loaded.record.facts[name] for name in (ROWS_ADDED, ROWS_CHANGED)] for loaded in loads] == [[30_000, 0], [0, 15_000]]


def test_rows_of_which_few_fit_in_the_memory_of_a_load_have_more_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little_memory(monkeypatch)
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", world="live", cache=tmp_path, lock_timeout_seconds=5, clock=clock)
    loads = [warehouse.load(SOURCE, WIDE, wide_rows(3_000, day, 16_000), fingerprint="f") for day in (1, 2)]
    assert [loaded.record.facts[ROWS_CHANGED] for loaded in loads] == [0, 3_000]


def test_batches_are_put_together_only_where_their_columns_are_the_same() -> None:
    plain, wider = pa.table({"id": [1]}), pa.table({"id": [2], "n": [3]})
    assert [table.to_pylist() for table in gathered([plain, plain.to_batches()[0], wider, plain])] == [
        [{"id": 1}, {"id": 1}],
        [{"id": 2, "n": 3}],
        [{"id": 1}],
    ]
    empty = plain.slice(0, 0)
    assert [table.schema for table in gathered([empty, empty])] == [empty.schema], "a table without rows is one all the same"
