"""Opens a SQLMesh project. Imports SQLMesh: import this module only where it is used."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh.core import constants
from sqlmesh.core.config import Config
from sqlmesh.core.config.loader import load_configs
from sqlmesh.core.console import Console, NoopConsole
from sqlmesh.core.context import Context
from sqlmesh.core.model.kind import CustomKind

from .column_types import use_known_type_texts
from .project import Project
from .trino_commits import connection_config


def open_context(
    project: Project,
    kind: type[Context] = Context,
    *,
    connected: bool,
    load: bool = True,
    console: Console | None = None,
) -> Any:
    """A context, with its models loaded if `load`; unless `connected`, on the project's own (in-memory) connections."""
    constants.MAX_FORK_WORKERS = 1  # a fork of a process with Dagster's threads may hang; for a warm cache one is faster too
    use_known_type_texts()
    configs = load_configs(None, Config, [*project.folders])
    for config in configs.values():
        config.cache_dir = str(Path(project.cache) / "sqlmesh")
        if connected:
            gateway = config.get_gateway(project.gateway)
            for place, values in project.connections.items():
                setattr(gateway, place, connection_config(dict(values)))
    context = kind(paths=[str(folder) for folder in project.folders], config=configs, gateway=project.gateway, load=False)
    context.console = console or NoopConsole()
    if load:
        context.load()
    else:
        context._load_materializations()  # noqa: SLF001  (models of the project's own kinds are read from the state then)
    return context


@cache
def short_name(fqn: str) -> str:
    """`schema.table` of SQLMesh's quoted, catalogue-qualified name; a standalone audit has no schema."""
    table = exp.to_table(fqn)
    return ".".join(part for part in (table.db, table.name) if part)


def is_asset(snapshot: Any) -> bool:
    """Whether the snapshot has a table or view: standalone audits, embedded and external models have none."""
    return bool(snapshot.is_model and not snapshot.is_symbolic)


def goes_on(model: Any) -> bool:
    """Whether it is computed each time, from its own rows: of a kind of the project's own with `computed_each_time`."""
    return isinstance(model.kind, CustomKind) and bool(model.kind.materialization_properties.get("computed_each_time"))
