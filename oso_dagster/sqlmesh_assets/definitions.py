"""The short way: a whole project as one Definitions object."""

from __future__ import annotations

import dagster as dg

from .assets import sqlmesh_assets
from .gc_tuning import rarely_collected
from .jobs import sqlmesh_jobs
from .manifest_store import load_manifest
from .project import Project
from .specs import Dress, asset_key, asset_specs, check_specs


@rarely_collected()
def sqlmesh_definitions(project: Project, name: str = "sqlmesh") -> dg.Definitions:
    """Assets, checks and jobs of the project; each table that no model makes is an upstream asset `[schema, table]`."""
    manifest = load_manifest(project)
    raw = {table: asset_key(table) for table in manifest.raw_tables}
    specs = asset_specs(manifest, project, raw, lambda _: Dress())
    return dg.Definitions(
        assets=[sqlmesh_assets(project, specs, check_specs(manifest), name=name)],
        jobs=sqlmesh_jobs(project, manifest, name=name),
    )
