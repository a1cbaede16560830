"""The roof: everything is there, labelled, connected, and loading it touches nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from oso_dagster.definitions import build
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.due.run_limits import limit_of_job
from oso_dagster.orchestration.alerts.dagster_state import OWN_JOBS
from oso_dagster.orchestration.ingest.jobs.ingest_definitions import ingest_definitions
from oso_dagster.orchestration.labels import PLATFORM_TAG, SOURCE_TAG
from oso_dagster.settings import PROJECT_ROOT, Settings
from oso_dagster.sources import catalogue
from tests.upgrade.surface import known

LOAD = """
import socket, sys
def refuse(*_): raise AssertionError("loading the definitions opened a connection")
socket.socket.connect = refuse
from oso_dagster.definitions import defs
print(len(list(defs.resolve_all_asset_specs())))
heavy = ("dlt", "sqlmesh", "duckdb", "pyarrow", "pandas", "google.cloud", "trino", "kubernetes", "alembic", "jinja2")
print(*[name for name in heavy if name in sys.modules])
"""


@pytest.fixture
def definitions(settings: Settings, shared_manifest: None) -> dg.Definitions:
    return build(settings)


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs() if not is_stub(spec)}


def is_stub(spec: dg.AssetSpec) -> bool:
    return not spec.tags and not spec.owners


def test_every_asset_says_what_it_is_and_who_owns_it(definitions: dg.Definitions) -> None:
    for name, spec in specs(definitions).items():
        labels = {SOURCE_TAG: spec.tags.get(SOURCE_TAG), PLATFORM_TAG: spec.tags.get(PLATFORM_TAG)}
        assert labels[PLATFORM_TAG] == "true" or labels[SOURCE_TAG] in {"core", "unstable", "sqlmesh"}, name
        assert spec.owners, name
        assert spec.description, name
        assert spec.kinds, name
        assert spec.group_name.split("/")[0] in {"core", "unstable", "sqlmesh", "platform"}, name


def test_every_core_asset_has_a_freshness_policy(definitions: dg.Definitions) -> None:
    core = [spec for spec in specs(definitions).values() if spec.tags.get(SOURCE_TAG) == "core"]
    assert core
    assert all(spec.freshness_policy is not None for spec in core)


def test_everything_is_one_graph_from_raw_tables_to_objectives_and_page(definitions: dg.Definitions) -> None:
    by_name = specs(definitions)
    upstream = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in by_name.items()}
    assert {dep for deps in upstream.values() for dep in deps} <= by_name.keys(), "a model reads a table that nobody lands"
    above: set[str] = set()
    frontier = {"status/page"}
    while frontier:
        above |= frontier
        frontier = {dep for name in frontier for dep in upstream[name]} - above
    retired = {f"{source.name}/{table.name}" for source in catalogue() if source.retired for table in source.tables}
    assert above - retired == by_name.keys() - retired  # what is kept of a retired source may be read


def test_every_schedule_runs_by_default_in_a_stated_time_zone(definitions: dg.Definitions) -> None:
    schedules = definitions.resolve_all_job_defs() and list(definitions.get_repository_def().schedule_defs)
    assert {schedule.job_name for schedule in schedules} >= {
        "ingest_oss_directory",
        "transform",
        "evaluate_slos",
        "publish_status",
    }
    for schedule in schedules:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING, schedule.name
        assert schedule.execution_timezone, schedule.name


def test_the_failure_of_each_scheduled_job_is_an_incident_and_each_has_a_limit_of_its_own(
    definitions: dg.Definitions,
) -> None:
    loads = {job.name for source in catalogue() for job in jobs_of(source)}
    scheduled = {schedule.job_name for schedule in definitions.get_repository_def().schedule_defs}
    assert scheduled - loads - {"transform"} <= OWN_JOBS.keys(), "what makes data is watched by what it makes, the rest by name"
    by_hand = limit_of_job("a job that a person starts")
    assert all(limit_of_job(job) != by_hand for job in scheduled - loads)


def test_no_run_of_a_job_both_loads_and_judges(definitions: dg.Definitions) -> None:
    judging = {
        op.name for checks in definitions.asset_checks or () if isinstance(checks, dg.AssetChecksDefinition) for op in [checks.op]
    }
    assert judging
    jobs = {job.name: {node.name for node in job.nodes} for job in definitions.resolve_all_job_defs()}
    assert jobs["evaluate_slos"] >= judging
    loading = {name for name in jobs if name.startswith("ingest_")} | {"transform", "publish_status"}
    assert len(loading) > 2
    assert {name: jobs[name] & judging for name in loading if jobs[name] & judging} == {}


def test_a_process_that_only_loads_has_the_loading_jobs_of_the_whole_location(
    definitions: dg.Definitions, settings: Settings
) -> None:
    whole = {job.name: job for job in definitions.resolve_all_job_defs()}
    part = {job.name: job for job in ingest_definitions(settings, settings.in_world(catalogue())).resolve_all_job_defs()}
    loading = [name for name in whole if name.startswith("ingest_")]
    assert [name for name in part if not name.startswith("__")] == loading  # Dagster's own are of all its assets
    for name in loading:
        ours, theirs = part[name], whole[name]
        assert ours.get_job_snapshot_id() == theirs.get_job_snapshot_id(), name


def test_loading_needs_no_network_no_secret_and_no_warehouse_and_no_heavy_library(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OSO_HOME": str(tmp_path / "oso")}
    for _ in range(2):  # the first load builds SQLMesh's manifest, the second finds it
        done = subprocess.run(
            [sys.executable, "-c", LOAD], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    count, heavy = (*done.stdout.splitlines(), "")[:2]
    assert int(count) >= sum(line.startswith("asset ") for line in known("definitions"))
    assert heavy == ""
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".duckdb", ".db"}]


@pytest.mark.server
def test_dagster_itself_finds_nothing_wrong_with_the_code_location(tmp_path: Path) -> None:
    environment = {**os.environ, "OSO_HOME": str(tmp_path / "oso"), "DAGSTER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(PROJECT_ROOT / "workspace.yaml")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
