"""A model by months whose start lies within one: SQLMesh deploys that month whole, and restates it with the next one only."""

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


def test_no_partition_lies_before_the_start_and_each_gives_sqlmesh_s_rows(case: Comparison) -> None:
    result = case.materialize()
    assert result.success, result.error
    case.plan()
    before = dict(case.sql(ROWS))
    assert set(before) == {"2026-01-03", "2026-01-20", "2026-02-01"}  # the month of the start is computed whole
    job = sqlmesh_definitions(case.project).resolve_job_def("sqlmesh_backfill_month")
    assert job.partitions_def is not None
    assert job.partitions_def.get_first_partition_key() == "2026-02"
    case.sql("INSERT INTO raw.events VALUES (4, DATE '2026-02-01')")
    done = case.launch("sqlmesh_backfill_month", partition_key="2026-02")
    assert done.success, done.error
    case.plan(restate_models=["marts.by_month"], start="2026-02-01", end="2026-02-28")
    assert dict(case.sql(ROWS)) == before | {"2026-02-01": 2}


def test_the_month_of_the_start_is_computed_again_with_the_next_one(case: Comparison) -> None:
    case.materialize()
    case.plan()
    before = dict(case.sql(ROWS))
    case.sql("INSERT INTO raw.events VALUES (4, DATE '2026-01-03')")
    alone = {"models": ["marts.by_month"], "start": "2026-01-01", "end": "2026-02-01"}
    refused = case.launch("sqlmesh_restate", run_config={"ops": {"restate_sqlmesh": {"config": alone}}})
    assert not refused.success
    assert "no model has an interval" in refused.error
    both = alone | {"end": "2026-03-01"}
    done = case.launch("sqlmesh_restate", run_config={"ops": {"restate_sqlmesh": {"config": both}}})
    assert done.success, done.error
    case.plan(restate_models=["marts.by_month"], start="2026-01-01", end="2026-02-28")
    assert dict(case.sql(ROWS)) == before | {"2026-01-03": 2}
