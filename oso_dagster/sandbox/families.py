"""The families of the world: what each writes, where it is served, and which settings of the sources lead to it.

The only list of them. A new family is its own file and one entry here; the server, `endpoints.json` and the index page follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.sandbox import bigquery, directory, discord, forge, funding, gharchive, gitcoin, github_api, op_atlas, postgres
from oso_dagster.sandbox.git_http import GitHttp, find_backend
from oso_dagster.sandbox.web_families import WEB_FAMILIES
from oso_dagster.sandbox.world import World


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


@dataclass(frozen=True)
class Family:
    """One protocol: `write` puts its part of a world into a folder, `serve` answers requests below `/<name>` from it.

    None serves what PostgreSQL is filled from: `<database>.sql`.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    write: Callable[[World, Path], None]
    serve: Callable[[Path], ASGIApp] | None


FAMILIES: tuple[Family, ...] = (
    Family(
        "git",
        (Endpoint("oss_directory_url", f"/git/{directory.REPOSITORY}", "OSS Directory, a git repository over smart HTTP"),),
        directory.write,
        lambda folder: GitHttp(folder, find_backend()),
    ),
    Family(
        "oss-funding",
        (Endpoint("oss_funding_url", f"/oss-funding/{funding.FILE}", "OSS Funding, a CSV file with ETag and Last-Modified"),),
        funding.write,
        lambda folder: StaticFiles(directory=folder),
    ),
    *(
        Family(web.name, (Endpoint(web.setting, f"/{web.name}{web.path}", web.description),), web.write, web.serve)
        for web in WEB_FAMILIES
    ),
    Family(
        "gharchive",
        (Endpoint("github_archive_url", "/gharchive", "GH Archive, hourly files of the last 60 days: /YYYY-MM-DD-H.json.gz"),),
        forge.write,
        gharchive.serve,
    ),
    Family(
        "github-api",
        (Endpoint("github_api_url", "/github-api", "GitHub's REST API: repositories, owners, bills of materials"),),
        forge.write,
        github_api.serve,
    ),
    Family(
        "bigquery",
        (Endpoint("superchain_url", "/bigquery", "BigQuery's REST API, over the raw data of the Superchain"),),
        forge.write,
        bigquery.serve,
    ),
    Family(
        "op-atlas",
        (Endpoint("op_atlas_url", op_atlas.DATABASE, "OP Atlas, a PostgreSQL database"),),
        lambda world, folder: op_atlas.write(world.atlas, folder),
        None,
    ),
    Family("gitcoin", (Endpoint("gitcoin_url", gitcoin.DATABASE, "RegenData, a PostgreSQL database"),), gitcoin.write, None),
)


def invents(source: Source) -> bool:
    """Whether the world has a part for this source: one that was just added to the catalogue may have none."""
    settings = {f"{source.name}_{setting.name}" for setting in source.settings}
    return any(point.setting in settings for family in FAMILIES for point in family.endpoints)


def endpoints(port: int, database_port: int = 0) -> dict[str, str]:
    """The addresses of a world served at these ports (0: no PostgreSQL), by the setting they stand in for."""
    points = [point for family in FAMILIES for point in family.endpoints]
    found = {point.setting: point.address(port, database_port) for point in points}
    upstreams = {setting: address for setting, address in found.items() if address is not None}
    return upstreams | discord.endpoints(port)
