"""`oso doctor` on real stores: what is well, what is not made yet, and each thing that can be wrong with its next step."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy import text
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.cli.session.instance import enter
from oso_dagster.orchestration.diagnosis.configured import libraries
from oso_dagster.orchestration.diagnosis.finding import Finding, Question, State, worst
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.orchestration.watch import heartbeats
from oso_dagster.reliability.database import VERSION_TABLE, Database
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest

Rows = list[dict[str, str]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the manifest of the models, which takes seconds to build."""
    cache = tmp_path_factory.mktemp("cache")
    load_manifest(replace(project_of(read_settings(catalogue())), cache=cache))
    return cache


@pytest.fixture
def _own_home(settings: Settings, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(manifest, settings.cache_dir)
    monkeypatch.setenv("DAGSTER_HOME", "")


def doctor(*options: str, code: int) -> Rows:
    result = CliRunner().invoke(app, ["doctor", "--json", "--no-upstreams", *options])
    assert result.exit_code == code, result.output
    rows: Rows = json.loads(result.output[result.output.index("[") :])
    return rows


def row_of(rows: Rows, question: str, subject: str) -> dict[str, str]:
    [row] = [row for row in rows if (row["question"], row["subject"]) == (question, subject)]
    return row


@pytest.mark.usefixtures("_own_home")
def test_where_nothing_was_made_yet_nothing_is_wrong_and_nothing_is_made(settings: Settings) -> None:
    rows = doctor(code=0)
    off = {row["subject"] for row in rows if row["state"] == "off"}
    assert {"reliability store", "warehouse", "SQLMesh's state", "Dagster's instance", "status page"} <= off
    assert {path.name for path in settings.world_dir.iterdir()} <= {"cache"}


@pytest.mark.usefixtures("_own_home")
def test_a_ledger_of_an_older_version_is_an_error_until_it_is_migrated(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, settings.world.value) as store, store.database.writing() as connection:
        newest = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    row = row_of(doctor(code=1), "migrated", "reliability store")
    assert (row["state"], row["next_step"]) == ("error", "run `oso migrate`")
    assert "0001" in row["text"]
    with _database(settings) as database, database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{newest}'"))
    assert row_of(doctor(code=0), "migrated", "reliability store")["state"] == "ok"


@pytest.mark.usefixtures("_own_home")
def test_a_ledger_of_another_world_is_an_error(settings: Settings) -> None:
    Store.open(settings.reliability_store_url, "sandbox" if settings.world.value == "live" else "live").close()
    row = row_of(doctor(code=1), "configured", "reliability store")
    assert row["state"] == "error"
    assert "OSO_WORLD=" in row["next_step"]


@pytest.mark.usefixtures("_own_home")
def test_a_database_that_is_away_is_one_finding_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_RELIABILITY_URL", "postgresql+psycopg2://keeper:hunter2@127.0.0.1:1/ledger")
    rows = doctor(code=1)
    row = row_of(rows, "reachable", "reliability store")
    assert row["state"] == "error"
    assert "start it" in row["next_step"]
    assert "hunter2" not in json.dumps(rows)
    assert row_of(rows, "configured", "code location")["state"] == "ok"


@pytest.mark.usefixtures("_own_home")
def test_a_warehouse_that_a_run_holds_is_a_warning_after_a_few_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oso_dagster.orchestration.diagnosis.stores._PATIENCE_SECONDS", 0.2)
    warehouse_of(settings).ensure_tables(())
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with warehouse_of(settings).lock():
            held.set()
            done.wait(60)

    worker = threading.Thread(target=hold)
    worker.start()
    held.wait(60)
    try:
        row = row_of(doctor(code=0), "reachable", "warehouse")
    finally:
        done.set()
        worker.join()
    assert (row["state"], row["next_step"]) == ("warning", "ask again when the run is done")
    assert row_of(doctor(code=0), "reachable", "warehouse")["state"] == "ok"


@pytest.mark.usefixtures("_own_home")
def test_silent_daemons_switched_off_schedules_and_silent_watchers_are_named(settings: Settings) -> None:
    now = datetime.now(UTC)
    with _instance(settings) as instance:
        for name in instance.get_required_daemon_types():
            late = timedelta(minutes=10 if name == "SENSOR" else 0)
            instance.add_daemon_heartbeat(DaemonHeartbeat((now - late).timestamp(), name, "test", []))
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        heartbeats.beat(store, heartbeats.ALERTS, now - timedelta(hours=3))
        heartbeats.beat(store, heartbeats.WATCH, now)
        store.channels.open("pages", "print", now)
        store.channels.disable("pages", "404: the webhook is gone", now)
    rows = doctor("--problems", code=1)
    assert row_of(rows, "alive", "daemon: sensor")["text"].startswith("silent for 10 min")
    assert row_of(rows, "alive", heartbeats.ALERTS)["text"] == "silent for 3 h"
    assert "oso alerts test" in row_of(rows, "alive", "channel pages")["next_step"]
    subjects = {row["subject"] for row in rows}
    assert heartbeats.WATCH not in subjects
    assert "daemon: scheduler" not in subjects


@pytest.mark.usefixtures("_own_home")
def test_a_run_that_works_for_a_day_is_named_with_its_job(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with _instance(settings) as instance:
        instance.create_run_for_job(dg.GraphDefinition("endless", node_defs=[]).to_job(), status=dg.DagsterRunStatus.STARTED)
    assert row_of(doctor(code=0), "alive", "runs")["text"] == "1 started"
    monkeypatch.setattr("oso_dagster.orchestration.diagnosis.running._LONG_RUN", timedelta(0))
    time.sleep(0.01)
    assert "terminate it" in row_of(doctor(code=0), "alive", "run of endless")["next_step"]


def test_libraries_of_other_versions_than_the_lock_are_named(tmp_path: Path) -> None:
    (lock := tmp_path / "requirements.lock").write_text(
        "duckdb==0.0.1 \\\n    --hash=sha256:0\ndagster==0.0.2 ; python_version > '3'\n"
    )
    [finding] = libraries(lock)
    assert finding.state is State.WARNING
    assert "not 0.0.1" in finding.text
    assert "not 0.0.2" in finding.text
    assert [finding.state for finding in libraries(tmp_path / "none")] == [State.OFF]
    assert [finding.state for finding in libraries()] == [State.OK]


def test_what_needs_a_person_says_the_next_step() -> None:
    with pytest.raises(ValueError, match="needs a next step"):
        Finding(Question.ALIVE, "page", State.ERROR, "gone")
    rows = [Finding(Question.ALIVE, "page", state, "", "do") for state in (State.OFF, State.WARNING)]
    assert worst(rows) is State.WARNING
    assert worst([]) is State.OK


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    enter(settings)
    with dg.DagsterInstance.get() as instance:
        yield instance


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.reliability_store_url)) as database:
        yield database
