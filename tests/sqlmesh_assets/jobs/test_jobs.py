"""What is launched by hand beside materializing: restating, backfills, a development environment, the janitor, one check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest
from sqlmesh.core.node import IntervalUnit

from oso_dagster.sqlmesh_assets.jobs.catalogue import sqlmesh_jobs
from oso_dagster.sqlmesh_assets.jobs.model_partitions import UNITS, partitions_of
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from tests.sqlmesh_assets.execution.test_materializing import ALL
from tests.sqlmesh_assets.playground import Playground, played
from tests.sqlmesh_assets.test_wrapper_promises import materialized_in


def incremental(playground: Playground) -> None:
    path = playground.root / "project" / "models" / "marts.days.sql"
    path.write_text(
        "MODEL (name marts.days, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', end '2026-01-05',"
        " owner 'team:data', description 'd', audits (not_null(columns := day)));\n"
        "SELECT CAST(@end_date AS DATE) AS day, CAST(COUNT(*) AS BIGINT) AS things FROM staging.stg_things"
        " GROUP BY CAST(@end_date AS DATE)\n"
    )


def job(playground: Playground, name: str, config: dict | None = None, partition: str | None = None):
    made = {job.name: job for job in sqlmesh_jobs(playground.project, load_manifest(playground.project))}[f"sqlmesh_{name}"]
    return made.execute_in_process(
        run_config={"ops": {f"{name}_sqlmesh": {"config": config or {}}}} if config is not None else {},
        partition_key=partition,
        instance=playground.instance,
        raise_on_error=False,
    )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Playground]:
    """A playground with days, deployed, for tests that change nothing."""
    with played(tmp_path_factory.mktemp("deployed")) as place:
        incremental(place)
        assert place.materialize().success
        yield place


def test_restating_computes_exactly_the_span_and_what_reads_it(playground):
    incremental(playground)
    assert playground.materialize().success
    assert playground.sql("SELECT COUNT(*), MAX(things) FROM marts.days") == [(1, 2)]
    playground.sql("INSERT INTO raw.things VALUES (3, 3)")
    playground.write("marts.others", "FULL", "", "SELECT id * 2 AS id FROM staging.stg_others")
    result = job(playground, "restate", {"models": ["marts.days"], "start": "2026-01-02", "end": "2026-01-03"})
    assert result.success
    assert materialized_in(playground, result.run_id) == {"marts.days"}
    assert playground.sql("SELECT day::VARCHAR, things FROM marts.days ORDER BY day") == [("2026-01-02", 3), ("2026-01-05", 2)]
    assert playground.sql("SELECT id FROM marts.others") == [(7,)]


def test_a_partition_of_the_backfill_job_is_one_interval(playground):
    incremental(playground)
    assert playground.materialize().success
    result = job(playground, "backfill_day", partition="2026-01-03")
    assert result.success
    (entry,) = playground.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    done = entry.dagster_event.step_materialization_data.materialization
    assert done.metadata["sqlmesh/intervals"].value == "2026-01-03T00:00+00:00 to 2026-01-04T00:00+00:00"
    assert done.partition == "2026-01-03"
    assert playground.instance.get_materialized_partitions(dg.AssetKey(["marts", "days"])) == {"2026-01-03"}


def test_a_partition_from_before_a_models_start_computes_the_others(playground):
    incremental(playground)
    later = "INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-04', end '2026-01-05'"
    playground.write("marts.later", later, "", "SELECT CAST(@end_date AS DATE) AS day, COUNT(*) AS n FROM raw.others GROUP BY 1")
    assert playground.materialize().success
    result = job(playground, "backfill_day", partition="2026-01-02")
    assert result.success
    assert materialized_in(playground, result.run_id) == {"marts.days"}


@pytest.mark.parametrize(
    ("unit", "start", "key", "seconds"),
    [
        ("year", "2024-01-01", "2024", 366 * 86_400),
        ("month", "2026-02-01", "2026-02", 28 * 86_400),
        ("day", "2026-01-03", "2026-01-03", 86_400),
        ("hour", "2026-01-03T05:00", "2026-01-03-05:00", 3_600),
        ("half_hour", "2026-01-03T05:30", "2026-01-03-05:30", 1_800),
        ("quarter_hour", "2026-01-03T05:45", "2026-01-03-05:45", 900),
        ("five_minute", "2026-01-03T05:55", "2026-01-03-05:55", 300),
    ],
)
def test_each_interval_unit_of_sqlmesh_is_a_time_partition_of_the_same_length(unit, start, key, seconds):
    definition = partitions_of(unit, datetime.fromisoformat(start).replace(tzinfo=UTC))
    window = definition.time_window_for_partition_key(key)
    assert definition.get_first_partition_key() == key
    assert (window.end - window.start).total_seconds() == seconds
    assert IntervalUnit(unit).seconds == seconds or unit in {"year", "month"}
    assert set(UNITS) == {unit.value for unit in IntervalUnit}


@pytest.mark.parametrize(
    ("unit", "first"),
    [
        ("year", "2024"),
        ("month", "2024-07"),
        ("day", "2024-07-08"),
        ("hour", "2024-07-08-09:00"),
        ("half_hour", "2024-07-08-09:30"),
        ("quarter_hour", "2024-07-08-09:45"),
        ("five_minute", "2024-07-08-09:55"),
    ],
)
def test_the_first_partition_is_the_interval_in_which_the_start_lies(unit, first):
    assert partitions_of(unit, datetime(2024, 7, 8, 9, 59, 30, tzinfo=UTC)).get_first_partition_key() == first


def test_every_job_and_every_field_of_its_configuration_says_what_it_is_for(playground):
    incremental(playground)
    jobs = {job.name: job for job in sqlmesh_jobs(playground.project, load_manifest(playground.project))}
    assert set(jobs) == {f"sqlmesh_{verb}" for verb in ("restate", "deploy", "dev", "janitor", "backfill_day")}
    described = {name: fields(job.nodes[0].definition) for name, job in jobs.items()} | {"": fields(playground.definition().op)}
    assert all(job.description for job in jobs.values())
    assert {name: set(texts) for name, texts in described.items()} == {
        "sqlmesh_restate": {"models", "start", "end"},
        "sqlmesh_dev": {"environment", "models"},
        "sqlmesh_janitor": {"ignore_ttl"},
        "sqlmesh_backfill_day": {"models"},
        "sqlmesh_deploy": {"allow_destructive"},
        "": {"include_downstream"},
    }
    assert all(field.description for texts in described.values() for field in texts.values())
    refused = job(playground, "dev", {"environment": "Not A Name"})
    assert not refused.success


def fields(op: dg.OpDefinition) -> dict[str, dg.Field]:
    return getattr(op.config_field.config_type, "fields", {}) if op.config_field else {}


def test_restating_an_unknown_model_names_it(playground):
    result = job(playground, "restate", {"models": ["marts.nowhere"], "start": "2026-01-02", "end": "2026-01-03"})
    assert "marts.nowhere" in str(result.failure_data_for_node("restate_sqlmesh").user_failure_data.description)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"start": "2026-01-03", "end": "2026-01-03"}, "the end is not included"),
        ({"start": "2020-01-01", "end": "2020-01-02"}, "no model has an interval from 2020-01-01T00:00:00+00:00 until before"),
        ({"start": "yesterday", "end": "2026-01-03"}, "'yesterday' is not a moment"),
        ({"models": [], "start": "2026-01-02", "end": "2026-01-03"}, "models is empty"),
    ],
    ids=["empty span", "before the start", "no date", "no model"],
)
def test_restating_nothing_is_a_failure_that_says_why(deployed, config, reason):
    result = job(deployed, "restate", {"models": ["marts.days"]} | config)
    failure = result.failure_data_for_node("restate_sqlmesh")
    assert reason in (failure.user_failure_data.description if failure.user_failure_data else str(failure.error.cause))


def test_deploying_alone_and_the_janitor_work_and_a_development_environment_reports_no_asset(playground):
    assert materialized_in(playground, job(playground, "deploy").run_id) == ALL
    playground.write("marts.others", "FULL", "not_null(columns := id)", "SELECT id * 2 AS id FROM staging.stg_others")
    tried = job(playground, "dev", {"environment": "dev_x"})
    assert tried.success
    assert materialized_in(playground, tried.run_id) == set()
    assert playground.sql("SELECT (SELECT id FROM marts.others), (SELECT id FROM marts__dev_x.others)") == [(7, 14)]
    assert not job(playground, "dev", {"environment": "prod"}).success
    playground.write("marts.total", "FULL", "not_null(columns := total)", "SELECT CAST(NULL AS BIGINT) AS total FROM marts.sizes")
    broken = job(playground, "dev", {"environment": "dev_x", "models": ["marts.total"]})
    assert "marts.total: audit not_null found" in str(broken.failure_data_for_node("dev_sqlmesh").user_failure_data.description)
    assert job(playground, "janitor", {}).success
    assert playground.sql("SELECT id FROM marts.others") == [(7,)]


def test_a_check_that_is_executed_alone_judges_what_is_deployed_and_computes_nothing(playground):
    incremental(playground)
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 50)")
    assert playground.materialize("marts.sizes").success
    playground.sql("DELETE FROM raw.things")
    (small,) = [key for key in playground.definition().check_keys if key.name == "small_8282472b"]
    days = dg.AssetCheckKey(dg.AssetKey(["marts", "days"]), "not_null")
    result = look(playground, small, days)
    verdicts = {evaluation.asset_check_key: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert verdicts == {small: False, days: True}
    assert materialized_in(playground, result.run_id) == set()
    assert playground.sql("SELECT COUNT(*) FROM marts.sizes") == [(3,)]
    playground.write("marts.new", "FULL", "not_null(columns := id)", "SELECT id FROM marts.sizes")
    failure = look(playground, dg.AssetCheckKey(dg.AssetKey(["marts", "new"]), "not_null")).failure_data_for_node("sqlmesh")
    assert "nothing is computed yet for marts.new" in str(failure.error.cause)


def look(playground: Playground, *checks: dg.AssetCheckKey) -> dg.ExecuteInProcessResult:
    defs = dg.Definitions([playground.definition()], jobs=[dg.define_asset_job("look", dg.AssetSelection.checks(*checks))])
    return defs.resolve_job_def("look").execute_in_process(instance=playground.instance, raise_on_error=False)
