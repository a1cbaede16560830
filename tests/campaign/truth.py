"""What a healthy load holds, told by the generator: for each table the rows, in the columns of which the generator knows.

Web families and BigQuery tell it themselves (`truth`); databases, files and git are the world's own values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from oso_dagster.connectors.github import archive_files
from oso_dagster.connectors.github.core.changes import KINDS
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import ColumnType, Table
from oso_dagster.sandbox import families
from oso_dagster.sandbox.upstreams import gharchive, github_api, op_atlas
from oso_dagster.sandbox.upstreams._github import feeds as github_feeds
from oso_dagster.sandbox.upstreams._github import stars as github_stars
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import SandboxWorld

Row = Mapping[str, Any]


def true_rows_of(world: SandboxWorld) -> Mapping[str, list[Row]]:
    """What the families that tell it themselves hold, by table: made once, it takes seconds."""
    return families.truth(world)


def truth(world: SandboxWorld, generated: Mapping[str, list[Row]], source: str, table: Table, window: Window | None) -> list[Row]:
    """The rows of one table (of its partition, where it has some); raises KeyError for a table of which nobody tells."""
    name = f"{source}.{table.name}"
    own = {
        "oss_directory.projects": _projects,
        "oss_directory.collections": _collections,
        "oss_funding.funding_data": _funding,
        "github.repositories": _repositories,
        "github.sbom": _bills,
        "github.repository_events": _feeds,
        "github.stars_by_day": _stars,
    }
    if name == "github.events":
        return _events(world, window)
    if source == "github" and table.name in KINDS:
        return _changes(world, table.name)
    if name in own:
        return own[name](world)
    if source == op_atlas.DATABASE:
        return _atlas(world, table)
    return [row for row in generated[name] if _arrives(row, table, window)]


def as_landed(row: Row, table: Table) -> dict[str, Any]:
    """A row with its values as DuckDB gives them, told as text."""
    kinds = {column.name: column.type for column in table.columns}
    return {name: _READ[kinds[name]](value) if value is not None else None for name, value in row.items() if name in kinds}


_ZEROS = re.compile(r"(?<=\d)(?<=\.\d{18})0+\Z")
"""What a database adds to an amount of 18 decimals."""


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    parsed = datetime.fromisoformat(value)
    return (parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)).isoformat()


def _json(value: Any) -> str:
    return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)


_READ: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.VARCHAR: lambda value: _ZEROS.sub("", str(value)),
    ColumnType.VARCHARS: lambda value: [str(entry) for entry in value],
    ColumnType.BIGINT: int,
    ColumnType.DOUBLE: float,
    ColumnType.DECIMAL: int,
    ColumnType.BOOLEAN: lambda value: value in {True, "t", "true"},
    ColumnType.DATE: lambda value: str(value)[:10],
    ColumnType.TIMESTAMP: _instant,
    ColumnType.JSON: _json,
}


def _arrives(row: Row, table: Table, window: Window | None) -> bool:
    """Whether the partition brings a row: by its event time, or by any of the times at which it is `seen`."""
    if window is None or table.event_time is None:
        return True
    (kind,) = (column.type for column in table.columns if column.name == table.event_time)
    begin, end = str(window.start)[:10], str(window.end)[:10]
    return any(begin <= str(_READ[kind](time))[:10] < end for time in row.get("seen", [row[table.event_time]]))


def _projects(world: SandboxWorld) -> list[Row]:
    return [
        {"name": project.name, "display_name": project.display_name, "description": project.description}
        for project in world.projects
    ]


def _collections(world: SandboxWorld) -> list[Row]:
    return [
        {"name": collection.name, "display_name": collection.display_name, "projects": list(collection.projects)}
        for collection in world.collections
    ]


def _funding(world: SandboxWorld) -> list[Row]:
    return [
        {
            "to_project_name": grant.to_project_name or None,
            "amount": grant.amount,
            "funding_date": grant.funding_date,
            "from_funder_name": grant.from_funder_name,
            "metadata": dict(grant.metadata),
        }
        for grant in world.grants
    ]


def _repositories(world: SandboxWorld) -> list[Row]:
    """Those that are there; what is gone has no row of the forge."""
    github = forge.forge_of(world)
    return [
        {
            "id": repository.id,
            "name_with_owner": repository.full_name,
            "star_count": repository.stars,
            "fork_count": repository.forks,
        }
        for repository in github.repositories
        if not repository.deleted
    ]


def _bills(world: SandboxWorld) -> list[Row]:
    github = forge.forge_of(world)
    bills = ((repository, github_api.sbom(github, repository)) for repository in github.repositories if not repository.deleted)
    return [
        {"repository": repository.full_name.lower(), "package_count": len(bill["sbom"]["packages"])}
        for repository, bill in bills
        if bill
    ]


def _feeds(world: SandboxWorld) -> list[Row]:
    """The repository-scoped feeds of all that are there."""
    github = forge.forge_of(world)
    return [
        {"id": event["id"], "type": event["type"], "repo_name": event["repo"]["name"], "created_at": event["created_at"]}
        for repository in github.repositories
        if not repository.deleted
        for event in github_feeds.feed(github, repository)
    ]


def _stars(world: SandboxWorld) -> list[Row]:
    """The days of weeks in which repositories that are there were given stars."""
    github = forge.forge_of(world)
    return [
        {
            "repository": repository.full_name,
            "stars": stars,
            "day": str(datetime.fromtimestamp(week["week"] + n * 86_400, UTC))[:10],
        }
        for repository in github.repositories
        if not repository.deleted
        for week in github_stars.history(github, repository)
        if week["total"]
        for n, stars in enumerate(week["days"])
        if datetime.fromtimestamp(week["week"] + n * 86_400, UTC).date() <= github.now.date()
    ]


def _changes(world: SandboxWorld, kind: str) -> list[Row]:
    """What repositories that are there have, as GraphQL tells it."""
    github = forge.forge_of(world)
    return [
        {"repo_id": repository.id, "repo_name": repository.full_name} | KINDS[kind].row(node)
        for repository in github.repositories
        if not repository.deleted
        for node in github_things.things(github, repository.id)[kind]
    ]


def _events(world: SandboxWorld, window: Window | None) -> list[Row]:
    assert window is not None
    assert window.start is not None
    github = forge.forge_of(world)
    hours = (window.start + timedelta(hours=hour) for hour in range(archive_files.HOURS))
    return [
        {
            "id": event["id"],
            "type": event["type"],
            "actor_id": event["actor"]["id"],
            "actor_login": event["actor"]["login"],
            "repo_id": event["repo"]["id"],
            "repo_name": event["repo"]["name"],
            "created_at": event["created_at"],
        }
        for hour in hours
        for event in gharchive.events(github, hour)
    ]


def upstream_of(tables: Iterable[str], table: Table) -> str:
    """The database's name of a table, among `tables`."""
    return next(name for name in tables if name.replace("_", "").lower() == table.name.replace("_", ""))


def _atlas(world: SandboxWorld, table: Table) -> list[Row]:
    rows = world.atlas[upstream_of(world.atlas, table)]
    return [{re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in row.items()} for row in rows]
