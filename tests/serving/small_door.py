"""A small warehouse as SQLMesh leaves one (views over physical tables, something private beside), and a door to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from oso_dagster.serving.access.admission import Admission
from oso_dagster.serving.access.keys import Keys
from oso_dagster.serving.app import application
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.engine.duckdb_engine import DuckDBEngine
from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.limits import KeyLimits, QueryLimits
from oso_dagster.serving.provenance import Provenance, TableFacts
from oso_dagster.serving.published import Published, PublishedColumn, PublishedTable
from oso_dagster.warehouse.embedded.copying import copy_file
from tests.support.asgi import serving

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLENTY = KeyLimits(per_minute=100_000, at_once=1_000)

_WAREHOUSE = """
CREATE SCHEMA sqlmesh__marts; CREATE SCHEMA marts; CREATE SCHEMA intermediate; CREATE SCHEMA oss_directory;
CREATE SCHEMA platform; CREATE SCHEMA marts__dev; CREATE SCHEMA diary;
CREATE TABLE sqlmesh__marts.projects__1 AS SELECT 'p' || range AS project_id, 'name-' || range AS project_name FROM range(300);
CREATE TABLE sqlmesh__marts.projects__old AS SELECT 'an old version' AS project_id;
CREATE TABLE sqlmesh__marts.metrics__1 AS
    SELECT 'p' || range % 300 AS project_id, DATE '2026-01-01' + CAST(range // 300 AS INT) AS sample_date,
        CASE WHEN range = 7 THEN 'nan'::DOUBLE ELSE range / 2.0 END AS amount, TIMESTAMPTZ '2026-01-01 12:00:00+00' AS at
    FROM range(30000);
CREATE VIEW marts.projects_v1 AS SELECT * FROM warehouse.sqlmesh__marts.projects__1;
CREATE VIEW marts.metrics_v0 AS SELECT * FROM warehouse.sqlmesh__marts.metrics__1;
CREATE VIEW marts__dev.projects_v1 AS SELECT * FROM warehouse.sqlmesh__marts.projects__old;
CREATE VIEW intermediate.int_named AS SELECT project_name FROM marts.projects_v1;
CREATE TABLE oss_directory.projects AS SELECT 'raw' AS name;
CREATE TABLE platform.loads AS SELECT 'what the platform notes' AS note;
CREATE TABLE diary.entries AS SELECT 'a secret' AS entry;
"""


def warehouse(folder: Path) -> Path:
    """The warehouse's file."""
    path = folder / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(_WAREHOUSE)
    return path


def published() -> Published:
    """What of it may be read; `absent_v0` is published and was never made."""
    ids = PublishedColumn("project_id", "VARCHAR", "The project.")
    return Published(
        [
            PublishedTable(
                "marts",
                "projects_v1",
                "Every project.",
                (ids, PublishedColumn("project_name", "VARCHAR", "Its name.")),
                ("oss_directory.projects",),
                ("project_id",),
            ),
            PublishedTable(
                "marts",
                "metrics_v0",
                "Every metric.",
                (
                    ids,
                    PublishedColumn("sample_date", "DATE", "The day."),
                    PublishedColumn("amount", "DOUBLE", "How much."),
                    PublishedColumn("at", "TIMESTAMPTZ", "When."),
                ),
                ("marts.projects_v1", "npm.downloads"),
                ("project_id", "sample_date"),
            ),
            PublishedTable("marts", "absent_v0", "Not made yet.", (ids,)),
            PublishedTable("intermediate", "int_named", "", (PublishedColumn("project_name", "VARCHAR", ""),)),
            PublishedTable("oss_directory", "projects", "As upstream has them.", (PublishedColumn("name", "VARCHAR", ""),)),
            PublishedTable("npm", "downloads", "Counted by npm.", ()),
        ]
    )


def facts() -> Provenance:
    """A mart that is fresh, and one that derives from an unstable source which is stale."""
    known = {
        "marts.projects_v1": TableFacts(NOW),
        "marts.metrics_v0": TableFacts(NOW),
        "oss_directory.projects": TableFacts(NOW, "fresh", coverage="projects: 99.8 % of 7,112"),
        "npm.downloads": TableFacts(None, "stale", tainted_by=("npm",), missing=2),
    }
    return Provenance(published(), known, NOW)


@dataclass
class SmallDoor:
    """A door in a folder; `clock` is the time as the keys see it."""

    door: Door
    snapshots: Snapshots
    keys: Keys
    files: Path
    path: Path

    def with_limits(self, **limits: Any) -> SmallDoor:
        """The same with other limits of a query."""
        return replace(self, door=replace(self.door, limits=QueryLimits(**limits)))

    @contextmanager
    def served(self) -> Iterator[str]:
        """Served on loopback; its address."""
        with serving(application(self.door, self.files)) as address:
            yield address


@contextmanager
def small_door(folder: Path, *, anonymous: KeyLimits | None = PLENTY, **options: Any) -> Iterator[SmallDoor]:
    """A door to the small warehouse; `options` are those of `Admission`."""
    path = warehouse(folder)
    snapshots = Snapshots(
        folder / "copies", lambda target: copy_file(path, target), lambda: path.stat().st_mtime_ns, published().tables
    )
    snapshots.refresh()
    keys = Keys(f"sqlite:///{folder / 'keys.db'}")
    admission = Admission(keys, lambda: NOW, monotonic, anonymous=anonymous, **options)
    door = Door(published(), DuckDBEngine(snapshots), admission, facts, "sandbox")
    try:
        yield SmallDoor(door, snapshots, keys, folder / "answers", path)
    finally:
        snapshots.close()
        keys.close()
