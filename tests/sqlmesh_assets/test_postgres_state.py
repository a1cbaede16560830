"""SQLMesh's state in a real PostgreSQL, and the lock of an environment there: held by the process that works, gone with it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import psycopg2
import pytest

from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.upkeep.upgrading import upgrade_sqlmesh
from oso_dagster.sqlmesh_assets.environment_lock import EnvironmentLockedError, environment_lock
from oso_dagster.sqlmesh_assets.project import Project
from tests.sqlmesh_assets.execution.test_materializing import ALL, run
from tests.support.postgres import empty

pytestmark = pytest.mark.server

HOLD = (
    "import sys, time\n"
    "from oso_dagster.orchestration.models.project_place import project_of\n"
    "from oso_dagster.sqlmesh_assets.environment_lock import environment_lock\n"
    "from oso_dagster.settings import read_settings\n"
    "from oso_dagster.sources import catalogue\n"
    "with environment_lock(project_of(read_settings(catalogue())), 'prod'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(600)\n"
)


@pytest.fixture
def settings(postgres_server, make_settings):
    return make_settings(OSO_SQLMESH_STATE_URL=empty(postgres_server))


def test_models_are_deployed_and_computed_with_their_state_in_postgresql(playground, settings):
    playground.state = settings.sqlmesh_state
    assert set(run(playground).materialized) == ALL
    playground.sql("INSERT INTO raw.things VALUES (3, 3)")
    assert set(run(playground, "marts.sizes").materialized) == {"marts.sizes"}
    playground.write("marts.total", "FULL", "not_null(columns := total)", "SELECT COUNT(*) AS total FROM marts.sizes")
    assert run(playground).result.success
    assert playground.sql("SELECT total FROM marts.total") == [(3,)]
    assert not list(playground.root.glob("state.duckdb*"))
    assert list((playground.root / "cache").glob("locks/*")) == []


def test_a_second_run_waits_and_the_lock_dies_with_a_killed_holder(settings):
    project = replace(project_of(settings), lock_timeout_seconds=0.6)
    holder = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with environment_lock(project, "dev"):
            pass
        with pytest.raises(EnvironmentLockedError, match="environment prod"), environment_lock(project, "prod"):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with environment_lock(replace(project, lock_timeout_seconds=30), "prod"):
        pass


def test_a_lock_that_is_let_go_is_free_at_once_also_after_an_error(settings):
    project = replace(project_of(settings), lock_timeout_seconds=5)
    with pytest.raises(ZeroDivisionError), environment_lock(project, "prod"):
        1 / 0  # noqa: B018
    begun = time.monotonic()
    with environment_lock(project, "prod"):
        assert time.monotonic() - begun < project.lock_timeout_seconds


def test_a_server_that_cannot_be_reached_is_an_error_without_the_password(settings, tmp_path):
    state = {"type": "postgres", "host": str(tmp_path), "port": 5432, "user": "u", "password": "hunter2", "database": "d"}
    project = Project(tmp_path, "here", "duckdb", tmp_path, connections={"state_connection": state})
    with pytest.raises(psycopg2.OperationalError) as caught, environment_lock(project, "prod"):
        pass
    assert "hunter2" not in f"{caught.value}{project!r}"


def test_the_state_can_be_upgraded_where_it_lies(settings):
    assert upgrade_sqlmesh(settings) == "SQLMesh's state is up to date"


def test_the_settings_are_read_into_sqlmeshs_words_and_the_password_is_a_secret(make_settings):
    settings = make_settings(OSO_SQLMESH_STATE_URL="postgresql+psycopg2://o%40so:hunt%2Fer2@db:6543/state?sslmode=require")
    assert settings.sqlmesh_state == {
        "type": "postgres", "host": "db", "port": 6543, "user": "o@so", "password": "hunt/er2", "database": "state",
        "sslmode": "require",
    }  # fmt: skip
    assert "hunt" not in repr(settings) + repr(project_of(settings))
    assert settings.sqlmesh_state_url.get_secret_value() in settings.secrets()
