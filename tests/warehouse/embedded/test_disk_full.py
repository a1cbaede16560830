"""A disk that is full while a load is published: its error says so, and readers see the old rows."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.warehouse.shop import SOURCE
from tests.warehouse.test_truth import SIMPLE, stored


def load(warehouse: DuckDBWarehouse, rows: int, first: int) -> None:
    names = [f"{first}-{number}-{number * 7919 % 104729:x}" for number in range(rows)]
    batch = pa.table({"repository": names, "n": pa.array([first] * rows, pa.int64())})
    warehouse.load(SOURCE, SIMPLE, Extract(f"v{first}", {"things": [batch]}), fingerprint="f")


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """A stand-in for a full disk: inside the block the system refuses to let a file grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_error_of_a_full_disk_is_told_and_not_that_of_the_rollback_behind_it(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, 1_000, 1)
    write = DuckDBWarehouse.write

    @contextmanager
    def on_a_full_disk(this: DuckDBWarehouse, *arguments: Any) -> Iterator[None]:
        with no_file_beyond(600_000), write(this, *arguments):
            yield

    monkeypatch.setattr(DuckDBWarehouse, "write", on_a_full_disk)
    with pytest.raises(duckdb.Error, match="Could not write file"):
        load(warehouse, 60_000, 2)
    monkeypatch.undo()
    assert set(stored(warehouse).values()) == {1}
    load(warehouse, 1_000, 3)
    assert set(stored(warehouse).values()) == {3}, "once there is space, the next load is as ever"
