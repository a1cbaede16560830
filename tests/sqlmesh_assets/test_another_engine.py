"""Models on a real PostgreSQL, an engine that tells what it wrote; DuckDB does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import psycopg2
import pytest
from sqlalchemy import make_url
from sqlmesh.core.config.connection import PostgresConnectionConfig
from sqlmesh.core.engine_adapter.postgres import PostgresEngineAdapter

from oso_dagster.sqlmesh_assets.project import Project
from tests.sqlmesh_assets.execution.test_materializing import ALL, run
from tests.sqlmesh_assets.playground import Playground, played
from tests.support.postgres import empty, postgres

pytestmark = pytest.mark.server

RAW = (
    "CREATE SCHEMA raw; CREATE TABLE raw.things (id bigint, size bigint); CREATE TABLE raw.others (id bigint);"
    "INSERT INTO raw.things VALUES (1, 1), (2, 2); INSERT INTO raw.others VALUES (7)"
)
DAYS = "INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 2), start '2026-01-01', end '2026-01-05'"
BYTES_PER_ROW = 8


@dataclass
class OnPostgres(Playground):
    """The playground with its models in PostgreSQL."""

    url: str = ""

    @property
    def project(self) -> Project:
        address = make_url(self.url)
        place = {"host": address.query["host"], "user": address.username, "password": "", "port": 5432}
        here = {"type": "postgres", "database": address.database, **place}
        usual = super().project
        return replace(usual, engine="postgres", connections={**usual.connections, "connection": here})

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with closing(psycopg2.connect(self.url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()
            return cursor.fetchall() if cursor.description else []


class TellingBytes(PostgresEngineAdapter):
    """PostgreSQL tells no bytes. SQLMesh's adapter of BigQuery, the only one that does, hands them on by the same hook."""

    def _record_execution_stats(self, sql, rowcount=None, bytes_processed=None):
        super()._record_execution_stats(sql, rowcount, rowcount * BYTES_PER_ROW)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[OnPostgres]:
    root = tmp_path_factory.mktemp("engine")
    with postgres() as server, played(root) as usual:
        made = OnPostgres(root, usual.instance, url=empty(server))
        made.sql(RAW)
        made.write("marts.days", DAYS, "", "SELECT CAST(@start_date AS DATE) AS day, size FROM raw.things")
        yield made


def test_rows_and_bytes_are_those_that_the_engine_tells_of_all_batches(place, monkeypatch):
    monkeypatch.setattr(PostgresConnectionConfig, "_engine_adapter", property(lambda _: TellingBytes))
    outcome = run(place)
    assert set(outcome.materialized) == ALL | {"marts.days"}
    facts = {name: outcome.reports[name] for name in ALL | {"marts.days"}}
    assert place.sql("SELECT COUNT(*) FROM marts.days") == [(6,)]
    assert (facts["marts.days"]["sqlmesh/rows_written"], facts["marts.days"]["sqlmesh/bytes_processed"]) == (6, 48)
    assert (facts["marts.sizes"]["dagster/row_count"], facts["marts.sizes"]["sqlmesh/bytes_processed"]) == (2, 16)
    assert "dagster/row_count" not in facts["marts.days"]
    assert not {"dagster/row_count", "sqlmesh/rows_written"} & set(facts["staging.stg_things"])


def test_what_the_engine_does_not_tell_is_not_said(place):
    place.sql("INSERT INTO raw.things VALUES (3, 1000)")
    outcome = run(place, "marts.total", "staging.stg_others")
    assert outcome.reports["marts.total"]["sqlmesh/rows_written"] == 1
    assert "sqlmesh/bytes_processed" not in outcome.reports["marts.total"]


def test_a_failed_audit_shows_its_rows(place):
    outcome = run(place, "marts.sizes")
    assert outcome.outcomes == {"marts.sizes": "failed"}
    (blocking,) = [check for check in outcome.checks if not check.passed and check.severity.value == "ERROR"]
    assert blocking.metadata["sample"].value == [{"id": "3", "size": "1000"}]
