"""Runs that end with `oso dev` or with the sandbox world are no failures; those that end otherwise are."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psutil
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.alerts.dagster_state import failed_jobs
from oso_dagster.orchestration.labels import STOPPED_TAG
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.stopped_runs import mark_stopped
from oso_dagster.orchestration.objectives.open_evaluator import up_to_date
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox import process
from oso_dagster.sandbox.process import Server
from oso_dagster.settings import Settings, World
from tests.orchestration.shop import fail, load

LABELS = {"shop/things": Label.CORE, "shop/prices": Label.CORE}


@pytest.fixture
def outcomes(tmp_path: Path, instance: dg.DagsterInstance) -> Iterator[Callable[[], dict[str, Outcome]]]:
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as store:

        def _outcomes() -> dict[str, Outcome]:
            LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
            return {attempt.asset: attempt.outcome for attempt in store.attempts()}

        yield _outcomes


def run(instance: dg.DagsterInstance, name: str, body: Callable[[], None]) -> None:
    dg.materialize([load(["shop", name], body)], instance=instance, raise_on_error=False)


def test_what_failed_after_the_stop_is_canceled_and_what_failed_before_it_counts(
    instance: dg.DagsterInstance, outcomes: Callable[[], dict[str, Outcome]]
) -> None:
    run(instance, "things", fail)
    stops = []

    def stopped() -> None:
        time.sleep(0.01)
        stops.append(datetime.now(UTC))
        fail()

    run(instance, "prices", stopped)
    assert len(mark_stopped(instance, stops[0], "`oso dev`")) == 1
    assert outcomes() == {"shop/things": Outcome.FAILED, "shop/prices": Outcome.CANCELED}


def test_what_still_runs_is_marked_when_the_world_that_it_asks_has_ended(
    instance: dg.DagsterInstance, outcomes: Callable[[], dict[str, Outcome]]
) -> None:
    def loses_its_world() -> None:
        assert len(mark_stopped(instance, datetime.now(UTC), "the sandbox world", living=True)) == 1
        raise ConnectionRefusedError("nobody is there")

    run(instance, "things", loses_its_world)
    assert outcomes() == {"shop/things": Outcome.CANCELED}


def test_what_loses_a_sandbox_that_was_killed_is_canceled_and_what_ended_before_counts(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", world=World.SANDBOX)
    with Store.open(settings.reliability_store_url, "sandbox") as store, subprocess.Popen(["sleep", "300"]) as server:
        folder = settings.sandbox_dir
        process.remember(folder, Server(server.pid, psutil.Process(server.pid).create_time(), 1))

        def outcomes() -> dict[str, Outcome]:
            up_to_date(settings, [], LABELS, store, instance, datetime.now(UTC))
            return {attempt.asset: attempt.outcome for attempt in store.attempts()}

        run(instance, "things", fail)
        assert outcomes() == {"shop/things": Outcome.FAILED}

        def loses_its_world() -> None:
            time.sleep(0.01)
            process.beat(folder, Server(server.pid, psutil.Process(server.pid).create_time(), 1))
            server.kill()
            server.wait()
            fail()

        run(instance, "prices", loses_its_world)
        assert outcomes() == {"shop/things": Outcome.FAILED, "shop/prices": Outcome.CANCELED}


def test_only_what_ran_in_the_named_processes_is_marked(instance: dg.DagsterInstance) -> None:
    stops = []

    def stopped() -> None:
        time.sleep(0.01)
        stops.append(datetime.now(UTC))
        fail()

    run(instance, "things", stopped)
    assert mark_stopped(instance, stops[0], "the command", processes=[1]) == []
    assert len(mark_stopped(instance, stops[0], "the command", processes=[os.getpid()])) == 1


def test_a_job_of_the_platform_that_ended_with_it_is_no_incident(instance: dg.DagsterInstance) -> None:
    @dg.op
    def publish() -> None:
        fail()

    @dg.job(name="publish_status")
    def job() -> None:
        publish()

    job.execute_in_process(instance=instance, raise_on_error=False)
    assert len(failed_jobs(instance)) == 1
    (record,) = instance.get_run_records()
    instance.add_run_tags(record.dagster_run.run_id, {STOPPED_TAG: datetime.now(UTC).isoformat()})
    assert failed_jobs(instance) == []
