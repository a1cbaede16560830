"""When the status page is written: after each evaluation, and when there was none for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.orchestration.status_page.page_asset import PAGE_IS_NEW, status_job, status_schedule, status_sensor


@dg.asset(key=["status", "page"])
def page() -> None:
    """Stands for the page."""


@dg.asset
def objectives() -> None:
    """Stands for what is evaluated."""


EVALUATION = dg.define_asset_job("evaluate_slos", selection=dg.AssetSelection.assets("objectives"))


def definitions(page_job: UnresolvedAssetJobDefinition) -> dg.Definitions:
    return dg.Definitions(assets=[page, objectives], jobs=[page_job, EVALUATION])


def test_an_evaluation_asks_for_one_page_and_twice_asked_it_is_the_same_one(instance: dg.DagsterInstance) -> None:
    job = status_job()
    sensor = status_sensor(job, EVALUATION)
    ran = definitions(job).resolve_job_def("evaluate_slos").execute_in_process(instance=instance)
    context = dg.build_run_status_sensor_context(
        "publish_status_after_evaluation", ran.get_run_success_event(), instance, ran.dagster_run
    )
    asked = [sensor(context) for _ in range(2)]
    assert [request.run_key for request in asked] == [ran.run_id] * 2
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_the_schedule_writes_a_page_only_when_there_is_no_new_one(instance: dg.DagsterInstance) -> None:
    job = status_job()
    schedule = status_schedule(job)

    def tick(at: datetime) -> list[str]:
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=at) as context:
            return [type(request).__name__ for request in schedule.evaluate_tick(context).run_requests or []]

    assert tick(datetime.now(UTC)) == ["RunRequest"]
    definitions(job).resolve_job_def("publish_status").execute_in_process(instance=instance)
    assert tick(datetime.now(UTC)) == []
    assert tick(datetime.now(UTC) + PAGE_IS_NEW + timedelta(minutes=1)) == ["RunRequest"]
