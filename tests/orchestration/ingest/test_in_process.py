"""Runs of the command line stand on Dagster's pages beside those of its schedules."""

from __future__ import annotations

import multiprocessing
import time
from datetime import timedelta
from multiprocessing import Pipe
from typing import Any

import dagster as dg
import pytest
import yaml

from oso_dagster.cli.workers import worker_process
from oso_dagster.domain.due.run_limits import RunLimit
from oso_dagster.orchestration.ingest.jobs.in_process import Runner
from oso_dagster.settings import PROJECT_ROOT


@dg.op
def work() -> None: ...


@dg.job(name="ingest_shop")
def job() -> None:
    work()


def test_a_run_of_a_command_belongs_to_the_code_location_that_dagsters_pages_show(instance: dg.DagsterInstance) -> None:
    (location,) = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"]
    label = f"__repository__@{location['python_module']['location_name']}"
    asked_by_pages = dg.RunsFilter(job_name="ingest_shop", tags={".dagster/repository": label})
    job.execute_in_process(instance=instance)
    assert instance.get_runs(asked_by_pages) == []
    assert Runner(dg.Definitions(jobs=[job]), instance).run("ingest_shop") == []
    assert len(instance.get_runs(asked_by_pages)) == 1


def test_a_run_of_a_command_has_its_maximum_and_is_overdue_after_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[timedelta | None] = []

    @dg.op
    def slow() -> None:
        began = time.monotonic()
        for minutes in (59, 61):
            with monkeypatch.context() as clock:
                clock.setattr(time, "monotonic", lambda later=minutes: began + later * 60)
                seen.append(runner.overdue())

    @dg.job(name="evaluate_slos")
    def evaluate() -> None:
        slow()

    runner = Runner(dg.Definitions(jobs=[evaluate]), instance)
    assert runner.run("evaluate_slos") == []
    assert seen == [None, timedelta(hours=1)]
    assert runner.overdue() is None
    assert instance.get_runs()[0].tags["dagster/max_runtime"] == "3600"
    assert runner.run("evaluate_slos", limit=RunLimit(timedelta(hours=3))) == []
    assert instance.get_runs()[0].tags["dagster/max_runtime"] == str(6 * 3600)


class Overdue:
    """A runner whose run takes longer than its maximum."""

    def __init__(self, failed: Any) -> None:
        self.failed = failed

    def overdue(self) -> timedelta:
        return timedelta(hours=2)

    def fail(self, why: str) -> None:
        self.failed.put(why)


def test_a_worker_whose_run_reaches_its_maximum_fails_it_and_ends(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker_process, "_LOOK_SECONDS", 0.01)
    context = multiprocessing.get_context("fork")
    (ours, theirs), failed = Pipe(), context.SimpleQueue()
    worker = context.Process(target=worker_process._next_order, args=(theirs, Overdue(failed)))
    worker.start()
    worker.join(30)
    ours.close()
    assert worker.exitcode == 1
    assert failed.get() == "the run took longer than its maximum of 2 h"
    assert capfd.readouterr().out.endswith("the run took longer than its maximum of 2 h\n")
