"""Upgrades of what other programs keep for the platform, when it moves to a newer version of them."""

from __future__ import annotations

from contextlib import closing

from oso_dagster.orchestration.models.platform_project import held_files
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.settings import Profile, Settings
from oso_dagster.sqlmesh_assets.environment_lock import environment_lock


def upgrade_sqlmesh(settings: Settings) -> str:
    """Bring SQLMesh's state to the version that is installed; says in words what was done."""
    if settings.sqlmesh_state_url is None and not settings.sqlmesh_state_path.exists():
        return "SQLMesh has no state yet: its first plan makes it"
    from oso_dagster.sqlmesh_assets.context import open_context  # noqa: PLC0415  (slow to load)

    project = project_of(settings)
    # On servers nothing of the lake is touched: who upgrades the stores needs no right to it.
    embedded = settings.profile is Profile.EMBEDDED
    alone = held_files(settings, ()) if embedded else environment_lock(project, project.environment)
    with alone, closing(open_context(project, connected=True)) as context:
        context.migrate()
    return "SQLMesh's state is up to date"
