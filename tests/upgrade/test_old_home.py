"""A home that a723b27 made opens, migrates and goes on: nothing of its past is lost, and what is published keeps its form."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from oso_dagster.settings import PROJECT_ROOT
from tests.conftest import FUNDING
from tests.support.platform import run
from tests.support.repository import small_directory
from tests.upgrade import surface
from tests.upgrade.make_old_home import DELTA, EPSILON, FIXTURE, SPRINT

pytestmark = pytest.mark.slow

TABLES = ("attempts", "runs", "verdicts", "samples", "maintenance", "sprints", "sprint_events", "assets")
pytestmark = [pytest.mark.server, pytest.mark.slow]

CHANGING = ("sprints", "assets")
"""Rows that evaluation writes anew; the others are only added to."""
LOADS = "SELECT source, table_name, load_id, rows, loaded_at FROM platform.loads"


@dataclass(frozen=True)
class Home:
    """A home, the upstreams that its world asks now, and what commands said."""

    path: Path
    upstreams: dict[str, str]
    columns: dict[str, str]
    """The columns of the store's tables in the older revision, by table."""

    @property
    def world(self) -> Path:
        return self.path / "live"

    def oso(self, *command: str) -> str:
        done = run(list(command), self.path, **self.upstreams, DAGSTER_HOME=str(self.world / "dagster"))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def past(self) -> dict[str, set[Any]]:
        """What must never go: rows of the ledger, loads, Dagster's runs and events."""
        rows: dict[str, set[Any]] = {}
        with closing(sqlite3.connect(self.world / "reliability.db")) as store:
            for table in TABLES:
                rows[table] = set(store.execute(f"SELECT {self.columns[table]} FROM {table}"))
        with closing(sqlite3.connect(self.world / "dagster/history/runs.db")) as runs:
            rows["runs of Dagster"] = set(runs.execute("SELECT run_id, status, pipeline_name FROM runs"))
        with closing(sqlite3.connect(self.world / "dagster/history/runs/index.db")) as index:
            rows["events of Dagster"] = set(index.execute("SELECT id, run_id, dagster_event_type, asset_key FROM event_logs"))
        with duckdb.connect(str(self.world / "warehouse.duckdb"), read_only=True) as warehouse:
            rows["loads"] = set(warehouse.execute(LOADS).fetchall())
        return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The old home, on another machine: its upstreams are elsewhere, and well again, with a fifth project."""
    folder = tmp_path_factory.mktemp("old home")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder / "oso", filter="data")
    repository = small_directory(folder / "oss-directory")
    repository.commit(DELTA | EPSILON)
    (folder / "funding.csv").write_text(FUNDING)
    with closing(sqlite3.connect(folder / "oso/live/reliability.db")) as store:
        columns = {table: [row[1] for row in store.execute(f"PRAGMA table_info({table})")] for table in TABLES}
    return Home(
        folder / "oso",
        {"OSO_OSS_DIRECTORY_URL": repository.url, "OSO_OSS_FUNDING_URL": (folder / "funding.csv").as_uri()},
        {table: ", ".join(names) for table, names in columns.items()},
    )


@pytest.fixture(scope="module")
def before(home: Home) -> dict[str, set[Any]]:
    """Its past, as it was found."""
    return home.past()


@pytest.fixture(scope="module")
def migrated(home: Home, before: dict[str, set[Any]]) -> Iterator[Home]:
    assert home.oso("oso", "migrate").count("up to date") == 3
    return home


@pytest.fixture(scope="module")
def gone_on(migrated: Home) -> Home:
    """One more load, one more transformation, verdicts and the page, after the upgrade."""
    migrated.oso("oso", "run", "ingest_oss_directory", "transform", "evaluate_slos", "publish_status")
    return migrated


def storage(home: Home) -> str:
    return str(yaml.safe_load((home.world / "dagster/dagster.yaml").read_text())["storage"]["custom"]["module"])


def test_the_fixture_is_of_the_older_revision_and_has_a_past(home: Home, before: dict[str, set[Any]]) -> None:
    assert FIXTURE.stat().st_size < 1_000_000
    assert all(before.values()), {name: len(rows) for name, rows in before.items()}
    assert storage(home) == "oso_dagster.orchestration.event_store"


def test_migrating_loses_nothing_and_doing_it_twice_changes_nothing(migrated: Home, before: dict[str, set[Any]]) -> None:
    assert migrated.past() == before
    migrated.oso("oso", "migrate")
    assert migrated.past() == before


def test_the_configuration_of_an_instance_follows_the_modules_that_moved(migrated: Home) -> None:
    assert storage(migrated) == yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())["storage"]["custom"]["module"]


def test_what_was_counted_before_is_counted_after(gone_on: Home, before: dict[str, set[Any]]) -> None:
    report = json.loads(gone_on.oso("oso", "slo", "report", "--json"))
    core = next(objective for objective in report["objectives"] if objective["objective"] == SPRINT)
    assert (core["good"], core["valid"]) == (7, 9)
    after = gone_on.past()
    assert {name: rows - after[name] for name, rows in before.items() if name not in CHANGING and rows - after[name]} == {}
    assert all(len(after[name]) >= len(rows) for name, rows in before.items())
    assert len(after["loads"]) == len(before["loads"]) + 2


def test_a_sprint_goes_on_with_its_history(gone_on: Home) -> None:
    sprint = json.loads(gone_on.oso("oso", "sprint", "show", SPRINT, "--json"))
    text = json.dumps(sprint)
    assert "ada" in text
    assert "the mirror is down" in text
    assert sprint["closed_at"] is None


def test_models_of_the_older_state_are_computed_further(gone_on: Home) -> None:
    with duckdb.connect(str(gone_on.world / "warehouse.duckdb"), read_only=True) as warehouse:
        names = {name for (name,) in warehouse.execute("SELECT project_name FROM marts.projects_v1").fetchall()}
    assert names == {"alpha", "beta", "gamma", "delta", "epsilon"}


def test_a_schedule_that_somebody_stopped_stays_stopped(gone_on: Home) -> None:
    listing = gone_on.oso("dagster", "schedule", "list", "-w", str(PROJECT_ROOT / "workspace.yaml"))
    assert "Schedule: ingest_oss_funding [STOPPED]" in listing
    assert "Schedule: ingest_oss_directory [RUNNING]" in listing


@pytest.mark.parametrize("name", ["reliability_store", "warehouse", "public_json"])
def test_what_is_stored_and_published_keeps_its_form(gone_on: Home, name: str) -> None:
    snapshot = surface.without_new_sources(surface.of_world(gone_on.world)[name])
    assert snapshot == surface.known(name), (
        f"if this is wanted: python -m tests.upgrade.surface {gone_on.world}, and commit the diff"
    )
