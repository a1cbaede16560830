"""A family of the world: one upstream with what it serves, where, and what a complete load of it holds.

Which families there are is `upstreams`' to say; their file on disk, the server, `endpoints.json` and the index page follow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.world.world import SandboxWorld

Rows = dict[str, list[dict[str, Any]]]
"""Rows by `<source>.<table>`, with times as the endpoints write them."""


@dataclass(frozen=True)
class Endpoint:
    """An address of the world. `setting` is the source's setting it stands in for, as `<source>_<setting>`.

    `path` is one of the HTTP server, or without a slash the name of a database of the PostgreSQL beside it.
    """

    setting: str
    path: str
    description: str

    def address(self, port: int, database_port: int) -> str | None:
        """The whole address; None when there is no PostgreSQL to have it."""
        if self.path.startswith("/"):
            return f"http://127.0.0.1:{port}{self.path}"
        return postgres.address(database_port, self.path) if database_port else None


def no_truth(_world: SandboxWorld) -> Rows:
    """The truth of a family whose rows are the world's own values."""
    return {}


@dataclass(frozen=True)
class Family:
    """One upstream: `write` puts its part of a world into a folder, `serve` answers requests below `/<name>` from it.

    None serves what PostgreSQL is filled from: `<database>.sql`. `truth` are the rows that a complete load holds. `faults` are
    the kinds of `faults.at_source` that this upstream is known to have; `serve` answers so where a request says
    (`source_faults`). `former` is the SQL that gives a database the schema it had before upstream changed it.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    write: Callable[[SandboxWorld, Path], None]
    serve: Callable[[Path], ASGIApp] | None
    truth: Callable[[SandboxWorld], Rows] = no_truth
    faults: Collection[str] = ()
    former: str = ""
