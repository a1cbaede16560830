"""The maintenance of Iceberg's tables is there in the profile that has them, scheduled, limited and watched; nowhere else."""

from __future__ import annotations

from oso_dagster.domain.due.run_limits import limit_of_job
from oso_dagster.orchestration.alerts.dagster_state import OWN_JOBS
from oso_dagster.orchestration.upkeep import lakehouse_tables as tables
from oso_dagster.orchestration.upkeep.pruning import OWN_JOBS as PRUNED
from oso_dagster.settings import Profile, Settings


def test_only_the_lakehouse_is_maintained() -> None:
    assert tables.lakehouse_assets(Settings(), ()) == []
    assert tables.lakehouse_jobs([]) == []
    assets = tables.lakehouse_assets(Settings(profile=Profile.LAKEHOUSE), ())
    assert [check.name for asset in assets for check in asset.check_specs] == [tables.CHECK]
    jobs = tables.lakehouse_jobs(assets)
    assert [schedule.cron_schedule for schedule in tables.lakehouse_schedules(jobs)] == [tables.CRON]
    assert [job.name for job in jobs] == [tables.JOB]
    assert tables.JOB in OWN_JOBS
    assert tables.JOB in PRUNED
    assert limit_of_job(tables.JOB).promised != limit_of_job("by hand").promised
