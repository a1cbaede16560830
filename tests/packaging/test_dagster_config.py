"""dagster.yaml and workspace.yaml as Dagster itself reads them."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance, DagsterInvalidConfigError
from dagster._core.instance.config import PoolGranularity

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DAGSTER_HOME that holds the tree's dagster.yaml."""
    folder = tmp_path_factory.mktemp("dagster")
    shutil.copy(ROOT / "dagster.yaml", folder / "dagster.yaml")
    return folder


@pytest.fixture(scope="module")
def instance(home: Path) -> Iterator[DagsterInstance]:
    """The persistent instance that Dagster makes of it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DAGSTER_HOME", str(home))
        with DagsterInstance.from_config(str(home)) as instance:
            yield instance


def test_nothing_about_a_run_leaves_the_machine(instance: DagsterInstance) -> None:
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled


def test_only_crashes_are_run_again(instance: DagsterInstance) -> None:
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    assert not instance.run_retries_retry_on_asset_or_op_failure


def test_a_dead_run_is_noticed_and_gives_its_pools_back(instance: DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_start_timeout_seconds == 180
    assert instance.run_monitoring_poll_interval_seconds == 30
    assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 60


def test_freshness_is_judged(instance: DagsterInstance) -> None:
    assert instance.freshness_enabled


def test_runs_and_pools_are_bounded(instance: DagsterInstance) -> None:
    concurrency = instance.get_concurrency_config()
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 4
    assert concurrency.pool_config.pool_granularity is PoolGranularity.OP
    assert concurrency.pool_config.default_pool_limit == 1


def test_idle_ticks_do_not_pile_up(instance: DagsterInstance) -> None:
    settings = instance.get_settings("retention")
    assert settings["schedule"]["purge_after_days"] == 90
    assert settings["sensor"]["purge_after_days"]["skipped"] == 2


def test_what_steps_print_is_kept_under_dagster_home(instance: DagsterInstance, home: Path) -> None:
    assert Path(instance.storage_directory()).is_relative_to(home)
    kept = instance.compute_log_manager.get_log_data(["run", "compute_logs", "step"])
    assert kept.stdout is None
    assert str(home) in str(instance.compute_log_manager.get_log_metadata(["run", "step"]).stdout_location)


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("run_retries: {enabled: true, max_retrys: 2}\n")
    with pytest.raises(DagsterInvalidConfigError, match="max_retrys"):
        DagsterInstance.from_config(str(tmp_path))


def test_the_workspace_names_the_one_roof() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    [location] = workspace["load_from"]
    assert location["python_module"]["module_name"] == "oso_dagster.definitions"


def test_dg_finds_the_same_location_by_the_same_name() -> None:
    [location] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert project["code_location_target_module"] == location["python_module"]["module_name"]
    assert project["code_location_name"] == location["python_module"]["location_name"]
