"""What an answer over the marts of metrics says of those that are withheld or lower bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
import pytest
import requests

from oso_dagster.orchestration.public_door.limits_of_metrics import limits_of_metrics
from oso_dagster.serving.access.admission import Admission
from oso_dagster.serving.app import application
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.engine.duckdb_engine import DuckDBEngine
from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.limited_metrics import Limit, LimitedMetrics
from oso_dagster.serving.provenance import Provenance
from oso_dagster.serving.published import Published, PublishedTable
from oso_dagster.warehouse.embedded.copying import copy_file
from tests.serving.small_door import NOW, PLENTY
from tests.support.asgi import serving

pytestmark = pytest.mark.server
_WAREHOUSE = """
CREATE SCHEMA marts;
CREATE TABLE marts.metrics_v0 AS SELECT 'm' AS metric_id, t.* FROM (VALUES
    ('GITHUB_commits_weekly', 'metrics/commits.yaml', 'sum'),
    ('GITHUB_time_to_merge_over_all_time', 'metrics/time_to_merge.yaml', 'median')
) AS t(metric_name, sql_source_path, aggregation_function);
CREATE TABLE marts.key_metrics_by_project_v0 AS SELECT 'm' AS metric_id, 'p1' AS project_id, 1.0 AS amount;
CREATE TABLE marts.metric_coverage_v0 AS SELECT 'project' AS entity_type, t.* FROM (VALUES
    ('GITHUB', 'commits', DATE '2026-01-01', DATE '2026-05-01', 'complete', 'as much as promised'),
    ('GITHUB', 'commits', DATE '2026-06-01', NULL, 'lower_bound', 'Thinned out upstream'),
    ('GITHUB', 'commits', DATE '2026-10-12', DATE '2026-11-20', 'withheld', 'less than 50 % is held'),
    ('GITHUB', 'comments', DATE '2026-10-12', NULL, 'withheld', 'less than 50 % is held'),
    ('*', 'downloads', DATE '2026-10-12', DATE '2026-11-20', 'withheld', 'less than 50 % is held'),
    ('GITHUB', 'time_to_merge', DATE '2026-10-12', DATE '2026-11-20', 'withheld', 'less than 50 % is held')
) AS t(metric_source, metric, since, until, standing, reason);
"""
_FROM = "SELECT amount FROM key_metrics_by_project_v0 JOIN metrics_v0 USING (metric_id)"
_WITHHELD = {"standing": "withheld", "since": "2026-10-12", "until": "2026-11-20", "reason": "less than 50 % is held"}
_THINNED = {"standing": "lowerBound", "since": "2026-06-01", "until": "", "reason": "Thinned out upstream"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("door")
    path: Path = folder / "warehouse.duckdb"
    names = ("key_metrics_by_project_v0", "metrics_v0", "metric_coverage_v0")
    with duckdb.connect(str(path)) as connection:
        connection.execute(_WAREHOUSE)
    published = Published([PublishedTable("marts", name, "", ()) for name in names])
    snapshots = Snapshots(folder / "copies", lambda target: copy_file(path, target), lambda: 1, published.tables)
    engine = DuckDBEngine(snapshots)
    assert limits_of_metrics(engine, published) == LimitedMetrics()  # no copy yet
    snapshots.refresh()
    known = Provenance(published, {}, NOW, limits_of_metrics(engine, published))
    door = Door(published, engine, Admission(None, lambda: NOW, monotonic, anonymous=PLENTY), lambda: known, "sandbox")
    try:
        with serving(application(door, folder / "answers")) as served:
            yield served
    finally:
        snapshots.close()


@pytest.mark.parametrize(
    ("where", "stated", "short"),
    [
        (
            "metric_name = 'GITHUB_commits_weekly'",
            [{"metric": "GITHUB_commits_weekly", **_THINNED}, {"metric": "GITHUB_commits_weekly", **_WITHHELD}],
            {"withheld": 1, "lowerBound": 1},
        ),
        ("metric_name IN ('NPM_downloads_daily')", [{"metric": "NPM_downloads_daily", **_WITHHELD}], {"withheld": 1}),
        (
            "metric_name = 'NPM_downloads_over_all_time'",
            [{"metric": "NPM_downloads_over_all_time", **_WITHHELD, "standing": "lowerBound"}],
            {"lowerBound": 1},
        ),
        (
            "metric_name = 'GITHUB_time_to_merge_over_all_time'",  # of a median what is held bounds nothing
            [{"metric": "GITHUB_time_to_merge_over_all_time", **_WITHHELD}],
            {"withheld": 1},
        ),
        ("metric_name = 'GITHUB_stars_weekly'", None, None),
        (
            "project_id = 'p1'",
            [{"standing": "withheld", "metrics": 4}, {"standing": "lowerBound", "metrics": 1}],
            {"withheld": 4, "lowerBound": 1},
        ),
    ],
)
def test_an_answer_says_which_of_the_metrics_asked_for_are_limited(address: str, where: str, stated: Any, short: Any) -> None:
    query = {"query": f"{_FROM} WHERE {where}", "includeAnalytics": True}
    answer = requests.post(f"{address}/sql", json=query, timeout=30)
    status = json.loads(answer.text.splitlines()[0])["assetStatus"]
    assert {entry["key"]: entry.get("metrics") for entry in status} == {
        "marts/key_metrics_by_project_v0": stated,
        "marts/metrics_v0": None,
    }
    later = requests.post(f"{address}/async-sql", json=query, timeout=30)
    for header in (answer.headers, later.headers):
        tables = json.loads(header["X-OSO-Provenance"])["tables"]
        assert [table.get("metrics") for table in tables] == [short, None]


def test_many_limits_are_cut_and_say_so() -> None:
    many = tuple(Limit("withheld", f"2026-01-{day:02}", f"2026-02-{day:02}", "x" * 1_000) for day in range(1, 29))
    stated = LimitedMetrics({("artifact", "*", "stars"): many}).of(
        "marts.timeseries_metrics_by_artifact_v0", ["GITHUB_stars_daily", "x" * 100_000]
    )
    assert (len(stated), stated[-1], len(stated[0]["reason"])) == (21, {"more": 8}, 300)
