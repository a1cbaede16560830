"""What the wrapper promises beside plain materializing: facts, retries, subsets of a change, locks; and that it stands alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

import oso_dagster.sqlmesh_assets as package
from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sqlmesh_assets.environment_lock import EnvironmentLockedError, environment_lock
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from oso_dagster.sqlmesh_assets.project import Project
from oso_dagster.sqlmesh_assets.reporting.standing_failures import EVALUATED_AT
from tests.sqlmesh_assets.execution.test_materializing import ALL, run
from tests.sqlmesh_assets.playground import Playground

pytestmark = pytest.mark.slow

FOLDER = Path(str(package.__file__)).parent
NEEDS = {"dagster", "sqlmesh", "sqlglot", "pydantic", "filelock", "msgspec", "psycopg2"}


def materialized_in(playground: Playground, run_id: str) -> set[str]:
    entries = playground.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return {".".join(entry.dagster_event.asset_key.path) for entry in entries}


def test_a_model_that_is_up_to_date_is_not_reported_as_materialized(playground):
    playground.recompute_whole = False
    assert set(run(playground).materialized) == ALL
    again = run(playground)
    assert again.result.success
    assert again.materialized == {}
    assert {name: report["sqlmesh/state"] for name, report in again.reports.items()} == dict.fromkeys(ALL, "up to date")


def test_what_a_deployment_does_not_touch_is_reported_once(playground):
    playground.recompute_whole = False
    playground.materialize()
    playground.write("marts.others", "FULL", "not_null(columns := id)", "SELECT id * 2 AS id FROM staging.stg_others")
    result = run(playground)  # it refuses a model that is reported twice
    assert set(result.materialized) == {"marts.others"}
    assert set(result.reports) == ALL


def test_a_project_may_be_named_by_a_relative_path(playground, monkeypatch):
    monkeypatch.chdir(playground.root)
    relative = Project(Path("project"), "here", "duckdb", Path("cache"))
    monkeypatch.chdir("/")
    assert (relative.path, relative.cache) == (playground.root / "project", playground.root / "cache")
    assert load_manifest(relative).models.keys() == ALL


def test_a_warning_stands_while_its_model_is_up_to_date_and_goes_when_its_audit_finds_nothing(playground):
    playground.recompute_whole = False
    playground.sql("INSERT INTO raw.things VALUES (3, 50)")
    (before,) = [check for check in run(playground).checks if not check.passed]
    warned_at = time.time()
    for _ in range(2):
        (again,) = run(playground).checks
        assert (again.check_name, again.severity, again.passed) == (before.check_name, before.severity, False)
        assert again.metadata["sample"] == before.metadata["sample"]
        assert again.metadata[EVALUATED_AT].value <= warned_at
    playground.sql("DELETE FROM raw.things WHERE id = 3")
    playground.recompute_whole = True
    assert all(check.passed for check in run(playground).checks)
    playground.recompute_whole = False
    assert run(playground).checks == []


def test_a_materialization_states_version_environment_intervals_and_rows(playground):
    facts = run(playground).materialized["marts.sizes"].metadata
    assert facts["sqlmesh/environment"].value == "prod"
    assert facts["sqlmesh/version"].value
    assert " to " in facts["sqlmesh/intervals"].value
    assert facts["dagster/row_count"].value == 2


def test_a_failed_model_shows_the_query_it_tried(playground):
    playground.materialize()
    playground.sql("DROP TABLE raw.others")
    failure = playground.materialize().failure_data_for_node("sqlmesh").user_failure_data
    assert "SELECT" in failure.metadata["staging.stg_others"].value


def test_a_subset_runs_on_deployed_code_when_only_others_changed(playground):
    playground.materialize()
    playground.write("marts.others", "FULL", "not_null(columns := id)", "SELECT id * 2 AS id FROM staging.stg_others")
    assert run(playground, "marts.sizes").outcomes == {"marts.sizes": "ok"}
    assert playground.sql("SELECT id FROM marts.others") == [(7,)]


def test_a_changed_model_of_a_subset_is_deployed_with_what_reads_it_when_told_so(playground):
    playground.materialize()
    playground.write("marts.sizes", "FULL", "not_null(columns := id)", "SELECT id, size * 10 AS size FROM staging.stg_things")
    refused = playground.materialize("marts.sizes")
    assert "include_downstream" in str(refused.failure_data_for_node("sqlmesh").error)
    assert playground.sql("SELECT total FROM marts.total") == [(3,)]
    done = dg.materialize(
        [playground.definition()],
        instance=playground.instance,
        selection=[dg.AssetKey(["marts", "sizes"])],
        run_config={"ops": {"sqlmesh": {"config": {"include_downstream": True}}}},
    )
    assert materialized_in(playground, done.run_id) == {"marts.sizes", "marts.total"}
    assert playground.sql("SELECT total FROM marts.total") == [(30,)]


def test_a_retry_runs_only_what_failed_and_what_stood_behind_it(playground):
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    mends = iter(["SELECT 1", "UPDATE raw.things SET size = 3 WHERE id = 3"])
    definition = playground.definition(prepare=lambda: playground.sql(next(mends)), retry_policy=dg.RetryPolicy(max_retries=1))
    result = dg.materialize([definition], instance=playground.instance)
    logs = playground.instance.all_logs(result.run_id)
    events = [entry.asset_observation or entry.asset_materialization for entry in logs]
    observed = [(".".join(event.asset_key.path), event.metadata["attempt_outcome"].value) for event in events if event]
    assert sorted(model for model, outcome in observed if outcome == "ok") == sorted(ALL)
    assert sorted(model for model, outcome in observed if outcome != "ok") == ["marts.sizes", "marts.total"]
    assert playground.sql("SELECT total FROM marts.total") == [(6,)]


def test_a_version_computed_before_its_deployment_was_held_back_is_reported_when_readers_see_it(playground):
    playground.recompute_whole = False
    playground.sql("INSERT INTO raw.things VALUES (3, 1000)")
    assert run(playground).materialized == {}
    playground.sql("UPDATE raw.things SET size = 3 WHERE id = 3")
    result = run(playground)
    assert set(result.materialized) == ALL
    assert result.outcomes == {"marts.sizes": "ok", "marts.total": "ok"} or set(result.outcomes) <= ALL


def test_two_runs_on_one_environment_wait_and_the_lock_names_it(playground):
    project = Project(playground.root, "here", "duckdb", playground.root / "cache", lock_timeout_seconds=0.1)
    with environment_lock(project, "prod"):
        with environment_lock(project, "dev"):
            pass
        with pytest.raises(EnvironmentLockedError, match="environment prod"), environment_lock(project, "prod"):
            pass
    with environment_lock(project, "prod"):
        pass


def test_the_package_imports_nothing_of_the_platform_and_names_it_nowhere():
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | NEEDS, path
        assert "oso" not in path.read_text().lower().replace("close", ""), path


def test_lifted_out_it_wraps_a_project_in_the_lines_of_the_readme(playground, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "lifted" / "bridge", ignore=shutil.ignore_patterns("__pycache__"))
    readme = (PROJECT_ROOT / "README.md").read_text()
    lines = readme.split("```python\n")[1].split("```")[0]
    lines = lines.replace("oso_dagster.sqlmesh_assets", "bridge").replace("my_project", str(tmp_path / "project"))
    check = f"{lines}\nassert len(list(defs.resolve_all_asset_specs())) == 7\nassert defs.resolve_job_def('sqlmesh_restate')"
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path / "lifted", check=True)
