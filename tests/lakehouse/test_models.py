"""The whole project on Trino: a sandbox is loaded and transformed on both profiles, and each model has the same rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trino.exceptions import TrinoUserError

from tests.lakehouse.conftest import ask

pytestmark = pytest.mark.timeout(1500)
JOBS = ("ingest_oss_directory", "ingest_growthepie", "transform")


def oso(*arguments: str, profile: str) -> subprocess.CompletedProcess[str]:
    """One command on the home of the servers, in the sandbox world."""
    home = os.environ.get("LAKEHOUSE_HOME", ".oso")
    environment = os.environ | {"OSO_HOME": home, "OSO_WORLD": "sandbox", "OSO_PROFILE": profile}
    command = [str(Path(sys.executable).with_name("oso")), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(servers: dict[str, str]) -> dict[str, str]:
    """The addresses of servers on which the models are built, as they are in DuckDB's file beside."""
    up = oso("sandbox", "up", profile="embedded")
    assert up.returncode == 0, up.stdout + up.stderr
    for profile in ("lakehouse", "embedded"):
        run = oso("run", *JOBS, "--newest", "2", profile=profile)
        assert "✓ SQLMesh: models and audits" in run.stdout, run.stdout + run.stderr
    maintained = oso("run", "maintain_lakehouse", profile="lakehouse")  # what follows is as equal after it
    assert "✓ Iceberg's tables" in maintained.stdout, maintained.stdout + maintained.stderr
    return servers


def test_every_model_has_the_same_rows_on_trino_and_on_duckdb(built: dict[str, str]) -> None:
    compared = oso("parity", profile="embedded")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert compared.stdout.rstrip().endswith(" models are equal, 0 differ")
    assert ask(built["lakehouse_trino_url"], "SELECT count(*) FROM marts.projects_v1")[0][0] == 300


def test_a_consumer_reads_models_and_public_raw_tables(built: dict[str, str]) -> None:
    consumer = built["lakehouse_consumer_url"]
    assert ask(consumer, "SELECT count(*) FROM marts.projects_v1") == [[300]]
    assert ask(consumer, "SELECT count(*) FROM oss_directory.projects") == [[300]]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO marts.projects_v1 SELECT * FROM marts.projects_v1",
        "CREATE TABLE marts.mine AS SELECT 1 AS n",
        "CREATE VIEW marts.mine AS SELECT 1 AS n",
        "CREATE SCHEMA lake.mine",
        "DROP VIEW marts.projects_v1",
        "DELETE FROM oss_directory.projects",
        "DROP TABLE oss_directory.projects",
        "ALTER TABLE oss_directory.projects EXECUTE optimize",
        "CALL lake.system.register_table('marts', 'mine', 'file:///tmp')",
        'SELECT * FROM oss_directory."projects$files"',
        'SELECT * FROM oss_directory."projects$snapshots"',
        "SELECT * FROM platform.coverage",
        "SELECT * FROM system.runtime.queries",
        "SET SESSION query_max_memory = '100GB'",
        "SET SESSION lake.target_max_file_size = '1kB'",
    ],
)
def test_a_consumer_is_refused_whatever_is_not_a_question_about_what_is_published(built: dict[str, str], query: str) -> None:
    with pytest.raises(TrinoUserError):
        ask(built["lakehouse_consumer_url"], query)


def test_a_consumer_does_not_reach_the_physical_tables_behind_a_model(built: dict[str, str]) -> None:
    schema, table = ask(
        built["lakehouse_trino_url"],
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = 'sqlmesh__marts' LIMIT 1",
    )[0]
    assert ask(built["lakehouse_trino_url"], f'SELECT count(*) FROM "{schema}"."{table}"')
    with pytest.raises(TrinoUserError, match="Access Denied"):
        ask(built["lakehouse_consumer_url"], f'SELECT count(*) FROM "{schema}"."{table}"')
