"""Open Dev Data as the sandbox has it: a manifest, and a snapshot with Parquet files of repositories and of their commits.

Written from PyPI's `open-dev-data` 1.4, module `download` (the manifest's `dataset.version` and `dataset.resources` with `path`,
`size_bytes` and `b3sum`; paths are relative to it), and the columns of `commits` and `repos` that public users of the snapshots
read. A file is sent whole or by ranges (RFC 9110). Commits are those that GitHub has in this world.
Awkward on purpose: repositories that nobody names, names in capitals, a commit that stands in the file twice, authors that are
not known, times without a zone, and columns about people that nobody here may ask for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.forge import Forge, Repository
from oso_dagster.sandbox.world.world import SandboxWorld, stream

if TYPE_CHECKING:
    from starlette.types import Scope

MANIFEST = "manifest.json"
_STRANGERS = ("sbx-stranger/engine", "sbx-stranger/sails")
_IN_A_GROUP = 400
"""Rows of a row group: few, so that a file has several."""
_CAPITALS, _TWICE = 5, 50
"""One repository of so many is written in capitals; one commit of so many stands there twice."""

_Row = dict[str, Any]


class _Files(StaticFiles):
    """The snapshot's files; the manifest is JSON, whatever the machine takes it for."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path == MANIFEST:
            response.headers["content-type"] = "application/json"
        return response


def write(world: SandboxWorld, folder: Path) -> None:
    """Write the snapshot of the world's day, and the manifest that names it."""
    import pyarrow as pa  # noqa: PLC0415  (heavy, and the server needs none)
    import pyarrow.parquet as pq  # noqa: PLC0415

    version = f"{world.now:%Y%m%d}"
    place = folder / version
    place.mkdir(parents=True, exist_ok=True)
    made = forge.forge_of(world)
    names = {number: name for number, (name, _) in _repositories(made).items()}
    pq.write_table(pa.table({"id": list(names), "name": list(names.values())}), place / "repos.parquet")
    commits = pa.Table.from_pylist([_as_written(row) for row in _commits(made)])
    pq.write_table(commits, place / "commits.parquet", row_group_size=_IN_A_GROUP)
    resources = [
        {"path": f"{version}/{name}", "size_bytes": (place / name).stat().st_size, "b3sum": "0" * 64}
        for name in ("repos.parquet", "commits.parquet")
    ]
    (folder / MANIFEST).write_text(json.dumps({"dataset": {"version": version, "resources": resources}}))


def truth(world: SandboxWorld) -> dict[str, list[_Row]]:
    """The rows that a complete load holds: the commits of repositories that GitHub has."""
    made = forge.forge_of(world)
    names = {number: name.lower() for number, (name, repository) in _repositories(made).items() if repository is not None}
    rows = {
        (row["repo_id"], row["sha1"]): {
            "repo_id": row["repo_id"], "repo_name": names[row["repo_id"]], "sha1": row["sha1"],
            "authored_at": row["authored_at"], "committed_at": row["committed_at"], "additions": row["additions"],
            "deletions": row["deletions"], "canonical_developer_id": row["canonical_developer_id"], "is_bot": row["is_bot"],
        }
        for row in _commits(made)
        if row["repo_id"] in names
    }  # fmt: skip
    return {"opendevdata.commits": list(rows.values())}


def _repositories(made: Forge) -> Mapping[int, tuple[str, Repository | None]]:
    """The repositories of the snapshot by its own numbers; None for those of strangers."""
    there = [repository for repository in made.repositories if not repository.deleted]
    named = [
        (repository.full_name if number % _CAPITALS else repository.full_name.upper(), repository)
        for number, repository in enumerate(there)
    ]
    return dict(enumerate([*named, *((name, None) for name in _STRANGERS)], 1))


def _commits(made: Forge) -> Iterator[_Row]:
    rng, number = stream(made.seed, "opendevdata"), 0
    for repo_id, (name, repository) in _repositories(made).items():
        source = repository.id if repository is not None else sum(map(ord, name))
        for commit in github_things.things(made, source)["commits"]:
            number += 1
            author = commit["author"]["user"]
            row = {
                "id": number, "repo_id": repo_id, "sha1": commit["oid"], "created_at": commit["committedDate"],
                "additions": rng.randrange(400), "deletions": rng.randrange(200), "authored_at": commit["authoredDate"],
                "authored_at_offset": 0, "committed_at": commit["committedDate"], "committed_at_offset": 0,
                "commit_author_name": author["login"] if author else "somebody",
                "commit_author_email": f"{author['login'] if author else 'somebody'}@sbx.example",
                "canonical_developer_id": author["databaseId"] if author else None, "is_bot": 0,
            }  # fmt: skip
            yield row
            if number % _TWICE == 0:
                yield row


def _as_written(row: _Row) -> _Row:
    """With times as the snapshots have them: without a zone."""
    times = ("created_at", "authored_at", "committed_at")
    return row | {name: datetime.fromisoformat(row[name]).replace(tzinfo=None) for name in times}


FAMILY = Family(
    "opendevdata",
    (Endpoint("opendevdata_url", f"/opendevdata/{MANIFEST}", "Open Dev Data's manifest, with its snapshot beside it"),),
    write,
    lambda folder: _Files(directory=folder),
    truth,
)
