"""Runs of the command line stand on Dagster's pages beside those of its schedules."""

from __future__ import annotations

import dagster as dg
import yaml

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
