"""A file that is held: outside readers are waited for within a bound and named, and none gets in between two connections."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from oso_dagster.warehouse.embedded.writer_lock import LockTimeoutError
from tests.support.clock import clock
from tests.warehouse.shop import SOURCE

pytestmark = pytest.mark.slow

READER = """
import sys, time
import duckdb
path, seconds = sys.argv[1], float(sys.argv[2])
connection = duckdb.connect(path, read_only=True)
print("reading", flush=True)
time.sleep(seconds)
connection.close()
while True:  # as a person at a prompt: again and again
    try:
        duckdb.connect(path, read_only=True).close()
    except duckdb.Error:
        pass
    time.sleep(0.001)
"""


@contextmanager
def outside_reader(path: Path, seconds: float) -> Iterator[int]:
    """Another program that reads for some seconds, then opens and closes the file without a pause; its process id."""
    process = subprocess.Popen([sys.executable, "-c", READER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate(timeout=10)


def warehouse_in(folder: Path, timeout: float) -> DuckDBWarehouse:
    path = folder / "w.duckdb"
    return DuckDBWarehouse(path, world="sandbox", cache=folder / "cache", lock_timeout_seconds=timeout, clock=clock)


def test_who_holds_the_file_waits_for_an_outside_reader_and_lets_none_in_until_the_end(tmp_path: Path) -> None:
    warehouse, path = warehouse_in(tmp_path, 30), tmp_path / "w.duckdb"
    warehouse.ensure_tables([SOURCE])
    with outside_reader(path, 1.0):
        began = time.monotonic()
        with warehouse.held([SOURCE]):
            assert time.monotonic() - began > 0.5
            for _ in range(20):  # as SQLMesh does: it opens and closes the file, without patience
                with duckdb.connect(str(path)) as connection:
                    connection.execute("CREATE OR REPLACE TABLE shop.made AS SELECT 1 AS one")
                time.sleep(0.02)
    assert warehouse.table_rows("shop", "made") == 1


def test_an_outside_reader_that_stays_is_named_with_the_next_step(tmp_path: Path) -> None:
    warehouse_in(tmp_path, 30).ensure_tables([SOURCE])
    impatient = warehouse_in(tmp_path, 0.5)
    with outside_reader(tmp_path / "w.duckdb", 60) as pid, pytest.raises(LockTimeoutError) as caught, impatient.held([SOURCE]):
        pass
    assert f"(PID {pid})" in str(caught.value)
    assert "w.duckdb has been open elsewhere for over 0.5 s" in str(caught.value)
    assert "close it there, and run again" in str(caught.value)


def test_other_files_are_held_too_where_they_exist(tmp_path: Path) -> None:
    warehouse, state = warehouse_in(tmp_path, 0.3), tmp_path / "state.duckdb"
    with warehouse.held([SOURCE], state):
        assert not state.exists()
    duckdb.connect(str(state)).close()
    with outside_reader(state, 60), pytest.raises(LockTimeoutError, match=r"state\.duckdb"), warehouse.held([SOURCE], state):
        pass


def test_readers_of_the_platform_wait_for_the_holder_by_the_lock(tmp_path: Path) -> None:
    warehouse = warehouse_in(tmp_path, 30)
    warehouse.ensure_tables([SOURCE])
    other = (
        "import sys\nfrom tests.warehouse.embedded.test_held import warehouse_in\nfrom pathlib import Path\n"
        "print(warehouse_in(Path(sys.argv[1]), 30).table_rows('shop', 'made'))"
    )
    with warehouse.held([SOURCE]):
        reader = subprocess.Popen([sys.executable, "-c", other, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        assert reader.poll() is None
        with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
            connection.execute("CREATE TABLE shop.made AS SELECT 1 AS one")
    assert reader.communicate(timeout=30)[0] == "1\n"
