"""The short way: a whole project as one Definitions object."""

from __future__ import annotations

import dagster as dg

from .asset_keys import asset_key
from .assets.multi_asset import sqlmesh_assets
from .assets.specs import AssetExtras, asset_specs, check_specs
from .gc_tuning import infrequent_gc
from .jobs.catalogue import sqlmesh_jobs
from .manifest.manifest_store import load_manifest
from .project import Project


@infrequent_gc()
def sqlmesh_definitions(project: Project, name: str = "sqlmesh") -> dg.Definitions:
    """Assets, checks and jobs of the project; each table that no model makes is an upstream asset `[schema, table]`."""
    manifest = load_manifest(project)
    raw = {table: asset_key(table) for table in manifest.raw_tables}
    specs = asset_specs(manifest, project, raw, lambda _: AssetExtras())
    return dg.Definitions(
        assets=[sqlmesh_assets(project, specs, check_specs(manifest, raw), name=name)],
        jobs=sqlmesh_jobs(project, manifest, name=name, raw_assets=raw),
    )
