"""A source that is retired: no job, no schedule, no promise, no objective; its rows stay, and only force asks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import dagster as dg

from oso_dagster.domain.catalogue.source import Retired
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.orchestration import labels
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules, partition_tags
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.objectives.evaluator import measured_assets
from oso_dagster.settings import Settings
from tests.orchestration.ingest.test_partitions import KEY, days, load, shop, windows

RETIRED = Retired(date(2026, 1, 8), "the shop has closed")


def test_a_retired_source_keeps_its_rows_and_is_not_asked(settings: Settings, instance: dg.DagsterInstance) -> None:
    tags = partition_tags(windows("2026-01-07"))
    assert load(settings, instance, shop(), tags).success
    closed = replace(shop(), retired=RETIRED)
    result = load(settings, instance, closed, tags)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "Shop is retired since 2026-01-08: the shop has closed. Its rows are kept" in str(failed.step_failure_data)
    assert days(settings) == ["2026-01-07"]


def test_a_retired_source_has_no_job_no_schedule_and_no_promise_and_its_assets_say_so(settings: Settings) -> None:
    closed = replace(shop(), retired=RETIRED)
    assert jobs_of(closed) == ()
    assert ingest_schedules(settings, [closed]) == []
    assert measured_assets([closed, shop()], []) != {}
    assert measured_assets([closed], []) == {}
    (asset,) = ingest_assets(settings, [closed])
    spec = asset.specs_by_key[KEY]
    assert spec.freshness_policy is None
    assert spec.tags[labels.RETIRED_TAG] == "2026-01-08"
    assert "Retired since 2026-01-08: the shop has closed" in (spec.description or "")
