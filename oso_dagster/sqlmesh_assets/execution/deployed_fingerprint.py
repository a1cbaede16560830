"""Records which content of the project is deployed, so that a run with nothing to deploy need not load the project.

The file holds the project's fingerprint and the id of SQLMesh's plan. It is valid only while the environment in SQLMesh's state
is finished and of the same plan: any other deployment changes the plan's id.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..project import Project


def is_deployed(project: Project, state: Any) -> bool:
    """Whether what is deployed is known to be what is in the folder. False when nothing is recorded."""
    environment = state.get_environment(project.environment)
    path = _path(project)
    if environment is None or environment.finalized_ts is None or not path.exists():
        return False
    return path.read_text() == _record(project, environment)


def record_deployed(project: Project, state: Any) -> None:
    """Record that the folder is what is deployed: they were compared, or it was deployed just now."""
    environment = state.get_environment(project.environment)
    if environment is not None and environment.finalized_ts is not None:
        _path(project).parent.mkdir(parents=True, exist_ok=True)
        _path(project).write_text(_record(project, environment))


def _path(project: Project) -> Path:
    return project.cache / "deployed" / f"{project.gateway}-{project.environment}"


def _record(project: Project, environment: Any) -> str:
    return f"{project.fingerprint()}\n{environment.plan_id}\n"
