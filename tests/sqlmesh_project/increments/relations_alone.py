"""Some models of metrics alone, on daily events that a test or a benchmark makes: the project's files, a database beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import duckdb
import time_machine

from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sqlmesh_assets.attempt_metadata import OK
from oso_dagster.sqlmesh_assets.events import Event, ModelDone
from oso_dagster.sqlmesh_assets.project import Project

_PROJECT = PROJECT_ROOT / "sqlmesh_project"
_CONFIG = """
project: oso
gateways:
  alone:
    connection: {{type: duckdb, database: '{database}', connector_config: {settings}}}
    state_connection: {{type: duckdb, database: '{state}'}}
default_gateway: alone
model_defaults: {{dialect: trino, cron: '@daily', start: '2015-01-01'}}
disable_anonymized_analytics: true
"""
_TABLES = """
- name: intermediate.int_events_daily__github
  columns: {bucket_day: date, to_artifact_id: varchar, from_artifact_id: varchar, event_source: varchar, event_type: varchar,
    amount: double, count: bigint, from_person: varchar, from_artifact_is_bot: boolean}
- name: intermediate.int_events_daily__onchain
  columns: {bucket_day: date, to_artifact_id: varchar, from_artifact_id: varchar, event_source: varchar, event_type: varchar,
    amount: double, count: bigint}
- name: intermediate.int_entities_by_artifact
  columns: {artifact_id: varchar, entity_type: varchar, entity_id: varchar}
"""
TABLES = """
CREATE SCHEMA IF NOT EXISTS intermediate;
CREATE TABLE intermediate.int_events_daily__github (bucket_day DATE, to_artifact_id VARCHAR, from_artifact_id VARCHAR,
  event_source VARCHAR, event_type VARCHAR, amount DOUBLE, count BIGINT, from_person VARCHAR, from_artifact_is_bot BOOLEAN);
CREATE TABLE intermediate.int_events_daily__onchain (bucket_day DATE, to_artifact_id VARCHAR, from_artifact_id VARCHAR,
  event_source VARCHAR, event_type VARCHAR, amount DOUBLE, count BIGINT);
CREATE TABLE intermediate.int_entities_by_artifact (artifact_id VARCHAR, entity_type VARCHAR, entity_id VARCHAR);
"""
"""What the models read."""


class Relations:
    """These models in a folder, on the tables of `alone.duckdb` there; `settings` of DuckDB as YAML.

    Of a folder that is used again the models were deployed.
    """

    def __init__(self, folder: Path, models: Sequence[str], settings: str = "{}") -> None:
        project, self.database = folder / "project", folder / "alone.duckdb"
        self._models = tuple(models)
        self._wrapped = Project(project, gateway="alone", engine="duckdb", cache=folder / "cache", recompute_whole=True)
        if project.exists():
            return
        for part in ("macros", "materializations", "metrics"):
            shutil.copytree(_PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        (project / "models").mkdir()
        for model in models:
            shutil.copy(_PROJECT / "models" / "intermediate" / f"{model}.sql", project / "models")
        (project / "config.yaml").write_text(
            _CONFIG.format(database=self.database, state=folder / "state.duckdb", settings=settings)
        )
        (project / "external_models.yaml").write_text(_TABLES)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Change the daily events, or read what was computed."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement).fetchall()

    def compute(self, today: date) -> None:
        """What a materialization does on the day `today`: the first builds all, the next what has changed since."""
        from oso_dagster.sqlmesh_assets.execution.materializing import Request, materialize

        self._do(today, lambda emit: materialize(self._wrapped, Request(), emit, lambda: False))

    def restate(self, today: date) -> None:
        """Compute everything again on the day `today`, as `sqlmesh_restate` does over the whole span."""
        from oso_dagster.sqlmesh_assets.execution.operations import restate

        span = datetime(2015, 1, 1, tzinfo=UTC), datetime.combine(today, time(), UTC)
        self._do(
            today,
            lambda emit: restate(self._wrapped, [f"intermediate.{name}" for name in self._models], span, emit, lambda: False),
        )

    def _do(self, today: date, work: Callable[[Callable[[Event], None]], None]) -> None:
        events: list[Event] = []
        with time_machine.travel(datetime.combine(today, time(3), UTC)):
            work(events.append)
        done = [event for event in events if isinstance(event, ModelDone)]
        assert [event.outcome for event in done] == [OK] * len(self._models), done

    def rows(self, model: str) -> list[tuple[object, ...]]:
        """All samples of a model, and its marks, in one order."""
        return self.sql(f"SELECT * FROM intermediate.{model} ORDER BY ALL")
