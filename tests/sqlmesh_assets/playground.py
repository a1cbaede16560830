"""A small SQLMesh project, made up and complete, for what the wrapper must do with any project."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import dagster as dg
import duckdb
import pytest

from oso_dagster.sqlmesh_assets.assets.multi_asset import sqlmesh_assets
from oso_dagster.sqlmesh_assets.assets.specs import AssetExtras, asset_specs, check_specs
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from oso_dagster.sqlmesh_assets.project import Project

CONFIG = """
default_gateway: here
gateways:
  here:
    connection: {type: duckdb}
    state_connection: {type: duckdb}
model_defaults: {dialect: trino, cron: '@daily', start: '2026-01-01'}
disable_anonymized_analytics: true
"""
EXTERNAL = """
- name: raw.things
  columns: {id: bigint, size: bigint}
- name: raw.others
  columns: {id: bigint}
"""
MODELS = {
    "staging.stg_things": (
        "VIEW",
        "not_null(columns := id)",
        "SELECT CAST(id AS BIGINT) AS id, CAST(size AS BIGINT) AS size FROM raw.things",
    ),
    "staging.stg_others": ("FULL", "not_null(columns := id)", "SELECT CAST(id AS BIGINT) AS id FROM raw.others"),
    "marts.sizes": (
        "FULL",
        "not_null(columns := id), small(most := 100), small(most := 10, blocking := false)",
        "SELECT id, size FROM staging.stg_things",
    ),
    "marts.total": ("FULL", "not_null(columns := total)", "SELECT CAST(SUM(size) AS BIGINT) AS total FROM marts.sizes"),
    "marts.others": ("FULL", "not_null(columns := id)", "SELECT id FROM staging.stg_others"),
}
SMALL = "AUDIT (name small); SELECT id, size FROM @this_model WHERE size > @most"


@dataclass
class Playground:
    """The project, its warehouse, and a Dagster instance to run it on."""

    root: Path
    instance: dg.DagsterInstance
    recompute_whole: bool = True
    locked: list[str] = field(default_factory=list)
    state: dict[str, object] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(
            self.root / "project",
            gateway="here",
            engine="duckdb",
            cache=self.root / "cache",
            recompute_whole=self.recompute_whole,
            connections={
                "connection": {"type": "duckdb", "database": str(self.root / "warehouse.duckdb")},
                "state_connection": self.state or {"type": "duckdb", "database": str(self.root / "state.duckdb")},
            },
        )

    def write(self, name: str, kind: str, audits: str, query: str) -> None:
        path = self.root / "project" / "models" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"MODEL (name {name}, kind {kind}, owner 'team:data', description 'd', audits ({audits}));\n{query}\n")

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.root / "warehouse.duckdb")) as connection:
            return connection.execute(statement).fetchall()

    def definition(self, **options) -> dg.AssetsDefinition:
        manifest = load_manifest(self.project)
        raw = {f"raw.{name}": dg.AssetKey(["raw", name]) for name in ("things", "others", "undeclared")}
        specs = asset_specs(manifest, self.project, raw, lambda _: AssetExtras({"kind": "test"}, {}))

        @contextmanager
        def guard() -> Iterator[None]:
            self.locked.append(threading.current_thread().name)
            yield

        return sqlmesh_assets(self.project, specs, check_specs(manifest), guard=guard, **options)

    def materialize(self, *models: str) -> dg.ExecuteInProcessResult:
        selection = [dg.AssetKey(model.split(".")) for model in models] or None
        return dg.materialize([self.definition()], instance=self.instance, selection=selection, raise_on_error=False)


@contextmanager
def played(root: Path) -> Iterator[Playground]:
    """Two things of sizes 1 and 2, one other."""
    project = root / "project"
    (project / "audits").mkdir(parents=True)
    (project / "config.yaml").write_text(dedent(CONFIG))
    (project / "external_models.yaml").write_text(dedent(EXTERNAL))
    (project / "audits" / "small.sql").write_text(SMALL)
    with dg.DagsterInstance.ephemeral() as instance:
        place = Playground(root, instance)
        for name, (kind, audits, query) in MODELS.items():
            place.write(name, kind, audits, query)
        place.sql(
            "CREATE SCHEMA raw; CREATE TABLE raw.things AS SELECT * FROM (VALUES (1::BIGINT, 1::BIGINT), (2, 2)) AS t(id, size);"
            "CREATE TABLE raw.others AS SELECT 7::BIGINT AS id"
        )
        yield place


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[Playground]:
    """A playground of the test's own."""
    with played(tmp_path) as place:
        yield place
