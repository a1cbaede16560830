"""npm's download counts as the sandbox has them, for the packages that projects of the directory name."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.world import SandboxWorld, stream

UNPUBLISHED = "sbx-sail"
"""A package that a project names and npm does not know."""


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all counts."""
    web_api.save(folder, downloads(world))


def serve(folder: Path) -> ASGIApp:
    """`/downloads/range/{start}:{end}/{package}`."""
    return web_api.serve(folder, {"/downloads/range/{start}:{end}/{package:path}": _range})


def packages(world: SandboxWorld) -> list[str]:
    """The packages that the directory names."""
    urls = [url for project in world.projects for url in project.links.get("npm", ())]
    return sorted({urlsplit(url).path.removeprefix("/package/").strip("/").lower() for url in urls})


def downloads(world: SandboxWorld) -> dict[str, dict[str, int]]:
    """Downloads by package and day."""
    rng, days = stream(world.seed, "npm"), web_api.midnights(world)[:-1]
    known = [package for package in packages(world) if package != UNPUBLISHED]
    return {package: {day.date().isoformat(): int(rng.lognormvariate(6, 1)) for day in days} for package in known}


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table."""
    counts = downloads(world)
    rows = [{"package": package, "day": day, "downloads": count} for package in counts for day, count in counts[package].items()]
    return {"npm.downloads": rows}


def _range(data: Any, request: Request) -> Response:
    parameters = request.path_params
    counts = data.get(parameters["package"])
    if counts is None:
        return JSONResponse({"error": f"package {parameters['package']} not found"}, 404)
    day, last, rows = date.fromisoformat(parameters["start"]), date.fromisoformat(parameters["end"]), []
    while day <= last:
        rows.append({"downloads": counts.get(day.isoformat(), 0), "day": day.isoformat()})
        day += timedelta(days=1)
    return JSONResponse(
        {"start": parameters["start"], "end": parameters["end"], "package": parameters["package"], "downloads": rows}
    )


FAMILY = Family("npm", (Endpoint("npm_url", "/npm", "npm's download counts"),), write, serve, truth)
