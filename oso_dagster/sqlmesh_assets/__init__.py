"""Any SQLMesh project as Dagster assets: each model an asset, each audit a check, results logged as they happen.

Belongs here: the bridge between the two, which names no platform and can be lifted out as it is (imports are relative).
Does not: which project, where its warehouse lies, which tags its assets carry, which lock is held: the caller says so. SQLMesh
is imported by `manifest_builder`, `context`, `snapshots`, `sqlmesh_hooks`, `session`, `materializing`
and `operations` only, and these are imported when they are used.
"""

from .definitions import sqlmesh_definitions
from .project import Project

__all__ = ["Project", "sqlmesh_definitions"]
