"""A warehouse in a file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb", world="sandbox", cache=tmp_path / "cache", lock_timeout_seconds=10, clock=clock)
