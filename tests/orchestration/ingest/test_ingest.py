"""One table = one asset = one op: a sick table says why, keeps its old rows, and never fails its siblings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from oso_dagster.domain.catalogue.source import Retries, Source
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue
from tests.conftest import FUNDING
from tests.support.repository import GAMMA, Repository, empty_repository

PROJECTS = dg.AssetKey(["oss_directory", "projects"])
COLLECTIONS = dg.AssetKey(["oss_directory", "collections"])
GRANTS = dg.AssetKey(["oss_funding", "funding_data"])
LOCAL = {"oss_directory", "oss_funding"}
"""The sources whose upstreams the fixtures make; the others would ask the internet."""


def small() -> tuple[Source, ...]:
    return tuple(source for source in catalogue() if source.name in {"oss_directory", "oss_funding"})


def without_retries() -> tuple[Source, ...]:
    quick = Retries(limit=0, delay=timedelta(0))
    return tuple(replace(s, tables=tuple(replace(t, retries=quick) for t in s.tables)) for s in catalogue() if s.name in LOCAL)


def run(settings: Settings, instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    assets = ingest_assets(settings, without_retries())
    ops = {key.to_python_identifier(): {"config": config} for key in (PROJECTS, COLLECTIONS, GRANTS)} if config else {}
    return dg.materialize(assets, instance=instance, raise_on_error=False, run_config={"ops": ops})


def materialized(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, dg.AssetMaterialization]:
    return {event.asset_key: event.materialization for event in result.get_asset_materialization_events() if event.asset_key}


def errors(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    failed = [event for event in result.all_events if event.is_step_failure]
    return {str(event.step_key): str(event.step_failure_data.error.cause or event.step_failure_data.error) for event in failed}


def counts(settings: Settings) -> dict[str, int]:
    with warehouse_of(settings).read() as connection:
        rows = connection.execute(
            "SELECT 'projects', count(*) FROM oss_directory.projects UNION ALL "
            "SELECT 'collections', count(*) FROM oss_directory.collections UNION ALL "
            "SELECT 'funding_data', count(*) FROM oss_funding.funding_data"
        ).fetchall()
    return dict(rows)


ALL = {"projects": 3, "collections": 2, "funding_data": 4}


def test_every_table_materializes_with_its_facts(
    settings: Settings, instance: dg.DagsterInstance, repository: Repository
) -> None:
    result = run(settings, instance)
    assert result.success
    metadata = materialized(result)[PROJECTS].metadata
    assert counts(settings) == ALL
    assert metadata["dagster/row_count"].value == metadata["rows_loaded"].value == 3
    assert metadata["commit_sha"].value == repository.git("rev-parse", "HEAD")
    assert metadata["committed_at"].value
    assert metadata["load_id"].value
    assert metadata["duration_seconds"].value > 0
    assert metadata["world"].value == "live"
    assert metadata["rows_of_nested_tables"].value["projects__github"] == 2
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations() if check.asset_key == PROJECTS} == {
        "arrived": True,
        "columns_present": True,
        "values_fit": True,
        "primary_key": True,
        "not_shrunk": True,
        "few_set_aside": True,
        "not_vanished": True,
        "schema": True,
        "row_count_band": True,
        "set_aside": True,
        "upstream_notice": True,
    }


def test_an_unchanged_upstream_is_a_materialization_with_the_same_data_version(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    first, second = materialized(run(settings, instance)), materialized(run(settings, instance))
    assert second.keys() == first.keys() == {PROJECTS, COLLECTIONS, GRANTS}
    for key, after in second.items():
        assert after.metadata["unchanged"].value is True
        assert after.metadata["load_id"].value == first[key].metadata["load_id"].value
        assert (after.tags or {})["dagster/data_version"] == (first[key].tags or {})["dagster/data_version"]
    assert counts(settings) == ALL


def test_a_changed_upstream_changes_the_rows_and_the_data_version(
    settings: Settings, instance: dg.DagsterInstance, repository: Repository
) -> None:
    first = materialized(run(settings, instance))[PROJECTS]
    repository.commit({"data/projects/d/delta.yaml": GAMMA.replace("gamma", "delta")})
    second = materialized(run(settings, instance))[PROJECTS]
    assert counts(settings)["projects"] == 4
    assert (second.tags or {})["dagster/data_version"] != (first.tags or {})["dagster/data_version"]


def test_a_load_can_be_forced_although_upstream_is_unchanged(settings: Settings, instance: dg.DagsterInstance) -> None:
    run(settings, instance)
    assert materialized(run(settings, instance, force=True))[PROJECTS].metadata["unchanged"].value is False


def test_what_upstream_has_and_nobody_declared_is_warned_of_also_when_nothing_has_changed_since(
    settings: Settings, instance: dg.DagsterInstance, repository: Repository
) -> None:
    repository.commit(
        {"data/projects/d/delta.yaml": GAMMA.replace("gamma", "delta") + "colour: red\nnpm:\n- url: x\n  tier: 1\n"}
    )
    for unchanged in (False, True):
        result = run(settings, instance)
        assert materialized(result)[PROJECTS].metadata["unchanged"].value is unchanged
        (evaluation,) = [
            check for check in result.get_asset_check_evaluations() if (check.asset_key, check.check_name) == (PROJECTS, "schema")
        ]
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "oss_directory.projects: upstream has columns that are not declared: projects.colour (VARCHAR), npm.tier" in (
            evaluation.description or ""
        )
        assert materialized(result)[PROJECTS].metadata["unknown_fields"].value == ["projects.colour (VARCHAR)", "npm.tier"]
    with warehouse_of(settings).read() as connection:
        assert connection.execute("SELECT name, colour FROM oss_directory.projects WHERE colour IS NOT NULL").fetchall() == [
            ("delta", "red")
        ]


@contextmanager
def broken_yaml(repository: Repository, _: Path) -> Iterator[None]:
    repository.commit(
        {"data/projects/b/beta.yaml": "name: beta\nnpm: [\n", "data/projects/x/odd.yaml": "name: odd\ngithub: text\n"}
    )
    yield


@contextmanager
def unreachable(repository: Repository, _: Path) -> Iterator[None]:
    away = repository.path.with_name("away")
    repository.path.rename(away)
    yield
    away.rename(repository.path)


@contextmanager
def emptied(repository: Repository, tmp_path: Path) -> Iterator[None]:
    away = repository.path.with_name("away")
    repository.path.rename(away)
    empty_repository(repository.path)
    yield


@contextmanager
def half_lost(repository: Repository, _: Path) -> Iterator[None]:
    repository.commit({"data/projects/b/beta.yaml": None, "data/projects/g/gamma.yaml": None})
    yield


@contextmanager
def no_files(repository: Repository, _: Path) -> Iterator[None]:
    repository.commit({f"data/projects/{name[0]}/{name}.yaml": None for name in ("alpha", "beta", "gamma")})
    yield


@contextmanager
def changed_header(_: Repository, funding: Path) -> Iterator[None]:
    funding.write_text(FUNDING.replace("amount", "sum", 1))
    yield


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "sick", "words"),
    [
        (
            broken_yaml,
            {"oss_directory__projects"},
            ["2 of 4 files", "data/projects/b/beta.yaml: ", "data/projects/x/odd.yaml: github must be a list", "MAX_BAD_SHARE"],
        ),
        (unreachable, {"oss_directory__projects", "oss_directory__collections"}, ["does not appear", "Check the address"]),
        (emptied, {"oss_directory__projects", "oss_directory__collections"}, ["is empty", "right repository"]),
        (half_lost, {"oss_directory__projects"}, ["1 rows would replace 3; at least 3 (80%)", "allow_shrink: true"]),
        (no_files, {"oss_directory__projects"}, ["no file data/projects"]),
        (
            changed_header,
            {"oss_funding__funding_data"},
            ["the header has changed: no column amount", "Change the source's declared columns"],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_fails_its_asset_by_name_keeps_the_old_rows_and_spares_the_siblings(
    settings: Settings,
    instance: dg.DagsterInstance,
    repository: Repository,
    funding: Path,
    fault: Callable[[Repository, Path], Any],
    sick: set[str],
    words: list[str],
) -> None:
    assert run(settings, instance).success
    with fault(repository, funding):
        result = run(settings, instance)
    assert not result.success
    messages = errors(result)
    assert messages.keys() == sick
    for step, message in messages.items():
        assert step.replace("__", ".", 1) in message
        assert all(word in message for word in words), message
    assert {key.to_python_identifier() for key in materialized(result)} == {
        "oss_directory__projects",
        "oss_directory__collections",
        "oss_funding__funding_data",
    } - sick
    assert counts(settings) == ALL


def test_a_refused_load_shows_which_check_refused_it(
    settings: Settings, instance: dg.DagsterInstance, repository: Repository
) -> None:
    run(settings, instance)
    with half_lost(repository, Path()):
        run(settings, instance)
    checks = [dg.AssetCheckKey(PROJECTS, name) for name in ("arrived", "not_shrunk")]
    shown = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert {key.name: record.status.value for key, record in shown.items()} == {"arrived": "SUCCEEDED", "not_shrunk": "FAILED"}
    assert run(settings, instance, allow_shrink=True).success
    assert counts(settings)["projects"] == 1


def test_a_stated_share_of_bad_files_may_be_left_out_and_is_named(
    make_settings: Callable[..., Settings], instance: dg.DagsterInstance, repository: Repository
) -> None:
    settings = make_settings(OSO_OSS_DIRECTORY_MAX_BAD_SHARE="0.25")
    repository.commit({"data/projects/x/odd.yaml": "name: [odd\n"})
    metadata = materialized(run(settings, instance))[PROJECTS].metadata
    (named,) = metadata["rejected_files"].value
    assert named.startswith("data/projects/x/odd.yaml: ")
    assert counts(settings)["projects"] == 3


def test_a_permanent_error_is_not_retried_and_a_passing_one_is_within_bounds(
    settings: Settings, instance: dg.DagsterInstance, repository: Repository
) -> None:
    eager = Retries(limit=2, delay=timedelta(0))
    sources = [replace(s, tables=tuple(replace(t, retries=eager) for t in s.tables)) for s in catalogue() if s.name in LOCAL]
    assets = ingest_assets(settings, sources)
    with unreachable(repository, Path()):
        result = dg.materialize(assets, instance=instance, raise_on_error=False, selection=[PROJECTS])
    assert sum(event.is_step_up_for_retry for event in result.all_events) == 2
    repository.commit({f"data/projects/x/{name}.yaml": "name: [odd\n" for name in ("odd", "odder")})
    result = dg.materialize(assets, instance=instance, raise_on_error=False, selection=[PROJECTS])
    assert sum(event.is_step_up_for_retry for event in result.all_events) == 0
    assert result.success is False


def test_no_secret_reaches_the_event_log(
    make_settings: Callable[..., Settings], instance: dg.DagsterInstance, repository: Repository
) -> None:
    settings = make_settings(OSO_OSS_DIRECTORY_TOKEN="t0ps3cret", OSO_OSS_DIRECTORY_URL="https://127.0.0.1:9/t0ps3cret.git")
    result = run(settings, instance)
    assert not result.success
    log = "".join(str(record) for record in instance.all_logs(result.run_id))
    assert "127.0.0.1:9" in log
    assert "t0ps3cret" not in log
