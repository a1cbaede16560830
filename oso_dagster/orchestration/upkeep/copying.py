"""Copies of what Dagster and SQLMesh keep, beside that of the reliability store: files where they keep files, else CSV.

A copy goes back to the same kind of store. Not copied: the logs that steps printed, and the warehouse, whose tables SQLMesh's
state speaks of: a copy of the state belongs beside the warehouse of its time.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg

from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.orchestration.upkeep.copying_postgres import Tables
from oso_dagster.orchestration.upkeep.upgrading import upgrade_sqlmesh
from oso_dagster.reliability.backup import BackupError
from oso_dagster.settings import Settings

_FILES, _TABLES = "files", "tables"
_FOLDERS = ("history", "schedules")
_STATE = "sqlmesh_state.duckdb"


def copy_dagster(instance: dg.DagsterInstance, folder: Path) -> str:
    """Runs, events, schedules and their cursors, into a new folder; in words, what was copied."""
    tables = _dagster_tables(instance)
    if tables is not None:
        return f"{tables.copy_out(_new(folder / _TABLES)):,} rows of Dagster"
    home, target = Path(instance.root_directory), _new(folder / _FILES)
    # The log of a run is copied after the index that names it: whatever the index says is there.
    files = sorted(_databases(home), key=lambda path: (path.parent.name == "runs" and path.name != "index.db", path))
    for path in files:
        copy = target / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as written:
            source.backup(written)
    return f"{len(files):,} files of Dagster"


def restore_dagster(instance: dg.DagsterInstance, folder: Path) -> str:
    """Put a copy back into an instance that never ran anything; its identity becomes that of the copy."""
    tables = _dagster_tables(instance)
    _same_kind("Dagster", folder, _FILES if tables is None else _TABLES)
    if tables is not None:
        return f"{tables.copy_in(folder / _TABLES):,} rows of Dagster"
    if instance.get_runs_count():
        raise BackupError("Dagster already holds runs: restore into an empty instance")
    home = Path(instance.root_directory)
    instance.dispose()
    for path in [file for name in _FOLDERS for file in (home / name).rglob("*.db*")]:
        path.unlink()
    files = _databases(folder / _FILES)
    for path in files:
        target = home / path.relative_to(folder / _FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return f"{len(files):,} files of Dagster"


def copy_sqlmesh(settings: Settings, folder: Path) -> str:
    """SQLMesh's state, into a new folder; in words, what was copied."""
    if settings.sqlmesh_state_url is not None:
        return f"{_sqlmesh_tables(settings).copy_out(_new(folder / _TABLES)):,} rows of SQLMesh"
    if not settings.sqlmesh_state_path.exists():
        return "SQLMesh has no state yet"
    _new(folder / _FILES)
    with warehouse_of(settings).lock():  # whoever writes the state holds it
        _copy_duckdb(settings.sqlmesh_state_path, folder / _FILES / _STATE)
    return "the state of SQLMesh"


def restore_sqlmesh(settings: Settings, folder: Path) -> str:
    """Put SQLMesh's state back where there is none."""
    if not folder.exists():
        return "the copy holds no state of SQLMesh"
    _same_kind("SQLMesh", folder, _FILES if settings.sqlmesh_state_url is None else _TABLES)
    if settings.sqlmesh_state_url is not None:
        upgrade_sqlmesh(settings)
        return f"{_sqlmesh_tables(settings).copy_in(folder / _TABLES):,} rows of SQLMesh"
    if settings.sqlmesh_state_path.exists():
        raise BackupError("SQLMesh already has a state: restore where there is none")
    shutil.copyfile(folder / _FILES / _STATE, settings.sqlmesh_state_path)
    return "the state of SQLMesh"


def _dagster_tables(instance: dg.DagsterInstance) -> Tables | None:
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata as Events  # noqa: PLC0415
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata as Runs  # noqa: PLC0415
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata as Schedules  # noqa: PLC0415

    storage: Any = instance.run_storage
    url = getattr(storage, "postgres_url", None)
    if url is None:
        return None
    ordered = [table.name for schema in (Runs, Events, Schedules) for table in schema.sorted_tables]
    named = list(dict.fromkeys(["alembic_version", *ordered]))
    dsn = url.replace("postgresql+psycopg2://", "postgresql://")
    return Tables("Dagster", {"dsn": dsn}, "public", "alembic_version", ("runs", "event_logs"), named)


def _sqlmesh_tables(settings: Settings) -> Tables:
    options = ("host", "port", "user", "password", "database", "sslmode")
    connect = {name: value for name, value in settings.sqlmesh_state.items() if name in options}
    return Tables("SQLMesh", connect, "sqlmesh", "_versions", ("_snapshots", "_environments"))


def _databases(root: Path) -> list[Path]:
    return sorted(file for name in _FOLDERS for file in (root / name).rglob("*.db"))


def _copy_duckdb(source: Path, target: Path) -> None:
    import duckdb  # noqa: PLC0415

    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{_quoted(source)}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{_quoted(target)}' AS new")
        connection.execute("COPY FROM DATABASE old TO new")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _same_kind(owner: str, folder: Path, kind: str) -> None:
    if not (folder / kind).is_dir():
        raise BackupError(f"{owner} keeps {kind} here, but the copy was made from another kind of store")


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
