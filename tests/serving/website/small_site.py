"""A warehouse with just what the pages show: two projects, one of them with hostile names, and a served site of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import duckdb

from oso_dagster.serving.access.admission import Admission
from oso_dagster.serving.app import application
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.engine.duckdb_engine import DuckDBEngine
from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.provenance import Provenance, Share, TableFacts
from oso_dagster.serving.published import Published, PublishedTable
from oso_dagster.warehouse.embedded.copying import copy_file
from tests.serving.small_door import NOW, PLENTY
from tests.support.asgi import serving

HOSTILE = '<script>alert(1)</script>"&'
WIDE = "W" * 120
SHARES = (
    Share("github.events", "PushEvent 99.00 % of 1,200 (target 95.00 %)", 0.99, 0.99, 0.95),
    Share("npm.downloads", "lodash 9.80 % of 4,523 (target 95.00 %)", 0.098, 0.098, 0.95),
)

_WAREHOUSE = f"""
CREATE SCHEMA marts;
CREATE TABLE marts.projects_v1 AS SELECT * FROM (VALUES
    ('p1', 'OSS_DIRECTORY', 'oso', 'alpha', 'Alpha', 'The first.'),
    ('p2', 'OSS_DIRECTORY', 'oso', 'beta', '{HOSTILE}', '{HOSTILE} {WIDE}'),
    ('p3', 'OP_ATLAS', '', 'alpha', 'Another alpha', NULL)
) AS t(project_id, project_source, project_namespace, project_name, display_name, description);
CREATE TABLE marts.collections_v1 AS SELECT * FROM (VALUES
    ('c1', 'first', 'The first collection', 'Both.'), ('c2', 'none', NULL, NULL)
) AS t(collection_id, collection_name, display_name, description);
CREATE TABLE marts.projects_by_collection_v1 AS SELECT 'c1' AS collection_id, unnest(['p1', 'p2']) AS project_id;
CREATE TABLE marts.artifacts_v1 AS SELECT * FROM (VALUES
    ('a1', 'GITHUB', 'alpha', 'app', 'https://github.com/alpha/app'), ('a2', 'WWW', '', 'odd', 'javascript:alert(1)')
) AS t(artifact_id, artifact_source, artifact_namespace, artifact_name, artifact_url);
CREATE TABLE marts.artifacts_by_project_v1 AS SELECT a.* EXCLUDE artifact_url, 'p1' AS project_id, 'alpha' AS project_name
    FROM marts.artifacts_v1 AS a;
CREATE TABLE marts.metrics_v0 AS SELECT 'm-' || name AS metric_id, name AS metric_name, title AS display_name,
    repeat('How many there were, of all kinds. ', 4) AS description, 'sum' AS aggregation_function, unit,
    'sqlmesh_project/metrics/' || measure || '.yaml' AS sql_source_path FROM (VALUES
    ('GITHUB_stars_over_all_time', 'Stars', 'stars', 'stars'), ('GITHUB_stars_weekly', 'Stars', 'stars', 'stars'),
    ('GITHUB_commits_weekly', 'Commits', 'commits', 'commits'), ('OPTIMISM_gas_fees_daily', 'Gas fees', 'wei', 'gas_fees'),
    ('GITHUB_forks_weekly', 'Forks', 'forks', 'forks'), ('GITHUB_comments_weekly', 'Comments', 'comments', 'comments'),
    ('BASE_gas_fees_daily', 'Gas fees', 'wei', 'gas_fees')
) AS t(name, title, unit, measure);
CREATE TABLE marts.metric_coverage_v0 AS SELECT 'GITHUB' AS metric_source, 'project' AS entity_type, t.* FROM (VALUES
    ('commits', DATE '2026-01-01', DATE '2026-05-01', 0.99, 1.0, 'measured', 'complete', 'as much as promised'),
    ('commits', DATE '2026-06-01', NULL, 0.0, 0.085, 'hollow_feed', 'lower_bound', 'Thinned out upstream'),
    ('commits', DATE '2026-10-12', DATE '2026-11-20', 0.1, 0.2, 'measured', 'withheld', '{HOSTILE} less than 50 % is held'),
    ('comments', DATE '2026-10-12', DATE '2026-11-20', 0.1, 0.2, 'measured', 'withheld', 'less than 50 % is held')
) AS t(metric, since, until, coverage_low, coverage_high, regime, standing, reason);
CREATE TABLE marts.key_metrics_by_project_v0 AS SELECT * FROM (VALUES
    ('m-GITHUB_stars_over_all_time', 'p1', DATE '2026-11-29', 1204.0),
    ('m-GITHUB_stars_over_all_time', 'p2', DATE '2026-11-29', NULL),
    ('m-GITHUB_commits_weekly', 'p1', DATE '2026-11-23', 12.0), ('m-OPTIMISM_gas_fees_daily', 'p1', DATE '2026-11-29', 3.1e18),
    ('m-GITHUB_forks_weekly', 'p1', DATE '2026-11-23', 0.0), ('m-BASE_gas_fees_daily', 'p1', DATE '2026-11-29', 5.0)
) AS t(metric_id, project_id, sample_date, amount);
CREATE TABLE marts.timeseries_metrics_by_project_v0 AS
    SELECT unnest(['m-GITHUB_stars_weekly', 'm-GITHUB_commits_weekly']) AS metric_id, 'p1' AS project_id,
        DATE '2026-01-05' + CAST(7 * range AS INT) AS sample_date, CAST(range * range AS DOUBLE) AS amount FROM range(40);
"""


@contextmanager
def small_site(folder: Path) -> Iterator[str]:
    """The site, served on loopback; its address."""
    path = folder / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(_WAREHOUSE)
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    published = Published([PublishedTable("marts", name, "", ()) for (name,) in names])
    facts = {"marts.projects_v1": TableFacts(NOW, "stale", "projects: 99 %", ("npm",), 2, SHARES)}
    snapshots = Snapshots(folder / "copies", lambda target: copy_file(path, target), lambda: 1, published.tables)
    snapshots.refresh()
    admission = Admission(None, lambda: NOW, monotonic, anonymous=PLENTY)
    door = Door(published, DuckDBEngine(snapshots), admission, lambda: Provenance(published, facts, NOW), "sandbox")
    try:
        with serving(application(door, folder / "answers", made_at=lambda: snapshots.made_at)) as address:
            yield address
    finally:
        snapshots.close()
