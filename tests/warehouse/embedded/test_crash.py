"""Killed with -9 at any moment: readers see the old table or the new one, and the next run needs no cleaning by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from oso_dagster.warehouse.embedded.writer_lock import LockTimeoutError, hold

pytestmark = pytest.mark.slow

LOADER = """
import sys, time
from pathlib import Path
import pyarrow as pa
from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock
from tests.warehouse.shop import SOURCE, TABLE, things

folder, generation = Path(sys.argv[1]), int(sys.argv[2])
warehouse = DuckDBWarehouse(folder / "w.duckdb", world="sandbox", cache=folder / "cache", lock_timeout_seconds=60, clock=clock)
ids = range(generation * 1_000_000, generation * 1_000_000 + 100_000)
rows = things(ids)
parts = pa.table({"id": rows["id"], "n": rows["id"]})
print("ready", flush=True)
warehouse.load(SOURCE, TABLE, Extract(str(generation), {"things": [rows], "things__parts": [parts]}), fingerprint="f")
print("done", flush=True)
"""


def start(folder: Path, generation: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LOADER, str(folder), str(generation)], stdout=subprocess.PIPE, text=True)


def generations(folder: Path) -> set[tuple[int, int, int]]:
    """(generation, rows) as a reader sees them, of the parent, the child and the record."""
    with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as connection:
        query = """
            SELECT id // 1000000, count(*) FROM shop.things GROUP BY 1
            UNION ALL SELECT id // 1000000, count(*) FROM shop.things__parts GROUP BY 1
            UNION ALL SELECT version::INT, (rows->>'things')::INT FROM
                (SELECT version, rows FROM platform.loads ORDER BY loaded_at DESC LIMIT 1)
        """
        return set(connection.execute(query).fetchall())


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def test_a_load_killed_at_any_moment_leaves_the_old_rows_or_the_new_ones_and_heals_by_itself(tmp_path: Path) -> None:
    first = start(tmp_path, 1)
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    began = time.monotonic()
    assert finish(first) == 0
    span = time.monotonic() - began
    current = 1
    for step in range(8):
        process = start(tmp_path, step + 2)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(span * (step + 0.5) / 8)
        process.send_signal(signal.SIGKILL)
        finish(process)
        seen = generations(tmp_path)
        assert seen in ({(current, 100_000)}, {(step + 2, 100_000)})
        ((current, _),) = seen
    assert finish(start(tmp_path, 99)) == 0
    assert generations(tmp_path) == {(99, 100_000)}


def test_a_second_writer_waits_for_the_first_instead_of_failing(tmp_path: Path) -> None:
    processes = [start(tmp_path / name, 1) for name in "a"]
    assert [finish(process) for process in processes] == [0]
    writers = [start(tmp_path / "a", 2), start(tmp_path / "a", 3)]
    outcomes = sorted(finish(writer) for writer in writers)
    # The same table twice at once: one of them is told so, or they follow each other; the rows are those of one load.
    assert outcomes in ([0, 0], [0, 1])
    assert generations(tmp_path / "a") in ({(2, 100_000)}, {(3, 100_000)})


def test_a_writer_waits_while_somebody_reads(tmp_path: Path) -> None:
    assert finish(start(tmp_path, 1)) == 0
    reader = duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True)
    writer = start(tmp_path, 2)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(1.5)
    assert writer.poll() is None
    reader.close()
    assert finish(writer) == 0
    assert generations(tmp_path) == {(2, 100_000)}


HOLDER = """
import sys, time
from pathlib import Path
from oso_dagster.warehouse.embedded.writer_lock import hold
with hold(Path(sys.argv[1]), 10):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_dies_with_its_process_and_names_what_to_do_while_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LockTimeoutError, match=r"w.duckdb has been locked .* `fuser w.duckdb.lock`"), hold(path, 0.2):
        pass
    holder.kill()
    holder.communicate(timeout=10)
    with hold(path, 5), hold(path, 5):
        assert path.with_name("w.duckdb.lock").exists()
