"""The families of the world: what each writes, where it is served, and which settings of the sources lead to it.

The only list of them. A new family is its own file and one entry here; the server, `endpoints.json` and the index page follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from oso_dagster.sandbox import directory, discord, funding
from oso_dagster.sandbox.git_http import GitHttp, find_backend
from oso_dagster.sandbox.world import World


@dataclass(frozen=True)
class Endpoint:
    """An address of the world. `setting` is the source's setting it stands in for, as `<source>_<setting>`."""

    setting: str
    path: str
    description: str


@dataclass(frozen=True)
class Family:
    """One protocol: `write` puts its part of a world into a folder, `serve` answers requests below `/<name>` from it."""

    name: str
    endpoints: tuple[Endpoint, ...]
    write: Callable[[World, Path], None]
    serve: Callable[[Path], ASGIApp]


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
)


def endpoints(port: int) -> dict[str, str]:
    """The addresses of a world served at `port`, by the setting they stand in for."""
    upstreams = {point.setting: f"http://127.0.0.1:{port}{point.path}" for family in FAMILIES for point in family.endpoints}
    return upstreams | discord.endpoints(port)
