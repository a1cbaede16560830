"""A load asks nothing of any network, and takes no setting of dlt's from elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.warehouse.test_truth import SIMPLE, SOURCE

LOAD = """
import sys
from pathlib import Path
import pyarrow as pa
sys.addaudithook(lambda event, arguments: event == "socket.getaddrinfo" and print("asked for", arguments[0]))
from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.warehouse.test_truth import SIMPLE, SOURCE
folder = Path(sys.argv[1])
warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder / "cache", lock_timeout_seconds=10, clock=clock)
for n in (1, 2):
    warehouse.load(SOURCE, SIMPLE, Extract(f"v{n}", {"things": [pa.table({"repository": ["a"], "n": [n]})]}), fingerprint="f")
print("loaded")
"""
ROOT = Path(__file__).parents[2]


def test_a_load_of_the_first_process_reports_to_nobody(tmp_path: Path) -> None:
    output = subprocess.check_output([sys.executable, "-c", LOAD, str(tmp_path)], cwd=ROOT, text=True, timeout=120)
    assert output == "loaded\n"


def test_settings_of_dlt_in_the_environment_mean_nothing_to_a_load(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEMA__NAMING", "direct")  # by which dlt would leave names as they are
    monkeypatch.setenv("LOAD__WORKERS", "none")  # and would fail here
    table = pa.table({"repository": ["a"], "n": [1], "someName": ["x"]})
    loaded = warehouse.load(SOURCE, SIMPLE, Extract("v", {"things": [table]}), fingerprint="f")
    assert loaded.record.facts["unknown_fields"] == ["things.some_name (VARCHAR)"]
