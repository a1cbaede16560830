"""A model by months whose start lies within one: SQLMesh deploys that month whole, and restates it with the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oso_dagster.sqlmesh_assets import sqlmesh_definitions
from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow

ROWS = "SELECT day::TEXT, events FROM marts.by_month ORDER BY day"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Comparison]:
    with compared("months", tmp_path) as comparison:
        comparison.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT * FROM"
            " (VALUES (1, DATE '2026-01-03'), (2, DATE '2026-01-20'), (3, DATE '2026-02-01')) AS t(id, day)"
        )
        yield comparison


def _deployed(case: Comparison) -> dict[str, int]:
    result = case.materialize()
    assert result.success, result.error
    case.plan()
    return dict(case.sql(ROWS))


def test_each_month_is_a_partition_also_that_of_the_start_and_gives_sqlmesh_s_rows(case: Comparison) -> None:
    before = _deployed(case)
    assert set(before) == {"2026-01-03", "2026-01-20", "2026-02-01"}  # the month of the start is computed whole
    job = sqlmesh_definitions(case.project).resolve_job_def("sqlmesh_backfill_month")
    assert job.partitions_def is not None
    assert job.partitions_def.get_partition_keys()[:2] == ["2026-01", "2026-02"]
    case.sql("INSERT INTO raw.events VALUES (4, DATE '2026-02-01')")
    done = case.launch("sqlmesh_backfill_month", partition_key="2026-02")
    assert done.success, done.error
    case.plan(restate_models=["marts.by_month"], start="2026-02-01", end="2026-02-28")
    after = before | {"2026-02-01": 2}
    assert dict(case.sql(ROWS)) == after
    case.sql("INSERT INTO raw.events VALUES (5, DATE '2026-01-03'), (6, DATE '2026-03-04')")
    done = case.launch("sqlmesh_backfill_month", partition_key="2026-01")
    assert done.success, done.error
    case.plan(restate_models=["marts.by_month"], start="2026-01-01", end="2026-02-28")
    assert dict(case.sql(ROWS)) == after | {"2026-01-03": 2}, "no later month than the next one"


def test_the_month_of_the_start_is_computed_again_with_the_next_one(case: Comparison) -> None:
    before = _deployed(case)
    case.sql("INSERT INTO raw.events VALUES (4, DATE '2026-01-03')")
    alone = {"models": ["marts.by_month"], "start": "2026-01-01", "end": "2026-02-01"}
    done = case.launch("sqlmesh_restate", run_config={"ops": {"restate_sqlmesh": {"config": alone}}})
    assert done.success, done.error
    case.plan(restate_models=["marts.by_month"], start="2026-01-01", end="2026-02-28")
    assert dict(case.sql(ROWS)) == before | {"2026-01-03": 2}


def test_a_day_of_what_a_model_reads_computes_the_month_of_the_start_too(case: Comparison) -> None:
    daily = (
        "MODEL (name marts.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day)); SELECT day::DATE AS day, id FROM raw.events"
    )
    case.write("models/daily.sql", f"{daily} WHERE day BETWEEN @start_date AND @end_date")
    case.replace("models/by_month.sql", "raw.events", "marts.daily")
    before = _deployed(case)
    case.sql("INSERT INTO raw.events VALUES (4, DATE '2026-01-20')")
    done = case.launch("sqlmesh_backfill_day", partition_key="2026-01-20")
    assert done.success, done.error
    case.plan(restate_models=["marts.daily"], start="2026-01-01", end="2026-02-28")
    assert dict(case.sql(ROWS)) == before | {"2026-01-20": 2}
