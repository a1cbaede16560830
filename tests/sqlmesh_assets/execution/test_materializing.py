"""What the wrapper does when models are materialized: fresh data, failures, subsets, and what it tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from oso_dagster.sqlmesh_assets import attempt_metadata
from oso_dagster.sqlmesh_assets.execution.model_graph import to_compute
from tests.sqlmesh_assets.playground import Playground

ALL = {"staging.stg_things", "staging.stg_others", "marts.sizes", "marts.total", "marts.others"}


Reports = dict[str, dict[str, Any]]


@dataclass
class Outcome:
    """What the event log holds of one run; a failed step's events too, which the in-process result leaves out."""

    result: dg.ExecuteInProcessResult
    reports: Reports = field(default_factory=dict)
    materialized: dict[str, dg.AssetMaterialization] = field(default_factory=dict)
    checks: list[dg.AssetCheckEvaluation] = field(default_factory=list)

    @property
    def outcomes(self) -> dict[str, str]:
        return {model: report[attempt_metadata.OUTCOME] for model, report in self.reports.items()}


def run(playground: Playground, *models: str) -> Outcome:
    """Materialize, and read the log; fails when a model was told of twice."""
    result = playground.materialize(*models)
    outcome = Outcome(result)
    for entry in playground.instance.all_logs(result.run_id):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION:
            record(outcome, event.asset_observation_data.asset_observation)
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            outcome.materialized[".".join(event.asset_key.path)] = materialization
            if attempt_metadata.OUTCOME in materialization.metadata:
                record(outcome, materialization)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            outcome.checks.append(event.asset_check_evaluation_data)
    return outcome


def record(outcome: Outcome, event: dg.AssetObservation | dg.AssetMaterialization) -> None:
    name = ".".join(event.asset_key.path)
    assert name not in outcome.reports
    outcome.reports[name] = {key: value.value for key, value in event.metadata.items()}


def message(outcome: Outcome) -> str:
    failure = outcome.result.failure_data_for_node("sqlmesh")
    assert failure is not None
    assert failure.user_failure_data is not None
    return failure.user_failure_data.description or ""


def test_every_model_is_materialized_with_its_attempt_and_its_checks(playground):
    result = run(playground)
    assert result.result.success
    assert set(result.materialized) == ALL
    assert result.outcomes == dict.fromkeys(ALL, attempt_metadata.OK)
    report = result.reports["marts.total"]
    assert set(report) >= {attempt_metadata.OUTCOME, attempt_metadata.CAUSE, attempt_metadata.STARTED, attempt_metadata.ENDED}
    assert report[attempt_metadata.STARTED] <= report[attempt_metadata.ENDED]
    evaluations = result.checks
    assert len(evaluations) == 7
    assert all(evaluation.passed for evaluation in evaluations)
    assert result.materialized["marts.sizes"].metadata["dagster/row_count"].value == 2
    assert "dagster/row_count" not in result.materialized["staging.stg_things"].metadata
    assert playground.locked == ["MainThread"]


def test_data_that_landed_on_the_same_day_is_in_the_marts_after_the_next_materialization(playground):
    assert playground.materialize().success
    assert playground.sql("SELECT total FROM marts.total") == [(3,)]
    playground.sql("UPDATE raw.things SET size = 5 WHERE id = 1")
    assert playground.materialize().success
    assert playground.sql("SELECT total FROM marts.total") == [(7,)]


def test_a_subset_computes_only_what_was_chosen(playground):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 3); INSERT INTO raw.others VALUES (8)")
    result = run(playground, "marts.sizes")
    assert result.outcomes == {"marts.sizes": attempt_metadata.OK}
    assert playground.sql("SELECT COUNT(*) FROM marts.sizes") == [(3,)]
    assert playground.sql("SELECT COUNT(*) FROM marts.others") == [(1,)]
    assert playground.sql("SELECT total FROM marts.total") == [(3,)]


def test_a_subset_of_a_project_that_is_not_deployed_is_refused_with_the_way_out(playground):
    result = run(playground, "marts.sizes")
    assert not result.result.success
    error = result.result.failure_data_for_node("sqlmesh").error
    assert "Materialize all models once" in str(error)
    assert result.reports == {}


def test_a_changed_model_is_deployed_and_what_reads_it_is_computed_anew(playground):
    playground.materialize()
    playground.write("marts.sizes", "FULL", "not_null(columns := id)", "SELECT id, size * 10 AS size FROM staging.stg_things")
    playground.sql("INSERT INTO raw.things VALUES (3, 3)")
    result = run(playground)
    assert result.result.success
    assert result.outcomes == dict.fromkeys(ALL, attempt_metadata.OK)
    assert playground.sql("SELECT total FROM marts.total") == [(60,)]


def test_a_change_is_not_deployed_on_top_of_a_model_that_just_failed(playground):
    playground.materialize()
    playground.write("marts.others", "FULL", "not_null(columns := id)", "SELECT id * 2 AS id FROM staging.stg_others")
    playground.sql("INSERT INTO raw.others VALUES (NULL)")
    result = run(playground)
    assert result.outcomes["staging.stg_others"] == attempt_metadata.FAILED
    assert result.outcomes["marts.others"] == attempt_metadata.SKIPPED_UPSTREAM
    assert result.outcomes["marts.total"] == attempt_metadata.OK
    assert "the deployment was held back, nothing of it is visible: staging.stg_others failed" in message(result)
    assert playground.sql("SELECT id FROM marts.others") == [(7,)]


def test_a_blocking_audit_fails_its_model_and_skips_what_reads_it_and_spares_the_others(playground):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 1000); INSERT INTO raw.others VALUES (8)")
    result = run(playground)
    assert not result.result.success
    assert result.outcomes == dict.fromkeys(ALL, attempt_metadata.OK) | {
        "marts.sizes": attempt_metadata.FAILED,
        "marts.total": attempt_metadata.SKIPPED_UPSTREAM,
    }
    assert set(result.materialized) == ALL - {"marts.sizes", "marts.total"}
    assert result.reports["marts.total"][attempt_metadata.CAUSE] == "not computed: marts.sizes failed"
    blocking = [check for check in result.checks if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR]
    assert [check.asset_key.path[-1] for check in blocking] == ["sizes"]
    assert blocking[0].metadata["count"].value == 1
    assert "audit small found 1 row" in result.reports["marts.sizes"][attempt_metadata.CAUSE]
    assert "'size': '1000'" in message(result)
    assert "not materialized because of that: marts.total" in message(result)
    assert playground.sql("SELECT COUNT(*) FROM marts.others") == [(2,)]


def test_the_next_materialization_after_a_failure_heals(playground):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    assert not playground.materialize().success
    playground.sql("UPDATE raw.things SET size = 3 WHERE id = 3")
    result = run(playground)
    assert result.outcomes == dict.fromkeys(ALL, attempt_metadata.OK)
    assert playground.sql("SELECT total FROM marts.total") == [(6,)]


def test_a_warning_audit_is_a_yellow_check_and_stops_nothing(playground):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 50)")
    result = run(playground)
    assert result.result.success
    failed = [check for check in result.checks if not check.passed]
    assert [(check.asset_key.path[-1], check.severity) for check in failed] == [("sizes", dg.AssetCheckSeverity.WARN)]
    assert failed[0].metadata["count"].value == 1
    assert failed[0].metadata["sample"].value == [{"id": "3", "size": "50"}]
    assert "10" in failed[0].metadata["query"].value


def test_a_query_that_fails_names_the_engines_error(playground):
    playground.materialize()
    playground.sql("DROP TABLE raw.others")
    result = run(playground)
    assert result.outcomes["staging.stg_others"] == attempt_metadata.FAILED
    assert "others" in result.reports["staging.stg_others"][attempt_metadata.CAUSE]
    assert result.outcomes["marts.others"] == attempt_metadata.SKIPPED_UPSTREAM
    assert result.outcomes["marts.total"] == attempt_metadata.OK


def test_a_model_whose_table_cannot_be_made_fails_with_its_own_error(playground):
    """SQLMesh makes the table of an incremental model before it computes the first interval."""
    kind = "INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', end '2026-01-02'"
    playground.write("marts.days", kind, "", "SELECT CAST(@end_date AS DATE) AS day, nowhere(id) AS id FROM marts.others")
    playground.write("marts.late", "FULL", "", "SELECT id FROM marts.days")
    result = run(playground)
    assert {name for name, outcome in result.outcomes.items() if outcome == "failed"} == {"marts.days"}
    assert "nowhere" in result.reports["marts.days"]["attempt_cause"]
    assert "marts.days: " in message(result)
    assert "marts.days failed" in result.reports["marts.late"]["attempt_cause"]


def test_a_deployment_that_fails_promotes_nothing_and_reports_no_materialization(playground):
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    result = run(playground)
    assert not result.result.success
    assert set(result.materialized) == set()
    reports = result.reports
    assert reports["marts.sizes"][attempt_metadata.OUTCOME] == attempt_metadata.FAILED
    assert {report[attempt_metadata.OUTCOME] for model, report in reports.items() if model != "marts.sizes"} == {
        attempt_metadata.SKIPPED_UPSTREAM
    }
    assert "held back" in reports["marts.others"][attempt_metadata.CAUSE]
    assert "marts.sizes" in reports["marts.others"][attempt_metadata.CAUSE]
    assert "the deployment was held back, nothing of it is visible: marts.sizes failed" in message(result)


def test_a_unit_test_that_fails_stops_the_deployment(playground):
    tests = playground.root / "project" / "tests"
    tests.mkdir()
    (tests / "test_total.yaml").write_text(
        "total_is_a_sum:\n  model: marts.total\n  inputs:\n    marts.sizes: {rows: [{id: 1, size: 2}]}\n"
        "  outputs: {query: {rows: [{total: 99}]}}\n"
    )
    result = run(playground)
    assert not result.result.success
    assert "total_is_a_sum" in str(result.result.failure_data_for_node("sqlmesh").error)
    assert result.reports["marts.total"][attempt_metadata.OUTCOME] == attempt_metadata.FAILED
    assert {report[attempt_metadata.OUTCOME] for model, report in result.reports.items() if model != "marts.total"} == {
        attempt_metadata.SKIPPED_UPSTREAM
    }


def test_a_unit_test_is_run_again_when_it_or_a_model_above_it_is_another(playground):
    tests = playground.root / "project" / "tests"
    tests.mkdir()
    sizes = "sizes_stay:\n  model: marts.sizes\n  inputs:\n    staging.stg_things: {rows: [{id: 1, size: 2}]}\n"
    (tests / "test_sizes.yaml").write_text(f"{sizes}  outputs: {{query: {{rows: [{{id: 1, size: 2}}]}}}}\n")
    others = "others_stay:\n  model: marts.others\n  inputs:\n    staging.stg_others: {rows: [{id: 1}]}\n"
    (tests / "test_others.yaml").write_text(f"{others}  outputs: {{query: {{rows: [{{id: 1}}]}}}}\n")

    def passes() -> dict[str, bool]:
        tested = [check for check in run(playground).checks if check.check_name.startswith("unit_test_")]
        assert all(check.passed for check in tested)
        return {check.check_name.removeprefix("unit_test_"): check.description is not None for check in tested}

    assert passes() == {"sizes_stay": False, "others_stay": False}
    playground.write(
        "staging.stg_others", "FULL", "not_null(columns := id)", "SELECT CAST(id + 1 AS BIGINT) AS id FROM raw.others"
    )
    assert passes() == {"sizes_stay": True, "others_stay": False}
    (tests / "test_sizes.yaml").write_text(f"{sizes}  outputs: {{query: {{rows: [{{id: 1, size: 99}}]}}}}\n")
    playground.write(
        "staging.stg_others", "FULL", "not_null(columns := id)", "SELECT CAST(id + 2 AS BIGINT) AS id FROM raw.others"
    )
    failed = [check.check_name for check in run(playground).checks if not check.passed]
    assert failed == ["unit_test_sizes_stay"]
    (kept,) = playground.root.glob("cache/sqlmesh/passed_unit_tests-*.json")
    kept.write_text("[")  # what is not whole says nothing
    (tests / "test_sizes.yaml").write_text(f"{sizes}  outputs: {{query: {{rows: [{{id: 1, size: 2}}]}}}}\n")
    assert passes() == {"sizes_stay": False, "others_stay": False}


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [((), {"a", "b", "c"}), (("a", "b", "c"), set()), (("b",), {"a", "b", "c"}), (("a", "b"), {"c"}), (("a",), {"b", "c"})],
)
def test_a_model_is_spared_only_when_all_above_it_was_computed_just_now(fresh, expected):
    assert to_compute({"a": [], "b": ["a"], "c": ["b"]}, fresh) == expected
