"""`oso run`: it ends on a signal, wherever it is, and says what became of each job."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from oso_dagster.cli.workers.job_list import PartitionRequest
from oso_dagster.cli.workers.worker_pool import WorkersDiedError, started, work
from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.settings import PROJECT_ROOT
from tests.support.platform import BIN, environment, left_running

PATIENCE_SECONDS = 120
NOBODY = "http://127.0.0.1:9/"


def _hang_up() -> None:
    """Heed a closed terminal: the tests themselves may run under `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def running(home: Path, *jobs: str) -> Iterator[subprocess.Popen[str]]:
    """`oso run`, with a source that nobody answers for: its step fails, and waits for its next try."""
    process = subprocess.Popen(
        [str(BIN / "oso"), "run", *jobs],
        env=environment(home, OSO_WORLD="live", OSO_OSS_FUNDING_URL=NOBODY),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_hang_up,  # noqa: PLW1509  (no thread runs here)
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def runs(home: Path) -> dict[str, str]:
    with closing(sqlite3.connect(home / "live" / "dagster" / "history" / "runs.db")) as connection:
        return dict(connection.execute("SELECT pipeline_name, status FROM runs").fetchall())


def await_retry(home: Path) -> None:
    """Wait until the run stands in the pause before its step's next try."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(map(retrying, (home / "live" / "dagster" / "history" / "runs").glob("*-*.db"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def retrying(log: Path) -> bool:
    with closing(sqlite3.connect(log)) as connection, suppress(sqlite3.OperationalError):  # its tables are being made
        return bool(connection.execute("SELECT 1 FROM event_logs WHERE dagster_event_type = 'STEP_UP_FOR_RETRY'").fetchall())
    return False


@pytest.mark.server
def test_a_signal_ends_it_in_the_pause_before_a_retry_and_cancels_the_run(tmp_path):
    with running(tmp_path, "ingest_oss_funding") as process:
        await_retry(tmp_path)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, output
    assert left_running(tmp_path) == []
    assert runs(tmp_path) == {"ingest_oss_funding": "CANCELED"}


@pytest.mark.server
def test_the_run_of_a_worker_that_does_not_end_in_time_is_marked_as_no_failure(tmp_path):
    with running(tmp_path, "ingest_oss_funding") as process:
        await_retry(tmp_path)
        (worker,) = psutil.Process(process.pid).children()
        worker.suspend()
        process.send_signal(signal.SIGHUP)  # its terminal is closed
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, output
    assert left_running(tmp_path) == []
    assert runs(tmp_path) == {"ingest_oss_funding": "FAILURE"}
    with closing(sqlite3.connect(tmp_path / "live" / "dagster" / "history" / "runs.db")) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM run_tags")}
    assert STOPPED_TAG in keys


@pytest.mark.server
def test_a_worker_that_is_killed_fails_its_job_by_name(tmp_path):
    with running(tmp_path, "ingest_oss_funding") as process:
        await_retry(tmp_path)
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1, output
    assert output.splitlines()[-1] == "failed: ingest_oss_funding: its process ended with -9: it printed nothing"
    assert left_running(tmp_path) == []


def test_jobs_that_nobody_is_left_to_run_are_named(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with started(2) as workers, pytest.raises(WorkersDiedError) as raised:
        work(workers, {"transform": frozenset()}, PartitionRequest(datetime.now(UTC), 1), board=None)
    assert str(raised.value) == "transform cannot be run: its process ended with 1: it printed nothing"
