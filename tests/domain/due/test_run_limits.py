"""How long runs may take: what is promised of them, and the maximum."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from oso_dagster.domain.catalogue.terms import Cost, Retries
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.due.run_limits import RunLimit, limit_of_job, limit_of_load
from oso_dagster.sources import catalogue
from tests.orchestration.shop import source, table

HOUR = timedelta(hours=1)


def test_a_load_is_promised_its_usual_time_with_every_retry_for_each_partition_and_may_take_twice_that() -> None:
    (job,) = jobs_of(source("shop", replace(table("things"), cost=Cost(1, 1, HOUR), retries=Retries(0))))
    once, twice, many = (limit_of_load(job, partitions) for partitions in (1, 2, 99))
    assert HOUR < once.promised < 1.5 * HOUR
    assert once.maximum == 2 * once.promised
    assert twice.promised == 2 * once.promised
    assert (many.promised, many.maximum) == (6 * HOUR, 12 * HOUR), "it is an incident before it is ended, as any run"


@pytest.mark.parametrize("name", ["transform", "evaluate_slos", "publish_status", "measure_coverage", "sqlmesh_restate"])
def test_every_job_has_a_maximum_and_is_an_incident_well_before_it(name: str) -> None:
    limit = limit_of_job(name)
    assert HOUR <= limit.maximum <= 12 * HOUR
    assert limit.promised <= limit.maximum / 2


def test_no_load_of_the_catalogue_is_ended_before_it_is_an_incident() -> None:
    for each in catalogue():
        for job in jobs_of(each):
            limit = limit_of_load(job)
            assert limit.promised < limit.maximum, job.name


def test_the_shortest_run_may_take_an_hour() -> None:
    assert RunLimit(timedelta(minutes=5)).maximum == HOUR
