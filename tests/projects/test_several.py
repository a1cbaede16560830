"""A project on several gateways, and one in several repositories: each model where it belongs, as SQLMesh alone has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.projects.comparison import Comparison, compared

pytestmark = pytest.mark.slow


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[Comparison]:
    """Two events in the warehouse, one in the archive."""
    with compared("gateways", tmp_path) as comparison:
        comparison.sql("CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT UNNEST([1, 2]) AS id, DATE '2026-01-01' AS day")
        for copy in ("wrapped", "plain"):
            with duckdb.connect(str(tmp_path / copy / "archive.duckdb")) as connection:
                connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.old_events AS SELECT 7 AS id")
        yield comparison


def archived(case: Comparison) -> list[list[tuple[int]]]:
    rows = []
    for copy in ("wrapped", "plain"):
        with duckdb.connect(str(case.root / copy / "archive.duckdb")) as connection:
            rows.append(connection.execute("SELECT id FROM staging.old_events ORDER BY id").fetchall())
    return rows


def test_each_model_is_computed_and_audited_on_its_gateway(gateways: Comparison) -> None:
    result = gateways.materialize()
    assert result.success, result.error
    assert result.materialized == {"staging.events", "staging.old_events"}
    assert result.checks == {("staging.events", "not_null"): True, ("staging.old_events", "not_null"): True}
    gateways.plan()
    assert gateways.sql("SELECT id FROM staging.events ORDER BY id") == [(1,), (2,)]
    assert archived(gateways) == [[(7,)], [(7,)]]


def test_a_failing_audit_on_another_gateway_is_of_its_model(gateways: Comparison) -> None:
    with duckdb.connect(str(gateways.root / "wrapped" / "archive.duckdb")) as connection:
        connection.execute("INSERT INTO raw.old_events VALUES (NULL)")
    result = gateways.materialize()
    assert not result.success
    assert result.checks["staging.old_events", "not_null"] is False
    assert "staging.old_events" in result.error


@pytest.fixture
def repositories(tmp_path: Path) -> Iterator[Comparison]:
    with compared("repositories", tmp_path, folders=("one", "other")) as comparison:
        comparison.sql("CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT UNNEST([1, 2, 3]) AS id")
        yield comparison


def test_models_of_all_repositories_are_assets_that_read_each_other(repositories: Comparison) -> None:
    result = repositories.materialize()
    assert result.success, result.error
    assert result.materialized == {"staging.events", "marts.counts"}
    assert result.checks == {("marts.counts", "not_null"): True}
    repositories.plan()
    assert repositories.sql("SELECT events FROM marts.counts") == [(3,)]


def test_a_change_in_the_second_repository_is_a_change_of_the_project(repositories: Comparison) -> None:
    before = repositories.project.fingerprint()
    repositories.materialize()
    repositories.plan()
    repositories.replace("other/models/counts.sql", "COUNT(*)", "COUNT(*) + 10")
    assert repositories.project.fingerprint() != before
    result = repositories.materialize()
    assert result.success, result.error
    assert "marts.counts" in result.materialized
    repositories.plan()
    assert repositories.sql("SELECT events FROM marts.counts") == [(13,)]
