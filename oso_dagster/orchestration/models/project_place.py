"""Where the platform's SQLMesh project is, on which warehouse, and the names of its models. No Dagster is imported here."""

from __future__ import annotations

from typing import Any

from oso_dagster.settings import Profile, Settings
from oso_dagster.sqlmesh_assets.asset_paths import asset_path
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from oso_dagster.sqlmesh_assets.project import Project


def project_of(settings: Settings, *, connected: bool = True) -> Project:
    """The platform's SQLMesh project on this world's warehouse.

    Not `connected` it is good for its manifest alone, and asks for none of the settings that say where its servers are.
    """
    return Project(
        path=settings.sqlmesh_project,
        gateway=settings.profile.value,
        engine=settings.profile.engine,
        cache=settings.cache_dir,
        recompute_whole=True,  # raw tables land several times a day: docs/decisions/0007
        connections={"connection": _connection(settings), "state_connection": settings.sqlmesh_state} if connected else {},
    )


def _connection(settings: Settings) -> dict[str, Any]:
    """The warehouse, in the words of SQLMesh's connection configurations. May hold a password: never print it."""
    if settings.profile is Profile.LAKEHOUSE:
        return settings.trino_connection
    return {"type": "duckdb", "database": str(settings.warehouse_path)}


def model_assets(settings: Settings) -> list[str]:
    """Every model as the asset that it is, `marts/projects_v1`, by name. Reads the manifest, or builds it when there is none."""
    return sorted("/".join(asset_path(model)) for model in load_manifest(project_of(settings, connected=False)).models)
