"""What many tests start from: settings in a folder of their own, a small directory repository, a Dagster instance."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.defs_state import base as defs_state
from sqlalchemy import Pool, event

from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue
from tests.campaign import matrix
from tests.support.postgres import postgres
from tests.support.repository import Repository, small_directory

FUNDING = """to_project_name,amount,funding_date,from_funder_name,grant_pool_name,metadata,file_path
alpha,1500.5,2024-02-05,stellar,scf-23,"{""application_name"": ""Alpha, the first""}",data/funders/stellar/uploads/scf-23.csv
,200.0,2024-01-24,stellar,scf-23,{},data/funders/stellar/uploads/scf-23.csv
beta,50.0,2024-03-01,optimism,retro-1,{},data/funders/optimism/uploads/retro-1.csv
beta,50.0,2024-03-01,optimism,retro-1,{},data/funders/optimism/uploads/retro-1.csv
"""


pytest_plugins = ("tests.support.plugins.fast_share", "tests.support.plugins.guard")

SLOWEST = (
    "campaign/test_campaign_odd.py", "campaign/test_campaign_even.py", "tests/test_platform.py", "execution/test_killed.py",
    "alerting/test_campaign.py", "upgrade/test_old_home.py",
)  # fmt: skip


@event.listens_for(Pool, "checkout")
def _do_not_wait_for_the_disk(connection: Any, *_: Any) -> None:
    """What SQLite writes in a test must outlive processes, no power cut; to make a Dagster instance takes a hundred commits."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: next((place for place, name in enumerate(SLOWEST) if item.path.match(name)), len(SLOWEST)))


def pytest_collection_finish() -> None:
    """What is imported by now stays: looking for garbage after each test need not look at it."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the fault campaign found, when it ran."""
    outcomes = matrix.reported_cases(report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, ()))
    if outcomes:
        terminalreporter.section("fault campaign: what each source did with each fault")
        terminalreporter.write_line("\n".join(matrix.lines(outcomes)))


_entered: list[None] = []
"""One for each instance that was entered since garbage was looked for."""
_enter_storage = defs_state.set_defs_state_storage


def _noticed(storage: Any) -> Any:
    _entered.append(None)
    return _enter_storage(storage)


defs_state.set_defs_state_storage = _noticed  # what every instance calls that is entered


@pytest.fixture(autouse=True)
def _no_instance_of_another_test() -> None:
    """An instance that nobody closed puts back, whenever it is collected, the state storage of a dead one: collect it now.

    Only after a test that entered some: in a run of all tests, looking through all that is alive takes a fifth of a second.
    """
    if _entered:
        _entered.clear()
        gc.collect()
        defs_state._current_storage.set(None)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("OSO_", "DAGSTER_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server for all tests that need one and leave it running: each makes an empty database there."""
    with postgres() as url:
        yield url


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A git repository in the format of OSS Directory, with three projects and two collections."""
    return small_directory(tmp_path / "oss-directory")


@pytest.fixture
def funding(tmp_path: Path) -> Path:
    """A funding CSV with a blank project and two equal rows."""
    path = tmp_path / "funding_data.csv"
    path.write_text(FUNDING)
    return path


@pytest.fixture
def make_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Repository, funding: Path
) -> Callable[..., Settings]:
    """Settings read from an environment that points at the small repository and file; keywords override variables."""

    def make(**variables: str) -> Settings:
        defaults = {
            "OSO_HOME": str(tmp_path / "oso home"),
            "OSO_OSS_DIRECTORY_URL": repository.url,
            "OSO_OSS_FUNDING_URL": funding.as_uri(),
            "OSO_LOCK_TIMEOUT_SECONDS": "20",
        }
        for name, value in (defaults | variables).items():
            monkeypatch.setenv(name, value)
        return read_settings(catalogue())

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """The settings without overrides."""
    return make_settings()


@pytest.fixture(scope="session")
def _manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests")


@pytest.fixture
def shared_manifest(settings: Settings, _manifests: Path) -> None:
    """The manifest of the platform's models is built once for all tests that take this: SQLMesh needs seconds for it."""
    settings.cache_dir.mkdir(parents=True)
    (settings.cache_dir / "manifests").symlink_to(_manifests)


@pytest.fixture(scope="session")
def _empty_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an instance on which nothing ran, made once: the schema of its tables takes a quarter of a second."""
    folder = tmp_path_factory.mktemp("instance")
    with dg.instance_for_test(temp_dir=str(folder)) as made:
        made.get_runs(limit=1)
        made.all_instigator_state()
    return folder


@pytest.fixture
def instance(tmp_path: Path, _empty_instance: Path) -> Iterator[dg.DagsterInstance]:
    """A persistent Dagster instance on SQLite, as `dagster dev` has one."""
    for part in ("history", "schedules"):
        shutil.copytree(_empty_instance / part, tmp_path / part)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:
        yield made
