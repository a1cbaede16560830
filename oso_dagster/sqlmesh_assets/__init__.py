"""Any SQLMesh project as Dagster assets: each model an asset, each audit a check, results logged as they happen.

Belongs here: the bridge between the two. It names no platform and is also built as a package of its own, so its imports are
relative. Does not: which project, where its warehouse lies, which tags its assets carry, which lock is held: the caller decides.
SQLMesh is imported by `context`, `manifest.builder` and `execution` only, and these are imported when they are used.
What is exported here loads when it is asked for: who only reads a manifest needs no Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assets.multi_asset import sqlmesh_assets
    from .assets.specs import AssetExtras, asset_specs, check_specs
    from .definitions import sqlmesh_definitions
    from .jobs.catalogue import sqlmesh_jobs
    from .manifest.manifest_store import load_manifest
    from .project import Project

__all__ = [
    "AssetExtras",
    "Project",
    "asset_specs",
    "check_specs",
    "load_manifest",
    "sqlmesh_assets",
    "sqlmesh_definitions",
    "sqlmesh_jobs",
]

_PLACES = {
    "AssetExtras": ".assets.specs",
    "Project": ".project",
    "asset_specs": ".assets.specs",
    "check_specs": ".assets.specs",
    "load_manifest": ".manifest.manifest_store",
    "sqlmesh_assets": ".assets.multi_asset",
    "sqlmesh_definitions": ".definitions",
    "sqlmesh_jobs": ".jobs.catalogue",
}


def __getattr__(name: str) -> Any:
    """What is exported, from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name], __name__), name)
