"""What others hold on to: asset keys, names of jobs, the command line, settings, stored tables, public JSON. As lines of text.

Imports nothing but what an operator can reach (the roof, settings, catalogue, command line) and reads files on disk, so that the
same file describes any revision: `<its .venv>/bin/python tests/upgrade/surface.py <world folder> <target folder>`. After a wanted
change `python -m tests.upgrade.surface` writes `tests/upgrade/surface/` anew, whose diff is then part of the change; what is
stored and published is only described when a world that was really run is named, such as the one that a failed test left.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import duckdb
import typer

from oso_dagster.cli import app
from oso_dagster.definitions import defs
from oso_dagster.settings import PREFIX, PROJECT_ROOT, settings_model
from oso_dagster.sources import catalogue

FOLDER = Path(__file__).with_name("surface")
PUBLISHED = ("slo.json", "api/v2/*.json", "shields/services/sqlmesh.json")
"""The files for programs; all shields have one form."""
HIDDEN = "table_schema LIKE 'sqlmesh%' OR table_schema IN ('intermediate', 'staging')"
"""What only models read may change with them."""


def of_definitions() -> list[str]:
    """Assets, checks, jobs, schedules and sensors, by name."""
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    stubs = {spec.key for spec in defs.resolve_all_asset_specs() if not spec.tags and not spec.owners}
    lines = [f"asset {key.to_user_string()}" for key in graph.get_all_asset_keys() - stubs]
    lines += [f"check {key.asset_key.to_user_string()} {key.name}" for key in graph.asset_check_keys]
    lines += [f"job {job.name}" for job in defs.resolve_all_job_defs()]
    lines += [f"schedule {schedule.name} {schedule.job_name}" for schedule in repository.schedule_defs]
    lines += [f"sensor {sensor.name}" for sensor in repository.sensor_defs]
    return sorted(lines)


def of_command_line() -> list[str]:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    return sorted(_commands(root, ("oso",)))


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join([*path, *(_parameter(parameter) for parameter in command.params)])
    else:
        for name, command_below in below.items():
            yield from _commands(command_below, (*path, name))


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        names = "|".join([*parameter.opts, *parameter.secondary_opts])
        text = names if parameter.is_flag else f"{names} {_type(parameter.type_descriptor.annotation)}"
    else:
        text = f"{parameter.name.upper()}{'…' if parameter.nargs == -1 else ''}"
    return f"<{text}>" if parameter.required else f"[{text}]"


def of_settings() -> list[str]:
    """Every variable with its type and default."""
    return sorted(_setting(name, field) for name, field in settings_model(catalogue()).model_fields.items())


def _setting(name: str, field: Any) -> str:
    default = str(getattr(field.default, "value", field.default)).replace(str(PROJECT_ROOT), "<tree>")
    return f"{PREFIX}{name.upper()} {_type(field.annotation)} = {default}"


def _type(annotation: Any) -> str:
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _type(inner[0])
    return " | ".join(map(_type, inner)) if inner else str(annotation.__name__)


def of_reliability_store(path: Path) -> list[str]:
    """Tables and columns of a store in SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        rows = [(table, *row[1:3]) for (table,) in tables for row in connection.execute(f'PRAGMA table_info("{table}")')]
    return [f"{table}.{column} {kind}" for table, column, kind in rows]


def of_warehouse(path: Path) -> list[str]:
    """Tables and columns that readers see in a warehouse of DuckDB: raw tables, marts, and the platform's own."""
    query = (
        "SELECT table_schema || '.' || table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns "
        f"WHERE NOT ({HIDDEN})"
    )
    with duckdb.connect(str(path), read_only=True) as connection:
        return sorted(line for (line,) in connection.execute(query).fetchall())


def of_public_json(folder: Path) -> list[str]:
    """Every key of the published files, by its path."""
    files = [path for pattern in PUBLISHED for path in folder.glob(pattern)]
    return sorted({key for path in files for key in _keys(json.loads(path.read_text()), path.relative_to(folder).as_posix())})


def _keys(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path} {name}"
            yield from _keys(inner, f"{path} {name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, f"{path}[]")


def of_code() -> dict[str, list[str]]:
    """What needs no world that was run."""
    return {"definitions": of_definitions(), "command_line": of_command_line(), "settings": of_settings()}


def of_world(folder: Path) -> dict[str, list[str]]:
    """What a world that was run holds and publishes."""
    return {
        "reliability_store": of_reliability_store(folder / "reliability.db"),
        "warehouse": of_warehouse(folder / "warehouse.duckdb"),
        "public_json": of_public_json(folder / "status"),
    }


def known(name: str) -> list[str]:
    """The lines of a snapshot."""
    return (FOLDER / f"{name}.txt").read_text().splitlines()


def source_names() -> list[str]:
    """The sources of this tree."""
    return [source.name for source in catalogue()]


def without_new_sources(lines: Iterable[str]) -> list[str]:
    """Leave out what belongs to a source that the snapshots do not know: to add one is no change of anything that is there."""
    before = {line.split()[1].split("/")[0] for line in known("definitions") if line.startswith("asset ")}
    new = [name for name in source_names() if name not in before]
    mark = re.compile("|".join(rf"\b(ingest_)?{name}(_\w+)?\b|OSO_{name.upper()}_" for name in new) or r"(?!)")
    return [line for line in lines if not mark.search(line)]


def write(folder: Path, surfaces: dict[str, list[str]]) -> None:
    """One file for each surface."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in surfaces.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    world, *elsewhere = sys.argv[1:] or [""]
    write(Path(*elsewhere) if elsewhere else FOLDER, of_code() | (of_world(Path(world)) if world else {}))
