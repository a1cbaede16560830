"""The standing process: a store that is away, kill -9, a machine that sleeps. Nothing counts twice, nothing unmeasured counts."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.domain.probes.heartbeat import HEARTBEAT
from oso_dagster.domain.probes.slices import SLICE
from oso_dagster.probes.process import instants
from oso_dagster.reliability.store import Store
from tests.probes.scripted import MINUTE, NAME, PROBE, SERVICE, Service, flapping, measure
from tests.support.postgres import empty

BEGIN = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def counts(url, end=BEGIN + timedelta(days=3)):
    with Store.open(url, "live") as store:
        return [
            (sample.count.at, sample.count.good, sample.count.valid) for sample in store.samples.all(SERVICE, NAME, BEGIN, end)
        ]


def test_checks_are_spread_evenly_in_a_slice_and_two_probes_do_not_ask_at_once():
    first, other = (
        instants(HttpProbe(name=name, objective=PROBE.objective, url="http://a.example"), BEGIN) for name in ("one", "two")
    )
    assert [later - before for before, later in pairwise(first)] == [timedelta(seconds=20)] * 2
    assert first[0] >= BEGIN
    assert first[-1] < BEGIN + SLICE
    assert first[0] != other[0]


@pytest.mark.server
def test_a_store_that_is_away_gets_every_slice_once_when_it_answers_again(tmp_path, postgres_server):
    url = empty(postgres_server)
    name, messages = make_url(url).database, []
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")

    def command(*statements):
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def away(at):
        if at == instants(PROBE, BEGIN + 10 * MINUTE)[0]:
            ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            command(ended, f"ALTER DATABASE {name} RENAME TO {name}_away")
        if at == instants(PROBE, BEGIN + 20 * MINUTE)[0]:
            command(f"ALTER DATABASE {name}_away RENAME TO {name}")
        return False

    measure(url, tmp_path, Service(away), BEGIN, 30 * MINUTE, messages)
    admin.dispose()
    assert counts(url) == [(BEGIN + number * MINUTE, 1, 1) for number in range(1, 31)]
    assert [line.partition(",")[0] for line in messages[:1]] == ["the store is away"]
    assert messages[1].startswith("the store answers again: 10 spooled slices")
    assert not (tmp_path / "spool.jsonl").exists()
    with Store.open(url, "live") as store:
        assert [heartbeat.name for heartbeat in store.heartbeats.all()] == [HEARTBEAT]
        [result] = store.probe_results.all()
        assert (result.probe, result.cause) == (PROBE.name, "")


def test_a_store_that_cannot_even_be_opened_is_waited_for(tmp_path):
    blocked = tmp_path / "folder"
    blocked.write_text("a file where the store's folder should be")

    def away(at):
        if at == instants(PROBE, BEGIN + 5 * MINUTE)[0]:
            blocked.unlink()
        return False

    measure(f"sqlite:///{blocked / 'reliability.db'}", tmp_path, Service(away), BEGIN, 10 * MINUTE, [])
    assert len(counts(f"sqlite:///{blocked / 'reliability.db'}")) == 10


def test_what_a_sleeping_machine_left_out_is_missing_and_the_rest_is_judged_as_ever(tmp_path):
    url = f"sqlite:///{tmp_path / 'reliability.db'}"

    def sleeps(at):
        if at == instants(PROBE, BEGIN + 5 * MINUTE)[0]:
            asyncio.get_running_loop()._now += 600
        return False

    measure(url, tmp_path, Service(sleeps), BEGIN, 30 * MINUTE, [])
    minutes = [(at - BEGIN) // MINUTE for at, _, _ in counts(url)]
    assert minutes == [1, 2, 3, 4, 5, *range(16, 31)]


@pytest.mark.slow
def test_kill_9_at_any_time_leaves_no_slice_that_counts_twice_or_that_nobody_measured(tmp_path):
    url = f"sqlite:///{tmp_path / 'reliability.db'}"
    for lines, begin in ((7, BEGIN), (130, BEGIN), (250, BEGIN + timedelta(seconds=30))):
        command = [sys.executable, "-m", "tests.probes.scripted", url, str(tmp_path), begin.isoformat(), "3000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            for _ in range(lines):
                assert process.stdout.readline()
            process.kill()
    counted = counts(url)
    times = [at for at, _, _ in counted]
    assert times == [BEGIN + number * MINUTE for number in range(1, len(times) + 1)]
    assert len(times) > 35
    assert all(valid == 1 for _, _, valid in counted)
    judged_bad = {at for at, good, _ in counted if not good}
    assert judged_bad == {at for at in times if flapping(at - MINUTE)}
    with Store.open(url, "live") as store:
        [tally] = store.samples.tally(SERVICE, NAME, BEGIN, BEGIN + timedelta(days=3))
    assert tally.valid == len(times)
